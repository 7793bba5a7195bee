//! Tags of the simulated controller over REST: values of every type, refusals, the list of what may be written, and browsing.

use basalt::domain::device::Protocol;
use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, readings, simulator, stream_at};
use crate::support::{Answer, Client, DataDir, Server, eventually};

async fn write(client: &Client, device: i64, tag: &str, value: &Value) -> Answer {
    client.post(&format!("/api/device/{device}/io/{tag}/"), &json!({ "value": value })).await
}

async fn read(client: &Client, device: i64, tag: &str) -> Answer {
    client.get(&format!("/api/device/{device}/io/{tag}/")).await
}

#[tokio::test]
async fn every_type_of_a_tag_is_exact() {
    let controller = simulator(Protocol::Eip).await;
    let (_server, client) = Server::with_client(&[]).await;
    for routing in ["backplane", "direct"] {
        let more = json!({"name": routing, "metadata": {"routing": routing}});
        let device = device_at(&client, Protocol::Eip, controller.addr().port(), more).await;
        for (tag, values) in [
            ("value_bool", vec![json!(true), json!(false)]),
            ("value_sint", vec![json!(-128), json!(127)]),
            ("value_int", vec![json!(i16::MIN), json!(-2)]),
            ("value_dint", vec![json!(i32::MIN), json!(0x1234_5678)]),
            ("value_lint", vec![json!(i64::MIN), json!(-9_007_199_254_740_993_i64)]),
            ("value_usint", vec![json!(255)]),
            ("value_uint", vec![json!(u16::MAX)]),
            ("value_udint", vec![json!(u32::MAX)]),
            ("value_ulint", vec![json!(u64::MAX)]),
            ("value_real", vec![json!(f64::from(123.456_f32)), json!(-0.0078125)]),
            ("value_lreal", vec![json!(-1234.5678), json!(6.02e23)]),
            ("value_string", vec![json!("Kühlung"), json!("")]),
            ("Program:Main.note", vec![json!("x".repeat(82))]),
            ("value_string20", vec![json!("Lot 7"), json!(""), json!("x".repeat(20))]),
            ("value_string20.LEN", vec![json!(5)]),
            ("flags[255]", vec![json!(true), json!(false)]),
            ("numbers[999]", vec![json!(-7)]),
            ("grid[3,4]", vec![json!(12)]),
            ("value_lint.63", vec![json!(false), json!(true)]),
            ("numbers[5].31", vec![json!(true), json!(false)]),
            ("motor.setpoint", vec![json!(900), json!(1480)]),
        ] {
            for value in values {
                let answer = json!({"written": true, "value": value});
                write(&client, device, tag, &value).await.about(routing).is(200, &answer);
                read(&client, device, tag).await.about(routing).is(200, &json!({ "value": value }));
            }
        }
    }
}

#[tokio::test]
async fn a_write_to_a_tag_that_cannot_be_is_refused_with_the_reason() {
    let controller = simulator(Protocol::Eip).await;
    let (_server, client) = Server::with_client(&[]).await;
    let list = json!({"metadata": {"writable": ["value_int", "flags[3]", "motor.setpoint"]}});
    let device = device_at(&client, Protocol::Eip, controller.addr().port(), list).await;
    for (tag, value, status) in [
        ("value_int", json!(5), 200),
        ("Value_Int", json!(5), 200),
        ("value_int.3", json!(1), 200),
        ("flags[3]", json!(true), 200),
        ("flags[4]", json!(true), 400),
        ("value_dint", json!(5), 400),
        ("value_int", json!(70_000), 400),
        ("value_int", json!("five"), 400),
        ("motor.setpoint", json!(4000), 400),
    ] {
        write(&client, device, tag, &value).await.expect(status);
    }
    let anything = device_at(&client, Protocol::Eip, controller.addr().port(), json!({"name": "all"})).await;
    let answer = write(&client, anything, "motor.speed", &json!(1.5)).await;
    answer.is(502, &json!({"detail": "Device error: 0E."}));
    let answer = write(&client, anything, "value_string20", &json!("x".repeat(21))).await;
    answer.refused(400, "STRING cannot hold a text of 21 bytes: 20 at most");
    let lost = json!({"metadata": {"slot": 3}, "name": "other slot"});
    let lost = device_at(&client, Protocol::Eip, controller.addr().port(), lost).await;
    for (device, tag, status, why) in [
        (anything, "motor", 502, "the tag is a structure (handle 0AB1): name one of its members"),
        (anything, "nothing", 400, "The device says: the controller has no such tag (general status 05)."),
        (anything, "numbers[1000]", 400, "The device says: beyond the last element"),
        (anything, "flags[256]", 400, "The device says: beyond the last element"),
        (anything, "a..b", 400, "is no tag (a name is letters"),
        (lost, "motor.speed", 502, "0312"),
    ] {
        read(&client, device, tag).await.refused(status, why);
    }
}

#[tokio::test]
async fn a_stream_of_another_type_fails_alone() {
    let controller = simulator(Protocol::Eip).await;
    let (_server, client) = Server::with_client(&[]).await;
    let device =
        device_at(&client, Protocol::Eip, controller.addr().port(), json!({"poll_interval": 0.2})).await;
    let good = stream_at(&client, device, "motor.setpoint", "uint16").await;
    for (path, kind, why) in [
        ("value_string", "fp64", "which is no fp64 (the tag is STRING)"),
        ("value_string20.DATA[20]", "int16", "beyond the last element"),
        ("motor", "fp64", "the tag is a structure"),
        ("flags", "bit", "the tag is an array of BOOL"),
        ("value_real.1", "bit", "REAL has no bits"),
    ] {
        let failing = stream_at(&client, device, path, kind).await;
        eventually(why, EVENT_TIMEOUT, || async {
            let shown = client.get(&format!("/api/device/{device}/")).await.body;
            let error = shown["last_error"].as_str().unwrap_or_default();
            (shown["status"] == "degraded" && error.contains(why)).then_some(())
        })
        .await;
        assert_eq!(readings(&client, failing).await[0]["quality"], "bad", "{path}");
        client.delete(&format!("/api/data/{failing}/")).await.expect(204);
    }
    assert_eq!(readings(&client, good).await[0]["value"], json!(1480.0));
}

/// The string types that projects make for lots and recipes.
#[tokio::test]
async fn a_string_type_of_the_project_is_polled_beside_other_tags() {
    let controller = simulator(Protocol::Eip).await;
    let (_server, client) = Server::with_client(&[]).await;
    let device =
        device_at(&client, Protocol::Eip, controller.addr().port(), json!({"poll_interval": 0.2})).await;
    write(&client, device, "value_string20", &json!("Lot 0815")).await.ok();
    let lot = stream_at(&client, device, "value_string20", "text").await;
    let length = stream_at(&client, device, "value_string20.LEN", "int32").await;
    let setpoint = stream_at(&client, device, "motor.setpoint", "uint16").await;
    for (stream, name, expected) in
        [(lot, "text", json!("Lot 0815")), (length, "value", json!(8.0)), (setpoint, "value", json!(1480.0))]
    {
        eventually("a good reading", EVENT_TIMEOUT, || async {
            let stored = readings(&client, stream).await;
            let is_good = |reading: &Value| reading["quality"] == "good" && reading[name] == expected;
            stored.iter().any(is_good).then_some(())
        })
        .await;
    }
    client.get(&format!("/api/device/{device}/")).await.has(200, json!({"status": "online"}));
}

#[tokio::test]
async fn a_controller_is_browsed_saved_and_unsaved_and_by_the_command() {
    let controller = simulator(Protocol::Eip).await;
    let port = controller.addr().port();
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, Protocol::Eip, port, json!({})).await;
    let at = |query: &str| format!("/api/device/{device}/browse/{query}");
    let tree = client.get(&at("?depth=2")).await.has(200, json!({"node_id": "/", "truncated": false}));
    let children = tree["children"].as_array().expect("tags");
    let named =
        |name: &str| children.iter().find(|child| child["node_id"] == name).cloned().unwrap_or_default();
    for (name, data_type) in
        [("numbers", "DINT[1000]"), ("flags", "BOOL[256]"), ("grid", "INT[4,5]"), ("value_real", "REAL")]
    {
        assert_eq!(named(name)["data_type"], data_type, "{name}");
    }
    assert_eq!((&named("value_int")["value"], &named("motor")["node_class"]), (&json!(0), &json!("Object")));
    assert!(!tree.to_string().contains("__DEFVAL"), "{tree}");
    let program = named("Program:Main");
    assert_eq!(program["display_name"], "Main");
    assert_eq!(program["children"][0]["node_id"], "Program:Main.note", "{program}");
    let below = client.get(&at("?node=Program:Main&depth=1")).await;
    below.has(200, json!({"node_id": "Program:Main", "children": program["children"]}));
    client.get(&at("?node=motor.setpoint")).await.has(200, json!({"data_type": "UINT", "value": 1480}));
    for node in ["Program:Other", "nothing", "a..b"] {
        let answer = client.get(&at(&format!("?node={node}"))).await;
        answer.is(400, &json!({"node": [format!("Invalid node id \"{node}\".")]}));
    }
    let other = client.get(&format!("/api/device/{device}/opcua/")).await;
    assert_eq!((other.status, other.body), (400, json!({"detail": "Device protocol is not opcua."})));
    let unsaved = json!({"name": "x", "protocol": "eip", "host": "127.0.0.1", "port": port,
                         "registers": ["motor.setpoint", "motor", "nothing"]});
    let (status, tested) = client.post("/api/device/test/", &unsaved).await.outcome();
    let registers = &tested["registers"];
    let (data_type, value) = (&registers[0]["data_type"], &registers[0]["values"][0]["value"]);
    assert_eq!((status, data_type, value), (200, &json!("UINT"), &json!("1480")), "{tested}");
    assert!(registers[1]["error"].is_string() && registers[2]["error"].is_string(), "{tested}");
    let unsaved = json!({"name": "x", "protocol": "eip", "host": "127.0.0.1", "port": port});
    let found = client.post("/api/device/test/browse/", &unsaved).await.ok();
    assert_eq!(found["children"].as_array().map(Vec::len), Some(children.len()), "{found}");

    let home = DataDir::new();
    let ran = home.basalt(&["browse", &format!("eip://127.0.0.1:{port}/?slot=0")]).await;
    assert!(ran.code == Some(0) && ran.stdout.contains("  numbers  numbers  DINT[1000]"), "{ran:?}");
    assert!(ran.stdout.contains("    Program:Main.run  run  BOOL  true"), "{ran:?}");
    let ran = home.basalt(&["read", &format!("eip://127.0.0.1:{port}/motor.setpoint?slot=0")]).await;
    let expected = "tag       motor.setpoint\ntype      UINT\nvalue     1480\nraw       c8 05\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), expected));
    let ran = home.basalt(&["read", &format!("eip://127.0.0.1:{port}/nothing?slot=0")]).await;
    assert!(ran.code == Some(1) && ran.stderr.contains("no such tag"), "{ran:?}");
}

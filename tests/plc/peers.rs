//! The simulators as other people's clients see them, what those wrote as our collector reads it, and our collector at
//! other people's servers.

use basalt::domain::device::Protocol;
use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, readings, simulator, stream_at};
use crate::support::{Client, EipController, S7Cpu, Server, eventually, free_port, run_python};

async fn read(client: &Client, device: i64, rest: &str) -> Value {
    let answer = client.get(&format!("/api/device/{device}/io/{rest}")).await.ok();
    answer["value"].clone()
}

#[tokio::test]
async fn pymcprotocol_and_pymelsec_read_and_write_the_melsec_simulator() {
    let simulator = simulator(Protocol::Melsec).await;
    let (_server, client) = Server::with_client(&[]).await;
    let seen = run_python("melsec_client.py", &[&simulator.addr().port().to_string()]).await;
    let device = device_at(&client, Protocol::Melsec, simulator.addr().port(), json!({})).await;
    for (name, base) in [("3E binary", 2000), ("3E ascii", 3000), ("4E binary", 4000), ("3E iQ-R", 5000)] {
        let expected = json!({
            "setpoint": [1480], "words": [1, -2, 0x1234], "bits": [1, 0, 1, 1, 0], "bits as a word": [0x040D],
            "inputs": [1, 0, 0, 0], "random": [[1, 7, 0], [-70_000]], "random bits": [1, 0],
            "beyond": "mc protocol error: error code 0x4031",
        });
        assert_eq!(seen[name], expected, "{name}");
        for (rest, value) in [
            (format!("D{base}/"), json!(1)),
            (format!("D{}/?type=int16", base + 1), json!(-2)),
            (format!("D{}/?type=int32", base + 11), json!(-70_000)),
            (format!("M{}/", base + 3), json!(true)),
            (format!("M{}/", base + 11), json!(false)),
        ] {
            assert_eq!(read(&client, device, &rest).await, value, "{name} {rest}");
        }
    }
    assert_eq!(seen["pymelsec"], json!({"floats": [1.5, -2.25], "words": [-5, 6]}));
    assert_eq!(read(&client, device, "D6002/?type=fp32").await, json!(-2.25));
}

#[tokio::test]
async fn pyxgtclient_reads_and_writes_the_fenet_simulator() {
    let simulator = simulator(Protocol::Fenet).await;
    let (_server, client) = Server::with_client(&[]).await;
    let seen = run_python("fenet_client.py", &[&simulator.addr().port().to_string()]).await;
    let expected = json!({
        "written": [true, true, true, true, true, true], "setpoint": [1480], "words": [77, 65_535],
        "double": [0x1234_5678], "long": [0x0123_4567_89AB_CDEF_u64], "bits": [1, 0, 1], "byte": [0xAB],
        "bytes": [1, 2, 3, 4], "inputs": [1, 0], "beyond": "Nak Error",
    });
    assert_eq!(seen, expected);
    let device = device_at(&client, Protocol::Fenet, simulator.addr().port(), json!({})).await;
    for (rest, value) in [
        ("%25DW1500/", json!(77)),
        ("%25DD1000/", json!(0x1234_5678)),
        ("%25DL1000/", json!(0x0123_4567_89AB_CDEF_u64)),
        ("%25MX4102/", json!(true)),
        ("%25DW1505/", json!(0xAB00)),
        ("%25DD755/", json!(0x0403_0201)),
    ] {
        assert_eq!(read(&client, device, rest).await, value, "{rest}");
    }
}

#[tokio::test]
async fn python_snap7_reads_and_writes_the_s7_simulator() {
    let simulator = simulator(Protocol::S7).await;
    let (_server, client) = Server::with_client(&[]).await;
    let seen = run_python("s7_client.py", &[&simulator.addr().port().to_string()]).await;
    let expected = json!({
        "pdu": 240, "setpoint": 1480, "level": true, "numbers": [-2, 70_000, 1.5], "bits": 0x42,
        "items": ["05c8", "abcd00", "01", "010203"], "timer": "0000", "long": 1000,
        "beyond": "Read operation failed: Invalid address (0x05)",
        "no block": "Read operation failed: Object does not exist (0x0a)",
    });
    assert_eq!(seen, expected);
    let device = device_at(&client, Protocol::S7, simulator.addr().port(), json!({})).await;
    for (rest, value) in [
        ("DB2.DBW0/?type=int16", json!(-2)),
        ("DB2.DBD2/", json!(70_000)),
        ("DB2.DBD6/?type=fp32", json!(1.5)),
        ("DB2.DBX30.6/", json!(true)),
        ("DB2.DBX30.5/", json!(false)),
        ("MW20/", json!(0xABCD)),
        ("DB2.DBW22/", json!(0x0203)),
    ] {
        assert_eq!(read(&client, device, rest).await, value, "{rest}");
    }
}

#[tokio::test]
async fn an_s7_cpu_of_python_snap7_is_polled_read_and_written() {
    let cpu = S7Cpu::start(free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, Protocol::S7, cpu.port, json!({"poll_interval": 0.2})).await;
    let mut streams = Vec::new();
    for point in &cpu.points {
        let (path, kind) = (point["path"].as_str().expect("a text"), point["type"].as_str().expect("a text"));
        streams.push((stream_at(&client, device, path, kind).await, point));
        assert_eq!(read(&client, device, &format!("{path}/?type={kind}")).await, point["value"], "{path}");
    }
    // Of one of them the block is missing, of the other the end of the block.
    let bad = [("DB7.DBW0", "uint16"), ("DB1.DBD198", "fp32")];
    for (path, kind) in bad {
        let stream = stream_at(&client, device, path, kind).await;
        let stored = eventually("a bad reading", EVENT_TIMEOUT, || async {
            Some(readings(&client, stream).await).filter(|stored| !stored.is_empty())
        })
        .await;
        assert_eq!((stored.len(), &stored[0]["quality"]), (1, &json!("bad")), "{path}");
    }
    for (stream, point) in streams {
        let before = readings(&client, stream).await.len();
        let stored = eventually("more readings", EVENT_TIMEOUT, || async {
            Some(readings(&client, stream).await).filter(|stored| stored.len() > before + 1)
        })
        .await;
        let value = point["value"].as_f64().or(point["value"].as_bool().map(f64::from));
        for reading in stored {
            assert_eq!((reading["value"].as_f64(), &reading["quality"]), (value, &json!("good")), "{point}");
        }
    }
    for (rest, value) in [
        ("DB2.DBW0/?type=int16", json!(-2)),
        ("DB2.DBD3/?type=fp32", json!(1.5)),
        ("DB2.DBD8/?type=uint64", json!(0x0123_4567_89AB_CDEF_u64)),
        ("DB2.DBB17/", json!(0xA5)),
    ] {
        let answer =
            client.post(&format!("/api/device/{device}/io/{rest}"), &json!({ "value": value })).await;
        answer.has(200, json!({"written": true}));
    }
    let block = run_python("s7_client.py", &[&cpu.port.to_string(), "dump"]).await;
    let bytes = "fffe003fc0000000".to_owned() + "0123456789abcdef" + "00a5";
    assert_eq!(block.as_str().map(|block| &block[..36]), Some(&*bytes));
}

#[tokio::test]
async fn cpppo_and_pylogix_read_and_write_the_ethernet_ip_simulator() {
    let simulator = simulator(Protocol::Eip).await;
    let (_server, client) = Server::with_client(&[]).await;
    let seen = run_python("eip_client.py", &[&simulator.addr().port().to_string()]).await;
    let values = json!([true, -70_000, 1480, true, -9_007_199_254_740_993_i64, true, 1.5]);
    assert_eq!(seen["together"], values);
    for form in ["routed", "direct"] {
        // The statuses of an element beyond the end, and of a tag that there is not.
        let mut all = values.as_array().expect("a list").clone();
        all.extend([json!([255]), json!([5])]);
        assert_eq!(seen[form], json!(all), "{form}");
    }
    let pylogix = &seen["pylogix"];
    for (name, expected) in [
        ("numbers[20]", json!(42)),
        ("value_string", json!("Hello")),
        ("value_sint", json!(-128)),
        ("flags[37]", json!(true)),
        ("flags[36]", json!(false)),
        ("value_dint.3", json!(true)),
        ("motor.setpoint", json!(1480)),
        ("grid[1,2]", json!(0)),
        ("numbers", json!([0, 42, 0])),
        ("many", json!(1000)),
        ("missing", json!("Path destination unknown")),
    ] {
        assert_eq!(pylogix[name], expected, "{name}");
    }
    let tags = pylogix["tags"].as_array().expect("a list");
    for tag in ["motor", "numbers", "Program:Main.note", "value_string"] {
        assert!(tags.contains(&json!(tag)), "{tag}: {tags:?}");
    }
    let device = device_at(&client, Protocol::Eip, simulator.addr().port(), json!({})).await;
    for (rest, value) in [
        ("numbers[10]/", json!(-70_000)),
        ("numbers[20]/", json!(42)),
        ("value_lint/", json!(-9_007_199_254_740_993_i64)),
        ("value_string/", json!("Hello")),
        ("flags[37]/", json!(true)),
        ("value_dint/", json!(8)),
    ] {
        assert_eq!(read(&client, device, rest).await, value, "{rest}");
    }
}

#[tokio::test]
async fn a_controller_of_cpppo_is_polled_read_and_written_with_and_without_a_route() {
    let controller = EipController::start(free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    for routing in ["backplane", "direct"] {
        let more = json!({"poll_interval": 0.2, "name": routing, "metadata": {"routing": routing}});
        let device = device_at(&client, Protocol::Eip, controller.port, more).await;
        let mut streams = Vec::new();
        for tag in &controller.tags {
            let (path, kind) = (tag["path"].as_str().expect("a path"), tag["type"].as_str().expect("a type"));
            streams.push((stream_at(&client, device, path, kind).await, tag));
        }
        // Last: cpppo ends the session after the refusal of a tag that is asked for alone.
        let missing = stream_at(&client, device, "nothing", "fp64").await;
        for (stream, tag) in streams {
            let stored = eventually("a reading", EVENT_TIMEOUT, || async {
                readings(&client, stream).await.pop().filter(|last| last["quality"] == "good")
            })
            .await;
            let value = &tag["value"];
            match value {
                Value::String(_) => assert_eq!(&stored["text"], value, "{routing} {tag}"),
                Value::Bool(on) => assert_eq!(stored["value"], f64::from(u8::from(*on)), "{routing} {tag}"),
                Value::Number(number) => {
                    assert_eq!(stored["value"].as_f64(), number.as_f64(), "{routing} {tag}");
                    let whole = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
                    let is_beyond = whole.is_some_and(|whole| whole > 1 << 53);
                    let exact = is_beyond.then(|| number.to_string());
                    assert_eq!(stored["text"].as_str(), exact.as_deref(), "{routing} {tag}");
                }
                other => panic!("no value of a tag: {other}"),
            }
            let at = format!("{}/", tag["path"].as_str().expect("a path"));
            assert_eq!(&read(&client, device, &at).await, value, "{routing} {at}");
        }
        let bad = eventually("a bad reading", EVENT_TIMEOUT, || async {
            readings(&client, missing).await.into_iter().next()
        })
        .await;
        assert_eq!(bad["quality"], "bad", "{routing}: a tag that there is not");
        for (tag, value) in [("words[5]", json!(-5)), ("v_lreal", json!(2.5)), ("v_string", json!("Hello"))] {
            let at = format!("/api/device/{device}/io/{tag}/");
            let answer = client.post(&at, &json!({ "value": value })).await;
            answer.about(&format!("{routing} {tag}")).has(200, json!({"written": true}));
            assert_eq!(read(&client, device, &format!("{tag}/")).await, value, "{routing} {tag}");
        }
        // Back to what it held, for the next round.
        client.post(&format!("/api/device/{device}/io/v_lreal/"), &json!({"value": -1234.5678})).await.ok();
    }
}

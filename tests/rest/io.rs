//! Endpoints 8 and 9 against the simulator and small devices of the test: answers, refusals, who may, and what is
//! recorded. Values of every type against pymodbus are in tests/modbus/io.rs.

use basalt::sim::{Plant, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Row, check_rows};
use crate::support::{Client, Server, free_port, with};

/// How a register of Modbus is written.
pub const FORMS: &str = "Use hr:0, ir:0, co:0 or di:0 (zero-based), hr:0.5 for a bit of a register, 40001, 400001, 4x0001 or 4:1 \
                         (one-based), or %MW0, %IW0, %M0, %MX0, %I0.";

pub async fn simulator() -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Simulator::start(listener, Plant::default()).unwrap()
}

/// Starts a simulator and a server; the latter's client.
pub async fn with_simulator() -> (Simulator, Server, Client) {
    let (server, client) = Server::with_client(&[]).await;
    (simulator().await, server, client)
}

/// A Modbus device that is not polled, unless `more` says so.
pub async fn plc(client: &Client, name: &str, port: u16, more: Value) -> i64 {
    let body = json!({"name": name, "protocol": "modbus", "host": "127.0.0.1", "port": port, "timeout": 10,
               "poll_interval": null});
    let device = with(body, more);
    client.create("/api/device/", &device).await
}

/// A device that answers every request with an exception, or with nothing.
pub async fn grumpy(exception: Option<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 12];
                while socket.read_exact(&mut request).await.is_ok() {
                    let Some(code) = exception else { continue };
                    let answer = [&request[..4], &[0, 3, request[6], request[7] | 0x80, code]].concat();
                    socket.write_all(&answer).await.unwrap_or(());
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn registers_are_read_and_written_as_they_are_spelled() {
    let (sim, _server, client) = with_simulator().await;
    let id = plc(&client, "Plant", sim.addr().port(), json!({})).await;
    let at = |rest: &str| format!("/api/device/{id}/io/{rest}");
    let get =
        |name, rest: &str, value: Value| (name, "GET", at(rest), Value::Null, 200, json!({ "value": value }));
    let post = |name, rest: &str, value: Value| -> Row {
        (name, "POST", at(rest), json!({ "value": value }), 200, json!({"written": true, "value": value}))
    };
    check_rows![&client;
        post("uint16_is_the_default", "hr:0/", json!(1200));
        get("what_was_written_is_read", "hr:0/", json!(1200));
        get("without_the_slash", "hr:0", json!(1200));
        get("escaped", "hr%3A0/", json!(1200));
        get("classic", "40001/", json!(1200));
        get("six_digits", "400001/", json!(1200));
        get("iec_escaped", "%25MW0/", json!(1200));
        get("iec_as_typed", "%MW0/", json!(1200));
        get("another_kind", "hr:0/?type=fp16", json!(f64::from(half::f16::from_bits(1200))));
        get("empty_parameters_are_absent", "hr:0/?type=&byteorder=", json!(1200));
        post("two_words_low_first", "hr:0/?type=uint32", json!(65_536 * 300 + 1300));
        get("as_two_words", "hr:1/", json!(300));
        get("big", "hr:0/?type=uint32&byteorder=big", json!(65_536 * 1300 + 300));
        post("four_orders_by_name", "hr:0/?type=uint32&byteorder=abcd", json!(65_536 * 1400 + 400));
        get("read_in_that_order", "hr:0/?type=int32&byteorder=big", json!(65_536 * 1400 + 400));
        post("one_word_feels_no_order", "hr:0/?byteorder=big", json!(42));
        get("it_is_42_everywhere", "hr:0/", json!(42));
        post("bit_of_a_register", "hr:0.0/", json!(true));
        get("the_other_bits_stay", "hr:0/", json!(43));
        get("bit_of_a_register_is_a_bit", "hr:0.1/", json!(true));
        get("lowest_bit", "hr:0/?type=bit", json!(true));
        post("a_coil", "co:1/", json!(true));
        get("a_coil_is_a_bit", "co:1/?type=bit", json!(true));
        get("a_coil_as_a_number", "co:1/?type=int16", json!(1));
        "one_is_true", "POST", at("co:1/?type=bit"), json!({"value": 0}), 200, json!({"written": true, "value": false});
        get("an_input", "di:0/", json!(true));
        "a_float_without_a_fraction", "POST", at("hr:0/"), json!({"value": 7.0, "whatever": 1}), 200,
            json!({"written": true, "value": 7});
    ];
    let plant = sim.plant();
    assert_eq!((plant.motor.setpoint_rpm, plant.tank.valve_pct), (7.0, 40.0));
    assert!(!plant.furnace.is_door_open);
    let shown = client.get(&at("").replace("/io/", "/status/")).await.body;
    assert!(shown["reads"].as_u64() > Some(20), "direct requests are counted: {shown}");
    assert_eq!(client.get("/api/value/").await.body, json!([]), "nothing is stored");
}

#[tokio::test]
async fn every_refusal_says_what_is_wrong() {
    let (sim, _server, client) = with_simulator().await;
    let other = async |protocol: &str, host: &str| {
        let body = json!({"name": protocol, "protocol": protocol, "host": host});
        client.create("/api/device/", &body).await
    };
    let closed = free_port();
    let plant = plc(&client, "Plant", sim.addr().port(), json!({})).await;
    let disabled = plc(&client, "Disabled", sim.addr().port(), json!({"enabled": false})).await;
    let gone = plc(&client, "Gone", closed, json!({})).await;
    let unknown = plc(&client, "Unknown", 502, json!({"host": "no-such-host.invalid", "timeout": 20})).await;
    let silent = plc(&client, "Silent", grumpy(None).await, json!({"timeout": 0.3})).await;
    let failing = plc(&client, "Failing", grumpy(Some(4)).await, json!({})).await;
    let (vnc, opcua) = (other("vnc", "192.0.2.1").await, other("opcua", "192.0.2.1").await);
    let at = |id: i64, rest: &str| format!("/api/device/{id}/io/{rest}");
    let detail = |text: &str| json!({ "detail": text });
    let register =
        |text: &str, why: &str| json!({"register": [format!("Invalid register \"{text}\".")], "detail": why});
    let missing = "The device says: illegal data address: the device has no such register (exception 2).";
    let no_node = "`hr:0` is no node id (no `i=`, `s=`, `g=` or `b=`): write i=NUMBER, s=TEXT, g=GUID or b=BASE64, before it \
                   ns=INDEX; or nsu=URI; where the namespace is not 0, for example ns=2;s=Line1.Temp.";
    let bare = "A bare number is ambiguous: write hr:0 (zero-based; ir:, co:, di: alike) or 40001 (one-based, 5 or 6 digits).";
    let get = |name, path: String, status, body| (name, "GET", path, Value::Null, status, body);
    let post = |name, rest: &str, value: Value, problem: &str| -> Row {
        (name, "POST", at(plant, rest), json!({ "value": value }), 400, json!({"value": [problem]}))
    };
    let read_only = json!({"register": ["Register is read-only."]});
    let choice = |text: &str| [format!("\"{text}\" is not a valid choice.")];
    let named = "\"bcd16\" is not a valid choice. Use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, fp32, fp64, \
                 or name bcd16 in the register: hr:100:bcd16.";
    let kinds = "Use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, fp32, fp64.";
    let no_type = |text: &str| json!({"type": choice(text), "detail": kinds});
    let many = json!({"register": ["Invalid register \"D1\"."], "detail": format!("{FORMS} {kinds}"), "type": choice("text"),
                      "byteorder": choice("x"), "value": ["This field is required."]});
    check_rows![&client;
        get("vnc", at(vnc, "hr:0/"), 400, detail("Direct I/O is not supported for protocol \"vnc\"."));
        get("no_node_id", at(opcua, "hr:0/"), 400, register("hr:0", no_node));
        get("disabled", at(disabled, "hr:0/"), 409, detail("Device is disabled."));
        "disabled_write", "POST", at(disabled, "x/"), json!([]), 409, detail("Device is disabled.");
        get("no_device", at(999, "hr:0/"), 404, detail("Not found."));
        get("id_is_no_number", "/api/device/x/io/hr:0/".into(), 404, detail("Not found."));
        get("no_utf_8", at(plant, "%FF/"), 404, detail("Not found."));
        get("two_segments", at(plant, "hr:0/1/"), 404, detail("Not found."));
        get("melsec_register", at(plant, "D99999999/"), 400, register("D99999999", FORMS));
        get("escaped_slash", at(plant, "hr%2F0/"), 400, register("hr/0", FORMS));
        get("bare_number", at(plant, "100/"), 400, register("100", bare));
        get("past_the_last", at(plant, "hr:65535/?type=int32"), 400,
            register("hr:65535", "For this type: int32 at hr:65535 reaches past the last register."));
        get("not_in_the_device", at(plant, "hr:77/"), 400, register("hr:77", missing));
        get("across_its_end", at(plant, "hr:2/?type=int32"), 400, register("hr:2", missing));
        get("type", at(plant, "hr:0/?type=foo"), 400, no_type("foo"));
        get("type_of_registers", at(plant, "hr:0/?type=bcd16"), 400, json!({"type": [named]}));
        get("type_of_no_number", at(plant, "hr:0/?type=text"), 400, no_type("text"));
        get("byteorder", at(plant, "hr:0/?byteorder=x"), 400, json!({"byteorder": choice("x")}));
        "all_at_once", "POST", at(plant, "D1/?type=text&byteorder=x"), json!({}), 400, many;
        "missing_value", "POST", at(plant, "hr:0/"), json!({}), 400, json!({"value": ["This field is required."]});
        post("null", "hr:0/", Value::Null, "This field may not be null.");
        post("text", "hr:0/", json!("42"), "A valid number is required.");
        post("fraction", "hr:0/", json!(0.5), "A valid integer is required.");
        post("too_large", "hr:0/", json!(65_536), "Ensure this value is less than or equal to 65535.");
        post("too_small", "hr:0/", json!(-1), "Ensure this value is greater than or equal to 0.");
        post("coil_of_two", "co:0/", json!(2), "Must be a valid boolean.");
        "input_register", "POST", at(plant, "ir:0/"), json!({"value": 1}), 400, read_only.clone();
        "discrete_input", "POST", at(plant, "di:0/"), json!({"value": true}), 400, read_only;
        "refused_value", "POST", at(plant, "hr:0/"), json!({"value": 3001}), 400,
            register("hr:0", "The device says: illegal data value (exception 3).");
        "not_an_object", "POST", at(plant, "hr:0/"), json!([1]), 400,
            json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]});
        get("refused", at(gone, "hr:0/"), 502,
            detail(&format!("Connection to 127.0.0.1:{closed} failed: connection refused.")));
        get("silent", at(silent, "hr:0/"), 504, detail("Device did not respond within 0.3 s."));
        "silent_write", "POST", at(silent, "hr:0/"), json!({"value": 1}), 504,
            detail("Device did not respond within 0.3 s.");
        get("other_exception", at(failing, "hr:0/"), 502, detail("Device error: 04."));
        "no_such_method", "PUT", at(plant, "hr:0/"), Value::Null, 405, detail("Method \"PUT\" not allowed.");
    ];
    let (status, answer) = client.get(&at(unknown, "hr:0/")).await.outcome();
    let text = answer["detail"].as_str().unwrap_or_default();
    assert!(status == 502 && text.starts_with("Connection to no-such-host.invalid:502 failed: "), "{answer}");
    assert_eq!(sim.plant().motor.setpoint_rpm, 1480.0, "nothing of all this was written");
}

#[tokio::test]
async fn an_enabled_stream_of_the_register_gets_a_reading() {
    let (sim, _server, client) = with_simulator().await;
    let id = plc(&client, "Plant", sim.addr().port(), json!({})).await;
    let stream = async |name: &str, path: &str, more: Value| {
        let body = with(json!({"name": name, "device": id, "path": path, "type": "uint16"}), more);
        client.create("/api/data/", &body).await
    };
    let valve = stream("valve", "hr:1", json!({"scale": 0.1})).await;
    let same = stream("the same spelled otherwise", "40002", json!({})).await;
    let disabled = stream("disabled", "%MW1", json!({"enabled": false})).await;
    let values = async |stream: i64| -> Vec<f64> {
        let rows = client.get(&format!("/api/data/{stream}/value/?from=0")).await.body;
        rows.as_array().unwrap().iter().map(|row| row["value"].as_f64().unwrap()).collect()
    };
    let path = format!("/api/device/{id}/io/hr:1/");
    client.post(&path, &json!({"value": 250})).await.ok();
    assert_eq!((values(valve).await, values(same).await), (vec![25.0], vec![250.0]));
    assert_eq!(client.get(&path).await.body, json!({"value": 250}));
    assert_eq!((values(valve).await, values(same).await), (vec![25.0; 2], vec![250.0; 2]));
    client.get(&format!("/api/device/{id}/io/hr:2/")).await.ok();
    client.post(&path, &json!({"value": 1001})).await.expect(400);
    assert_eq!((values(valve).await.len(), values(disabled).await), (2, vec![]));
    let written = "SELECT actor, row_id, request, outcome FROM audit_log WHERE action = 'write'";
    let records = client.sql(written).await;
    assert_eq!(records.len(), 1, "one write was confirmed: {records:?}");
    assert_eq!((&records[0]["row_id"], &records[0]["outcome"]), (&json!(id), &json!("ok")), "{records:?}");
    assert!(records[0]["request"].as_str().unwrap().starts_with("POST /api/device/"), "{records:?}");
}

#[tokio::test]
async fn a_polled_device_is_read_and_written_meanwhile() {
    let (sim, _server, client) = with_simulator().await;
    let id = plc(&client, "Plant", sim.addr().port(), json!({"poll_interval": 0.1})).await;
    for register in 0..11 {
        let path = format!("ir:{register}");
        let body = json!({"name": path, "device": id, "path": path, "type": "uint16"});
        client.create("/api/data/", &body).await;
    }
    let requests = (0..200).map(|n| {
        let client = client.clone();
        async move {
            let register = if n % 2 == 0 { "hr:0" } else { "hr:2" };
            let path = format!("/api/device/{id}/io/{register}/");
            let (status, answer) = client.post(&path, &json!({"value": n})).await.outcome();
            // More than may wait at once are told to come again, and nothing of theirs is sent.
            let is_told = answer == json!({"detail": "Too many requests wait for this device."});
            assert!(status == 200 || (status == 503 && is_told), "{status} {answer}");
            status == 200
        }
    });
    let done = futures::future::join_all(requests).await;
    assert!(done.iter().filter(|is_done| **is_done).count() >= 16, "those who wait are served");
    let shown = client.get(&format!("/api/device/{id}/status/")).await.body;
    let none = json!({"timeout": 0, "refused": 0, "protocol": 0, "other": 0});
    assert_eq!((&shown["state"], &shown["errors"]), (&json!("online"), &none), "{shown}");
    let bad = client.sql("SELECT count(*) AS n FROM readings WHERE quality <> 'good'").await;
    assert_eq!(bad, [json!({"n": 0})]);
}

#[tokio::test]
async fn only_who_has_the_device_speaks_to_it() {
    let (sim, server, client) = with_simulator().await;
    let port = sim.addr().port();
    let mine = plc(&client, "Mine", port, json!({})).await;
    let other = plc(&client, "Other", port, json!({})).await;
    let body = json!({"name": "speed", "device": mine, "path": "ir:0", "type": "uint16"});
    let data = client.create("/api/data/", &body).await;
    server.basalt(&["org", "create", "elsewhere"]).await.expect_success();
    let key = async |args: &[&str]| server.client_with(args).await;
    let (mine_text, data_text) = (mine.to_string(), data.to_string());
    let by_device = key(&["--device", &mine_text]).await;
    let by_data = key(&["--data", &data_text]).await;
    let foreign = key(&["--org", "elsewhere"]).await;
    let reader = key(&["--scope", "device:read"]).await;
    let elsewhere = key(&["--scope", "data:write"]).await;
    let cases = [
        ("by device", &by_device, mine, (200, 200)),
        ("by device, another", &by_device, other, (404, 404)),
        // It sees the device because of its stream; the other registers are not its business.
        ("by data", &by_data, mine, (403, 403)),
        ("by data, another", &by_data, other, (404, 404)),
        ("another organization", &foreign, mine, (404, 404)),
        ("reader", &reader, mine, (200, 403)),
        ("another scope", &elsewhere, mine, (403, 403)),
        ("nobody", &client.without_key(), mine, (401, 401)),
    ];
    for (name, who, device, (reads, writes)) in cases {
        let before = sim.plant().tank.valve_pct;
        let path = format!("/api/device/{device}/io/hr:1/");
        who.get(&path).await.about(&format!("{name} reads")).expect(reads);
        let (status, answer) = who.post(&path, &json!({"value": (before * 10.0) as i64 + 1})).await.outcome();
        assert_eq!(status, writes, "{name} writes: {answer}");
        assert_eq!(sim.plant().tank.valve_pct != before, status == 200, "{name}");
        if status == 404 {
            assert_eq!(answer, json!({"detail": "Not found."}), "{name}");
        }
    }
}

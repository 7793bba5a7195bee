//! Direct reads and writes: every type in every order in every kind of frame, exactly; refusals; who is recorded.

use basalt::domain::device::Protocol;
use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, readings, simulator, stream_at};
use crate::support::{Client, Server, until};

const ORDERS: [&str; 6] = ["little", "big", "abcd", "cdab", "badc", "dcba"];

/// Values of each type that show a wrong order, a wrong sign and a lost digit.
fn values() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("bit", vec![json!(true), json!(false)]),
        ("byte", vec![json!(0), json!(0xA5)]),
        ("uint16", vec![json!(0x1234), json!(u16::MAX)]),
        ("int16", vec![json!(-2), json!(i16::MIN)]),
        ("uint32", vec![json!(0x1234_5678), json!(u32::MAX)]),
        ("int32", vec![json!(-123_456_789), json!(i32::MIN)]),
        ("uint64", vec![json!(9_007_199_254_740_993_u64), json!(0x0123_4567_89AB_CDEF_u64), json!(u64::MAX)]),
        ("int64", vec![json!(-1_234_567_890_123_456_789_i64), json!(i64::MIN)]),
        ("fp16", vec![json!(1.5), json!(-2.0)]),
        ("fp32", vec![json!(f64::from(123.456_f32)), json!(-0.0078125)]),
        ("fp64", vec![json!(-1234.5678), json!(6.02e23)]),
    ]
}

/// Escapes what a path segment cannot hold.
fn io(device: i64, register: &str, kind: &str, order: &str) -> String {
    let register = register.replace('%', "%25");
    format!("/api/device/{device}/io/{register}/?type={kind}&byteorder={order}")
}

#[tokio::test]
async fn every_type_in_every_order_is_exact() {
    let (melsec, fenet) = (simulator(Protocol::Melsec).await, simulator(Protocol::Fenet).await);
    let s7 = simulator(Protocol::S7).await;
    let (_server, client) = Server::with_client(&[]).await;
    for (name, protocol, port, settings, register) in [
        ("3E", Protocol::Melsec, melsec.addr().port(), json!({}), "D1000"),
        ("4E", Protocol::Melsec, melsec.addr().port(), json!({"frame": "4E"}), "ZR1001"),
        ("ascii", Protocol::Melsec, melsec.addr().port(), json!({"encoding": "ascii"}), "W1F"),
        ("iqr", Protocol::Melsec, melsec.addr().port(), json!({"series": "iqr"}), "R7"),
        ("udp", Protocol::Melsec, melsec.addr().port(), json!({"transport": "udp", "frame": "4E"}), "D1003"),
        ("bits", Protocol::Melsec, melsec.addr().port(), json!({}), "M1001"),
        ("fenet", Protocol::Fenet, fenet.addr().port(), json!({"cpu": "XGI"}), "%DW1001"),
        ("s7", Protocol::S7, s7.addr().port(), json!({"rack": 0, "slot": 2}), "DB2.DBW2000"),
        ("s7 at an odd byte", Protocol::S7, s7.addr().port(), json!({"connection": "op"}), "MB1001"),
    ] {
        let device = device_at(&client, protocol, port, json!({"name": name, "metadata": settings})).await;
        for (kind, values) in values() {
            for (order, value) in
                ORDERS.into_iter().flat_map(|order| values.iter().map(move |value| (order, value)))
            {
                let at = io(device, register, kind, order);
                let answer = client.post(&at, &json!({ "value": value })).await;
                answer.about(&format!("{name} {at}")).is(200, &json!({"written": true, "value": value}));
                assert_eq!(client.get(&at).await.body, json!({ "value": value }), "{name} {at}");
            }
        }
    }
}

/// Writes and reads; the value read.
async fn written(client: &Client, at: &str, value: Value, read: &str) -> Value {
    client.post(at, &json!({ "value": value })).await.ok();
    client.get(read).await["value"].clone()
}

#[tokio::test]
async fn words_lie_as_the_order_says_and_parts_leave_the_rest_alone() {
    let (melsec, fenet) = (simulator(Protocol::Melsec).await, simulator(Protocol::Fenet).await);
    let (_server, client) = Server::with_client(&[]).await;
    let q = device_at(&client, Protocol::Melsec, melsec.addr().port(), json!({})).await;
    let xgk = device_at(&client, Protocol::Fenet, fenet.addr().port(), json!({})).await;
    let at = |device: i64, rest: &str| format!("/api/device/{device}/io/{}", rest.replace('%', "%25"));
    for (device, wide, low) in [(q, "D1000/?type=uint32", "D1000/"), (xgk, "%DD500/", "%DW1000/")] {
        let value = written(&client, &at(device, wide), json!(0x1234_5678), &at(device, low)).await;
        assert_eq!(value, json!(0x5678), "low word first");
    }
    for (device, register, value, read, expected) in [
        (q, "D1000/?type=uint32&byteorder=big", json!(0x1234_5678), "D1000/", json!(0x1234)),
        (q, "D1000/", json!(0), "D1001/", json!(0x5678)),
        (q, "D1000.A/", json!(true), "D1000/", json!(0x0400)),
        (q, "D1000/?type=byte", json!(0xFF), "D1000/", json!(0x04FF)),
        (q, "D1000/?type=bit", json!(false), "D1000/", json!(0x04FE)),
        (q, "M1000/", json!(true), "M1000/", json!(true)),
        (q, "M1000/?type=uint16", json!(0x8001), "M1015/", json!(true)),
        (q, "X0/", json!(true), "X0/", json!(true)),
        (q, "D0/", json!(900), "D0/", json!(900)),
        (q, "D16000/?type=int32", json!(42), "D16000/?type=int32", json!(42)),
        (xgk, "%DW1000/", json!(0), "%DW1001/", json!(0x1234)),
        (xgk, "%DB2001/", json!(0xAB), "%DW1000/", json!(0xAB00)),
        (xgk, "%DW1000.4/", json!(true), "%DW1000/", json!(0xAB10)),
        (xgk, "%DX16005/", json!(true), "%DW1000/", json!(0xAB30)),
        (xgk, "%MX2764/", json!(true), "%MW172/", json!(0x1000)),
        (xgk, "%IW0.2.1/", json!(7), "%IW9/", json!(7)),
        (xgk, "%QX0.1.3/", json!(true), "%QX67/", json!(true)),
        (xgk, "%DL1000/", json!(u64::MAX), "%DW4003/", json!(0xFFFF)),
    ] {
        let got = written(&client, &at(device, register), value, &at(device, read)).await;
        assert_eq!(got, expected, "{register}");
    }
    let audited = "SELECT count(*) AS n FROM audit_log WHERE kind = 'device' AND action = 'write'";
    assert_eq!(client.sql(audited).await[0]["n"], json!(20), "each write has its row");
}

#[tokio::test]
async fn bytes_of_an_s7_cpu_lie_high_byte_first_and_bits_are_written_alone() {
    let simulator = simulator(Protocol::S7).await;
    let (_server, client) = Server::with_client(&[]).await;
    // The byte order of the device does not matter.
    let little = json!({"byteorder": "little"});
    let device = device_at(&client, Protocol::S7, simulator.addr().port(), little).await;
    let at = |rest: &str| format!("/api/device/{device}/io/{rest}");
    for (register, value, read, expected) in [
        ("DB2.DBD1001/", json!(0x1234_5678), "DB2.DBW1001/", json!(0x1234)),
        ("DB2.DBB1002/", json!(0xFF), "DB2.DBD1001/", json!(0x12FF_5678)),
        ("DB2.DBX1002.3/", json!(false), "DB2.DBB1002/", json!(0xF7)),
        ("DB2.DBX1002.0/?type=uint16", json!(0), "DB2.DBB1002/?type=byte", json!(0xF6)),
        ("DB2.DBD1001/?byteorder=little", json!(0x1234_5678), "DB2.DBD1001/", json!(0x5678_1234)),
        ("DB2.DBD1100/?type=fp32", json!(1.5), "DB2.DBW1100/", json!(0x3FC0)),
        ("M7.5/", json!(true), "MB7/", json!(0x20)),
        ("A2.0/", json!(true), "QB2/", json!(1)),
        ("EB30/", json!(9), "I30.3/", json!(true)),
        ("DB1.DBW0/", json!(900), "DB1.DBW0/", json!(900)),
    ] {
        assert_eq!(written(&client, &at(register), value, &at(read)).await, expected, "{register}");
    }
    for (rest, status, message) in [
        ("D100/", 400, "Use DB1.DBX0.3 (a bit)"),
        ("DB1.DBX0.8/", 400, "A bit is named by its byte"),
        ("DB9.DBW0/", 400, "The device says: the CPU has no such area or data block"),
        ("DB1.DBW40000/", 400, "The device says: beyond the end of the area or data block (return code 05)."),
    ] {
        let (got, answer) = client.get(&at(rest)).await.outcome();
        let advice = answer["detail"].as_str().unwrap_or_default();
        assert!(got == status && advice.starts_with(message), "{rest}: {got} {answer}");
    }
    let answer = client.post(&at("T5/"), &json!({"value": 1})).await;
    answer.is(400, &json!({"register": ["Register is read-only."]}));
    let list = json!({"metadata": {"writable": ["DB2.DBW10", "M7.5"]}, "name": "listed"});
    let listed = device_at(&client, Protocol::S7, simulator.addr().port(), list).await;
    for (rest, status) in [
        ("DB2.DBW10/", 200),
        ("DB2.DBB11/", 200),
        ("DB2.DBX10.0/", 200),
        ("DB2.DBW11/", 400),
        ("DB2.DBW10/?type=fp32", 400),
        ("M7.5/", 200),
        ("M7.4/", 400),
        ("MB7/", 400),
    ] {
        let at = format!("/api/device/{listed}/io/{rest}");
        client.post(&at, &json!({"value": 1})).await.about(&rest).expect(status);
    }
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let (melsec, fenet) = (simulator(Protocol::Melsec).await, simulator(Protocol::Fenet).await);
    let (_server, client) = Server::with_client(&[]).await;
    let q = device_at(&client, Protocol::Melsec, melsec.addr().port(), json!({})).await;
    let xgk = device_at(&client, Protocol::Fenet, fenet.addr().port(), json!({})).await;
    let gone = device_at(&client, Protocol::Fenet, 1, json!({})).await;
    let lost = json!({"metadata": {"network": 9}, "name": "other route"});
    let octal = json!({"metadata": {"xy_radix": "oct"}, "name": "octal"});
    let (lost, octal) = (
        device_at(&client, Protocol::Melsec, melsec.addr().port(), lost).await,
        device_at(&client, Protocol::Melsec, melsec.addr().port(), octal).await,
    );
    for (device, rest, register, why) in [
        (q, "D99999999/", "D99999999", "D takes a decimal number below"),
        (q, "%25DW100/", "%DW100", "Use a device and its number, such as D100"),
        (q, "T5/", "T5", "Of a timer or counter write which part: TN5"),
        (q, "D20000/", "D20000", "The device says: device number beyond what the CPU has (end code 4031)."),
        (q, "D19999/?type=uint32", "D19999", "The device says: "),
        (q, "LTN5/", "LTN5", "The device says: "),
        (octal, "X8/", "X8", "X takes an octal number below"),
        (xgk, "D100/", "D100", "Use %, an area, a size"),
        (xgk, "%25DW20000/", "%DW20000", "The device says: beyond the end of the area (error code 0004)."),
        (xgk, "%25IW0.1.2/?type=fp32", "%IW0.1.2", "For this type: "),
    ] {
        let (status, answer) = client.get(&format!("/api/device/{device}/io/{rest}")).await.outcome();
        let (message, advice) = (&answer["register"], answer["detail"].as_str().unwrap_or_default());
        let expected = json!([format!("Invalid register \"{register}\".")]);
        assert_eq!(message, &expected, "{rest}: {status} {answer}");
        assert!(status == 400 && advice.starts_with(why), "{rest}: {status} {answer}");
    }
    for (device, rest, status, body) in [
        (q, "D19999/", 200, json!({"value": 0})),
        (octal, "X10/", 200, json!({"value": false})),
        // The simulator answers for every route.
        (lost, "D1500/", 200, json!({"value": 0})),
        (gone, "%25DW0/", 502, json!({"detail": "Connection to 127.0.0.1:1 failed: connection refused."})),
    ] {
        client.get(&format!("/api/device/{device}/io/{rest}")).await.is(status, &body);
    }
    let flags = format!("/api/device/{xgk}/io/%25FW10/");
    client.post(&flags, &json!({"value": 1})).await.is(400, &json!({"register": ["Register is read-only."]}));
    let list = json!({"metadata": {"writable": ["D1500", "D1510", "D1511", "M7"]}, "name": "listed"});
    let listed = device_at(&client, Protocol::Melsec, melsec.addr().port(), list).await;
    for (rest, status) in [
        ("D1500/", 200),
        ("d01500/?type=fp32", 400),
        ("D1510/?type=fp32", 200),
        ("D1501/", 400),
        ("M7/", 200),
        ("M7/?type=uint16", 400),
        ("D1500.1/", 200),
    ] {
        let at = format!("/api/device/{listed}/io/{rest}");
        client.post(&at, &json!({"value": 1})).await.about(&rest).expect(status);
        client.get(&at).await.about(&format!("all of it can be read: {rest}")).ok();
    }
    // A stream's path is checked when it is made.
    let stream = json!({"name": "x", "device": q, "path": "hr:0", "type": "uint16"});
    let answer = client.post("/api/data/", &stream).await.expect(400);
    assert!(answer["path"][0].as_str().expect("a message").contains("such as D100, W1F"), "{answer}");
}

#[tokio::test]
async fn values_of_a_type_in_the_address_are_polled_written_and_read() {
    let (melsec, s7) = (simulator(Protocol::Melsec).await, simulator(Protocol::S7).await);
    let (_server, client) = Server::with_client(&[]).await;
    let polled = || json!({"poll_interval": 0.2});
    let q = device_at(&client, Protocol::Melsec, melsec.addr().port(), polled()).await;
    let cpu = device_at(&client, Protocol::S7, s7.addr().port(), polled()).await;
    let at = |device: i64, register: &str| format!("/api/device/{device}/io/{register}/");
    // The program of a CPU declares the length of a STRING.
    client.post(&at(cpu, "DB2.DBB10"), &json!({"value": 20})).await.ok();
    client.post(&at(cpu, "DB2.DBW200"), &json!({"value": 20})).await.ok();
    for (device, path, kind, value, cell, content) in [
        (q, "D1000:bcd32", "uint32", json!(12_345_678), "D1001", json!(0x1234)),
        (q, "D1010:text8", "text", json!("SN-0042"), "D1010", json!(0x4E53)),
        (q, "D1030:int8", "fp64", json!(-2), "D1030", json!(0xFE)),
        (q, "D1040:int24", "fp32", json!(-2), "D1041", json!(0xFFFF)),
        (q, "D1060:uint16", "enum", json!(3), "D1060", json!(3)),
        (q, "D1050:uint48", "int64", json!(0x1234_5678_9ABC_u64), "D1052", json!(0x1234)),
        (cpu, "DB2.DBB250:int24", "int32", json!(-2), "DB2.DBB252", json!(0xFE)),
        (cpu, "DB2.DBD260:tod", "int64", json!(86_399_999), "DB2.DBW260", json!(0x0526)),
        (cpu, "DB2,WSTRING200.20", "text", json!("5 €"), "DB2.DBW208", json!(0x20AC)),
        (cpu, "DB2,S10.20", "text", json!("Batch 7"), "DB2.DBB11", json!(7)),
        (cpu, "DB2.DBW40:S5TIME", "uint32", json!(127_000), "DB2.DBW40", json!(0x2127)),
    ] {
        let stream = stream_at(&client, device, path, kind).await;
        let answer = client.post(&at(device, path), &json!({ "value": value })).await;
        answer.about(path).is(200, &json!({"written": true, "value": value}));
        assert_eq!(client.get(&at(device, path)).await.body, json!({ "value": value }), "{path}");
        assert_eq!(client.get(&at(device, cell)).await["value"], content, "{path}");
        let is_value = |reading: &Value| {
            reading["text"] == value || value.as_f64().is_some_and(|number| reading["value"] == json!(number))
        };
        until!(path, EVENT_TIMEOUT; found = readings(&client, stream).await; found.iter().any(is_value));
    }
    for (register, value) in [
        ("DB2.DBD100", 0x07D8_0C10_u32),
        ("DB2.DBD104", 0x0314_1E14),
        ("DB2.DBD108", 0x0EE6_B280),
        ("DB2.DBW120", 0x1A2F),
        ("DB2.DBW122", 0x1C88),
        ("DB2.DBD124", 0x110F_EAD4),
        ("DB2.DBD128", 0x29C2_4A80),
    ] {
        client.post(&at(cpu, register), &json!({ "value": value })).await.ok();
    }
    let time = client.get(&at(cpu, "DB2,DTL100")).await;
    time.is(200, &json!({"value": "2008-12-16T20:30:20.250000"}));
    let time = client.get(&at(cpu, "DB2,LDT124")).await;
    time.is(200, &json!({"value": "2008-12-16T20:30:20.250000"}));
    let date = client.get(&at(cpu, "DB2.DBW122:date")).await;
    date.is(200, &json!({"value": "2009-12-31"}));
    let invalid = json!({"detail": "Device error: 1A2F holds digits above 9: it is no BCD number."});
    client.get(&at(cpu, "DB2.DBW120:bcd16")).await.is(502, &invalid);
    let too_large = json!({"value": ["The register holds whole numbers from 0 to 9999."]});
    client.post(&at(cpu, "DB2.DBW120:bcd16"), &json!({"value": 10_000})).await.is(400, &too_large);
    let too_large = json!({"value": ["The register holds whole numbers from -8388608 to 8388607."]});
    client.post(&at(q, "D1040:int24"), &json!({"value": 8_388_608})).await.is(400, &too_large);
    let read_only = json!({"register": ["Register is read-only."]});
    client.post(&at(cpu, "DB2,DTL100"), &json!({"value": "2008-12-16"})).await.is(400, &read_only);
}

/// One tag for the registers of a recipe, not one for each.
#[tokio::test]
async fn arrays_are_read_and_polled_as_lists() {
    let (melsec, s7) = (simulator(Protocol::Melsec).await, simulator(Protocol::S7).await);
    let (_server, client) = Server::with_client(&[]).await;
    let polled = || json!({"poll_interval": 0.2});
    let q = device_at(&client, Protocol::Melsec, melsec.addr().port(), polled()).await;
    let cpu = device_at(&client, Protocol::S7, s7.addr().port(), polled()).await;
    let at = |device: i64, register: &str| format!("/api/device/{device}/io/{register}/");
    for (device, places, path, kind, list) in [
        (q, ["D1000:int16", "D1001:int16", "D1002:int16"], "D1000:INT[3]", "json", "[7,-8,9]"),
        (cpu, ["DB2.DBW3:int16", "DB2.DBW5:int16", "DB2.DBW7:int16"], "DB2,INT3[3]", "text", "[7,-8,9]"),
        (
            cpu,
            ["DB2.DBD20:real", "DB2.DBD24:real", "DB2.DBD28:real"],
            "DB2.DBD20:REAL[3]",
            "json",
            "[7.0,-8.0,9.0]",
        ),
    ] {
        let stream = stream_at(&client, device, path, kind).await;
        for (place, value) in places.into_iter().zip([7, -8, 9]) {
            client.post(&at(device, place), &json!({ "value": value })).await.about(place).ok();
        }
        let shown: Value = serde_json::from_str(list).unwrap();
        client.get(&at(device, path)).await.about(path).is(200, &json!({ "value": shown }));
        let is_list = |reading: &Value| reading["text"] == list && reading["quality"] == "good";
        until!(path, EVENT_TIMEOUT; found = readings(&client, stream).await; found.iter().any(is_list));
    }
    for (path, kind, field, why) in [
        ("D1000[3]", "fp64", "type", "holds uint16[3], which is no fp64: use one of text, json."),
        ("D1000[2000]", "json", "path", "is longer than one request reads"),
        ("D1000.3[2]", "json", "path", "is a single bit and begins no array"),
    ] {
        let stream = json!({"name": path, "device": q, "path": path, "type": kind});
        let answer = client.post("/api/data/", &stream).await.about(path).expect(400);
        assert!(answer[field][0].as_str().is_some_and(|message| message.contains(why)), "{path}: {answer}");
    }
}

#[tokio::test]
async fn arrays_are_written_as_lists_in_one_request() {
    let (melsec, s7) = (simulator(Protocol::Melsec).await, simulator(Protocol::S7).await);
    let (_server, client) = Server::with_client(&[]).await;
    let q = device_at(&client, Protocol::Melsec, melsec.addr().port(), json!({})).await;
    let cpu = device_at(&client, Protocol::S7, s7.addr().port(), json!({})).await;
    let at = |device: i64, register: &str| format!("/api/device/{device}/io/{register}/");
    for (device, path, written, read, last) in [
        (q, "D1000:INT[3]", json!([7, -8, 9]), "[7,-8,9]", "D1002"),
        (cpu, "DB2,INT3[3]", json!([7, -8, 9]), "[7,-8,9]", "DB2.DBW7"),
        (cpu, "DB2.DBD20:REAL[2]", json!([0.5, 9.0]), "[0.5,9.0]", "DB2.DBD24:real"),
    ] {
        let stream = stream_at(&client, device, path, "json").await;
        let answer = client.post(&at(device, path), &json!({ "value": written })).await.about(path);
        answer.is(200, &json!({"written": true, "value": written}));
        client.get(&at(device, path)).await.about(path).is(200, &json!({ "value": written }));
        assert_eq!(client.get(&at(device, last)).await["value"].as_f64(), Some(9.0), "{path}");
        // What is read back is a reading of the stream.
        let is_list = |reading: &Value| reading["text"] == read && reading["quality"] == "good";
        until!(path, EVENT_TIMEOUT; found = readings(&client, stream).await; found.iter().any(is_list));
    }
    let beyond = "Element 2: Ensure this value is less than or equal to 32767.";
    let limit = "The array has 214 bytes, and one request writes at most 212: name at most 106 elements.";
    for (device, path, value, field, message) in [
        (q, "D1000:INT[3]", json!([1, 2]), "value", "Must be a list of exactly 3 values. This one has 2."),
        (q, "D1000:INT[3]", json!("[1,2,3]"), "value", "Must be a list of exactly 3 values."),
        (q, "D1000:INT[3]", json!([1, 2, 40_000]), "value", beyond),
        (cpu, "DB2.DBW0[107]", Value::from(vec![0; 107]), "register", limit),
        (cpu, "DB2.DBW0:date[2]", json!(["2009-12-31", "2009-12-31"]), "register", "Register is read-only."),
    ] {
        let refused =
            client.post(&at(device, path), &json!({ "value": value })).await.about(path).expect(400);
        assert_eq!(refused[field], json!([message]), "{path}");
    }
    client.get(&at(q, "D1000:INT[3]")).await.is(200, &json!({"value": [7, -8, 9]}));
}

//! Endpoints 16 to 21.

use serde_json::{Value, json};

use super::{check_rows, stream_of, with_stream};
use crate::support::Server;

const REQUIRED: &str = "This field is required.";

#[tokio::test]
async fn a_stream_lives_from_post_to_delete() {
    let (_server, client, first, a) = with_stream("a", "fp64").await;
    let (second, b) = stream_of(&client, "b", "fp64").await;
    for (query, expected) in [
        (String::new(), vec![a, b]),
        ("?limit=1".into(), vec![a]),
        ("?limit=1&offset=1".into(), vec![b]),
        (format!("?device={first}"), vec![a]),
        (format!("?device={second}&limit="), vec![b]),
        ("?device=99999".into(), vec![]),
        ("?group=99999999999".into(), vec![]),
    ] {
        assert_eq!(client.get(&format!("/api/data/{query}")).await.column("id"), expected, "{query}");
    }
    let bad = json!({"device": ["A valid integer is required."], "group": ["A valid integer is required."]});
    client.get("/api/data/?device=x&group=1.5").await.is(400, &bad);

    let plc = json!({"name": "PLC", "protocol": "melsec", "host": "192.0.2.10", "enabled": false});
    let device = client.post("/api/device/", &plc).await.body;
    let device = device["id"].as_i64().expect("an id");
    let seed = json!({"name": "Motor RPM", "device": device, "path": "D16000", "type": "int32"});
    let made = client.post("/api/data/", &seed).await.created();
    let one = format!("/api/data/{}/", made["id"]);
    let fresh = |name: &str, kind: &str, unit: &str| {
        json!({
            "id": made["id"], "name": name, "device": device, "path": "D16000", "type": kind, "group": null,
            "access_mode": "r", "poll_interval": null, "unit": unit, "scale": 1.0, "offset": 0.0, "byteorder": null,
            "enabled": true, "deadband": null, "statistics_interval": null, "metadata": {},
            "pin": null, "label": null, "uuid": "*", "channel": 1,
            "last_value": null, "last_timestamp": null
        })
    };
    let put = json!({"name": "RPM", "device": device, "path": "D16000"});
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, fresh("Motor RPM", "int32", "");
        "patch_merges", "PATCH", one.clone(), json!({"unit": "rpm"}), 200, fresh("Motor RPM", "int32", "rpm");
        "put_resets_what_is_absent", "PUT", one.clone(), put, 200, fresh("RPM", "fp64", "");
        "put_needs_required_fields", "PUT", one.clone(), json!({}), 400, json!({"name": [REQUIRED], "device": [REQUIRED]});
        "the_device_stays", "PATCH", one.clone(), json!({"device": device + 1, "scale": "x"}), 400,
            json!({"device": ["This field may not be changed."], "scale": ["A valid number is required."]});
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "gone", "GET", one, Value::Null, 404, json!({"detail": "Not found."});
    ];
}

#[tokio::test]
async fn the_type_of_a_stream_holds_the_values_of_its_address() {
    let (_server, client) = Server::with_client(&[]).await;
    let spec = json!({"name": "plc", "protocol": "modbus", "host": "192.0.2.1", "enabled": false});
    let plc = client.post("/api/device/", &spec).await.id();
    let spec = json!({"name": "cpu", "protocol": "s7", "host": "192.0.2.1", "enabled": false});
    let cpu = client.post("/api/device/", &spec).await.id();
    let bad = |name, body, expected| (name, "POST", "/api/data/".to_owned(), body, 400, expected);
    check_rows![&client;
        bad("two_timers", json!({"name": "a", "device": cpu, "path": "T5", "type": "uint32"}),
            json!({"type": ["uint32 at T5 is wider than a single timer or counter of 16 bits: use int16 or uint16, or name its type in the path."]}));
        bad("a_type_of_registers_is_named_in_the_path", json!({"name": "a", "device": plc, "path": "hr:0", "type": "bcd16"}),
            json!({"type": ["\"bcd16\" is not a valid choice. Use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, fp32, \
                             fp64, text, json, location, enum. The path of a register may name bcd16: hr:100:bcd16."]}));
        bad("a_type_that_cannot_hold_the_values_of_the_address", json!({"name": "a", "device": plc, "path": "hr:0:bcd16", "type": "byte"}),
            json!({"type": ["hr:0:bcd16 holds bcd16, which is no byte: use one of int16, int32, int64, uint16, uint32, uint64, fp32, fp64."]}));
    ];
}

#[tokio::test]
async fn every_bad_field_is_told() {
    let (_server, client) = Server::with_client(&[]).await;
    let mut ids = Vec::new();
    for (name, protocol) in [("plc", "modbus"), ("camera", "vnc"), ("soft", "virtual")] {
        let spec = json!({"name": name, "protocol": protocol, "host": "192.0.2.1", "enabled": false});
        ids.push(client.post("/api/device/", &spec).await.id());
    }
    let (plc, camera, soft) = (ids[0], ids[1], ids[2]);
    let bad = |name, body, expected| (name, "POST", "/api/data/".to_owned(), body, 400, expected);
    check_rows![&client;
        bad("empty", json!({}), json!({"name": [REQUIRED], "device": [REQUIRED]}));
        bad("all_at_once",
            json!({"name": "a", "device": 99_999, "group": 99_999, "type": "fp128", "access_mode": "x", "scale": true,
                   "byteorder": "x", "unit": "u".repeat(33), "statistics_interval": 7}),
            json!({
                "device": ["Invalid pk \"99999\" - object does not exist."],
                "group": ["Invalid pk \"99999\" - object does not exist."],
                "type": ["\"fp128\" is not a valid choice."],
                "detail": "Use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, fp32, fp64, text, json, location, enum.",
                "access_mode": ["\"x\" is not a valid choice."],
                "scale": ["A valid number is required."],
                "byteorder": ["\"x\" is not a valid choice."],
                "unit": ["Ensure this field has no more than 32 characters."],
                "statistics_interval": ["Ensure this value divides a day (86400 seconds) without remainder."]
            }));
        bad("ids_are_numbers", json!({"name": "a", "device": "press"}),
            json!({"device": ["Incorrect type. Expected pk value, received str."]}));
        bad("a_plc_needs_a_path", json!({"name": "a", "device": plc}), json!({"path": [REQUIRED]}));
        bad("in_its_own_syntax", json!({"name": "a", "device": plc, "path": "what?"}), json!({"path": ["*"]}));
        bad("a_register_holds_a_number", json!({"name": "a", "device": plc, "path": "hr:0", "type": "text"}),
            json!({"type": ["*"]}));
        bad("a_camera_has_no_streams", json!({"name": "a", "device": camera, "path": "x"}),
            json!({"device": ["Device protocol has no data streams."]}));
        "a_sound_one", "POST", "/api/data/".into(), json!({"name": "twin", "device": soft}), 201, json!("*");
        bad("names_are_unique_per_device", json!({"name": "twin", "device": soft}),
            json!({"non_field_errors": ["The fields device, name must make a unique set."]}));
    ];
}

#[tokio::test]
async fn the_value_that_arrived_last_is_shown_as_its_kind() {
    let (_server, client) = Server::with_client(&[]).await;
    for (kind, value) in [
        ("fp64", json!(1200.5)),
        ("int32", json!(42)),
        ("uint64", json!(18_446_744_073_709_551_615_u64)),
        ("bit", json!(true)),
        ("text", json!("on")),
        ("json", json!({"a": [1]})),
        ("location", json!([13.5, 52.5])),
    ] {
        let (_, id) = stream_of(&client, kind, kind).await;
        for (second, posted) in [(0, &value), (-60, &value)] {
            let body = json!({"timestamp": 1_777_377_600 + second, "value": posted});
            client.post(&format!("/api/data/{id}/value/"), &body).await.about(&kind).created();
        }
        let shown = client.get(&format!("/api/data/{id}/")).await;
        shown.about(&kind).has(200, json!({"last_value": value, "last_timestamp": "2026-04-28T11:59:00Z"}));
    }
}

#[tokio::test]
async fn a_restricted_key_sees_its_streams_only() {
    let (server, owner) = Server::with_client(&[]).await;
    let (device, mine) = stream_of(&owner, "mine", "fp64").await;
    let (foreign, other) = stream_of(&owner, "other", "fp64").await;
    for args in [["--device", &device.to_string()], ["--data", &mine.to_string()]] {
        let client = server.client_with(&args).await;
        assert_eq!(client.get("/api/data/").await.column("id"), [mine], "{args:?}");
        let no_device = format!("Invalid pk \"{foreign}\" - object does not exist.");
        check_rows![&client;
            "hidden", "GET", format!("/api/data/{other}/"), Value::Null, 404, json!({"detail": "Not found."});
            "hidden_values", "GET", format!("/api/data/{other}/value/"), Value::Null, 404, json!({"detail": "Not found."});
            "foreign_device", "POST", "/api/data/".into(), json!({"name": "x", "device": foreign}), 400,
                json!({"device": [no_device]});
        ];
    }
}

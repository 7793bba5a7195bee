//! Endpoints 1 to 6, and the status of a device.

use serde_json::{Value, json};

use super::{check, check_rows};
use crate::graphql::ask;
use crate::support::{Server, with};

const REQUIRED: &str = "This field is required.";

fn press() -> Value {
    json!({
        "id": "*", "name": "Press 1", "protocol": "melsec", "host": "192.0.2.10", "port": 5007, "unit": 1,
        "username": "op", "timeout": 3.0, "poll_interval": null, "byteorder": "little", "enabled": false,
        "metadata": {"frame": "3E"}, "product": null, "parent_device": null, "owner": null, "uuid": "*", "key": "*",
        "external_id": "Press 1", "status": "disabled", "last_error": null, "last_seen": null,
        "created_at": "*", "updated_at": "*"
    })
}

#[tokio::test]
async fn a_device_lives_from_post_to_delete() {
    let (_server, client) = Server::with_client(&[]).await;
    for (name, protocol) in [("a", "virtual"), ("b", "mqtt"), ("c", "virtual")] {
        client.post("/api/device/", &json!({"name": name, "protocol": protocol})).await.created();
    }
    for (query, expected) in [
        ("", vec!["a", "b", "c"]),
        ("?limit=2", vec!["a", "b"]),
        ("?limit=2&offset=2", vec!["c"]),
        ("?protocol=virtual", vec!["a", "c"]),
        ("?name=b", vec!["b"]),
        ("?name=&limit=&protocol=", vec!["a", "b", "c"]),
        ("?offset=99", vec![]),
    ] {
        assert_eq!(client.get(&format!("/api/device/{query}")).await.column("name"), expected, "{query}");
    }
    let bad =
        |name, query, expected| (name, "GET", format!("/api/device/{query}"), Value::Null, 400, expected);
    check_rows![&client;
        bad("limit_is_a_number", "?limit=x", json!({"limit": ["A valid integer is required."]}));
        bad("limit_from_1", "?limit=0", json!({"limit": ["Ensure this value is greater than or equal to 1."]}));
        bad("limit_to_10000", "?limit=10001", json!({"limit": ["Ensure this value is less than or equal to 10000."]}));
        bad("offset_from_0", "?offset=-1", json!({"offset": ["Ensure this value is greater than or equal to 0."]}));
        bad("known_protocol", "?protocol=morse", json!({"protocol": ["\"morse\" is not a valid choice."]}));
    ];

    let sent = json!({
        "name": " Press 1 ", "protocol": "melsec", "host": "192.0.2.10", "port": "5007", "username": "op",
        "password": "secret", "poll_interval": null, "enabled": "false", "metadata": {"frame": "3E"},
        "id": 77, "status": "online", "whatever": 1
    });
    let id = client.create("/api/device/", &sent).await;
    assert_ne!(id, 77, "id is read only");
    let (one, slashless) = (format!("/api/device/{id}/"), format!("/api/device/{id}"));

    let body = json!({"name": "Press 2", "username": "", "poll_interval": 1.0, "enabled": true, "metadata": {}, "port": null,
               "status": "*", "last_error": "*", "last_seen": "*"});
    let replaced = with(press(), body);
    let put = json!({"name": "Press 2", "protocol": "melsec", "host": "192.0.2.10"});
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, press();
        "without_the_slash", "GET", slashless, Value::Null, 200, press();
        "patch_merges", "PATCH", one.clone(), json!({"unit": 7}), 200, with(press(), json!({"unit": 7}));
        "patch_of_nothing", "PATCH", one.clone(), json!({}), 200, with(press(), json!({"unit": 7}));
        "put_resets_what_is_absent", "PUT", one.clone(), put, 200, replaced;
        "put_needs_required_fields", "PUT", one.clone(), json!({"host": "x"}), 400,
            json!({"name": [REQUIRED], "protocol": [REQUIRED]});
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "delete_again", "DELETE", one.clone(), Value::Null, 404, json!({"detail": "Not found."});
        "gone", "GET", one, Value::Null, 404, json!({"detail": "Not found."});
    ];

    let (device, stream) = super::stream_of(&client, "s", "fp64").await;
    let not_found = || json!({"detail": "Not found."});
    check_rows![&client;
        "its_streams_go_too", "DELETE", format!("/api/device/{device}/"), Value::Null, 204, Value::Null;
        "its_stream", "GET", format!("/api/data/{stream}/"), Value::Null, 404, not_found();
        "its_values", "GET", format!("/api/data/{stream}/value/"), Value::Null, 404, not_found();
    ];
    let off = json!({"name": "off", "protocol": "virtual", "enabled": false});
    let id = client.post("/api/device/", &off).await.id();
    let expected = json!({
        "state": "disabled", "last_error": null, "clock_offset": null, "last_seen": null, "reads": 0,
        "errors": {"timeout": 0, "refused": 0, "protocol": 0, "other": 0},
        "readings": 0, "reconnects": 0, "skipped": 0,
        "latency_ms": {"p50": null, "p99": null}, "lateness_ms": {"p50": null, "p99": null}
    });
    check_rows![&client;
        "counters", "GET", format!("/api/device/{id}/status/"), Value::Null, 200, expected;
        "of_no_device", "GET", "/api/device/999/status/".into(), Value::Null, 404, json!({"detail": "Not found."});
    ];
}

#[tokio::test]
async fn every_bad_field_is_told() {
    let (_server, client) = Server::with_client(&[]).await;
    let path = || "/api/device/".to_owned();
    let bad = |name, body, expected| (name, "POST", path(), body, 400, expected);
    let long = "x".repeat(101);
    check_rows![&client;
        bad("empty", json!({}), json!({"name": [REQUIRED], "protocol": [REQUIRED]}));
        bad("all_at_once",
            json!({"name": "", "protocol": "morse", "port": 70000, "unit": -1, "timeout": "x", "enabled": "perhaps",
                   "byteorder": "middle", "metadata": [], "poll_interval": 0.01}),
            json!({
                "name": ["This field may not be blank."],
                "protocol": ["\"morse\" is not a valid choice."],
                "port": ["Ensure this value is less than or equal to 65535."],
                "unit": ["Ensure this value is greater than or equal to 0."],
                "timeout": ["A valid number is required."],
                "enabled": ["Must be a valid boolean."],
                "byteorder": ["\"middle\" is not a valid choice."],
                "metadata": ["Expected a dictionary of items but got type \"list\"."],
                "poll_interval": ["Ensure this value is greater than or equal to 0.1."]
            }));
        bad("host_where_it_is_needed", json!({"name": "a", "protocol": "modbus"}), json!({"host": [REQUIRED]}));
        bad("null_and_long", json!({"name": long, "protocol": null}),
            json!({"name": ["Ensure this field has no more than 100 characters."], "protocol": ["This field may not be null."]}));
        bad("no_infinity_in_any_spelling",
            json!({"name": "a", "protocol": "virtual", "timeout": "Infinity", "poll_interval": "nan"}),
            json!({"timeout": ["A valid number is required."], "poll_interval": ["A valid number is required."]}));
        "a_sound_one", "POST", path(), json!({"name": "twin", "protocol": "virtual"}), 201, json!("*");
        bad("names_are_unique", json!({"name": "twin", "protocol": "virtual"}), json!({"name": ["This field must be unique."]}));
    ];
}

#[tokio::test]
async fn settings_of_a_protocol_are_checked_before_they_are_stored() {
    let (_server, client) = Server::with_client(&[]).await;
    let melsec =
        |metadata: Value| json!({"name": "PLC", "protocol": "melsec", "host": "plc", "metadata": metadata});
    let wrong = |message: &str| json!({ "metadata": [message] });
    let frame = || wrong("frame: \"1E\" is not one of 3E, 4E.");
    let made = client.post("/api/device/", &melsec(json!({"frame": "4E", "hall": 7}))).await.body;
    let at = format!("/api/device/{}/", made["id"]);
    let body = json!({"name": "x", "protocol": "virtual", "metadata": {"frame": "1E"}});
    let plain = client.post("/api/device/", &body).await.body;
    let list = json!({"metadata": {"writable": ["D100", "hr:0"]}});
    let register = "writable: Invalid register \"hr:0\". Use a device and its number, such as D100, W1F, R0, ZR0, M10, X1F, TN5, \
                    or D100.A for a bit of a word.";
    check_rows![&client;
        "created", "POST", "/api/device/".into(), melsec(json!({"frame": "1E"})), 400, frame();
        "replaced", "PUT", at.clone(), melsec(json!({"frame": "1E"})), 400, frame();
        "changed", "PATCH", at.clone(), json!({"metadata": {"frame": "1E"}}), 400, frame();
        "a_list", "PATCH", at.clone(), list, 400, wrong(register);
        "beside_other_fields", "PATCH", at.clone(), json!({"timeout": 0, "metadata": {"pc": 256}}), 400,
            json!({"timeout": ["Ensure this value is greater than or equal to 0.1."],
                   "metadata": ["pc: 256 is not a whole number from 0 to 255."]});
        "another_protocol_reads_it", "PATCH", format!("/api/device/{}/", plain["id"]),
            json!({"protocol": "melsec", "host": "plc"}), 400, frame();
    ];
    let kept = client.get(&at).await;
    kept.about("nothing of all this was stored").has(200, json!({"metadata": {"frame": "4E", "hall": 7}}));
    let mutation = "mutation($id: Int) { updateDevice(rowId: $id, input: {metadata: {frame: \"1E\"}}) { errors { field message } } }";
    let answer = ask(&client, mutation, json!({"id": made["id"]})).await;
    assert_eq!(answer["data"]["updateDevice"]["errors"][0]["field"], "metadata", "{answer}");
}

#[tokio::test]
async fn a_restricted_key_sees_its_devices_only() {
    let (server, owner) = Server::with_client(&[]).await;
    let (mine, stream) = super::stream_of(&owner, "mine", "fp64").await;
    let (other, _) = super::stream_of(&owner, "other", "fp64").await;
    let by_device = server.client_with(&["--device", &mine.to_string()]).await;
    let by_data = server.client_with(&["--data", &stream.to_string()]).await;
    let refused = || json!({"detail": "You do not have permission to perform this action."});
    let one = |id: i64| format!("/api/device/{id}/");
    for client in [&by_device, &by_data] {
        assert_eq!(client.get("/api/device/").await.column("id"), [mine]);
        check_rows![client;
            "hidden", "GET", one(other), Value::Null, 404, json!({"detail": "Not found."});
            "hidden_from_change", "PATCH", one(other), json!({}), 404, json!({"detail": "Not found."});
            "no_new_devices", "POST", "/api/device/".into(), json!({"name": "x", "protocol": "virtual"}), 403, refused();
        ];
    }
    check(&by_device, vec![("may_change_it", "PATCH", one(mine), json!({"unit": 2}), 200, json!("*"))]).await;
    check(&by_data, vec![("may_only_read_it", "PATCH", one(mine), json!({"unit": 3}), 403, refused())]).await;
}

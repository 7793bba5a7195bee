//! Rows that a write names: what is seen and not to be changed is 403, what is not seen does not exist.

use serde_json::{Value, json};

use super::fixture::IsolationFixture;
use crate::graphql::{ask, codes};
use crate::support::Client;

/// A request and what it answers for a device that is seen because of a stream, and for one that is not seen.
type Row = (&'static str, String, Value, (u16, Value));

fn forbidden() -> (u16, Value) {
    (403, json!({"detail": "You do not have permission to perform this action."}))
}

fn absent() -> (u16, Value) {
    (404, json!({"detail": "Not found."}))
}

fn no_row(field: &str, id: i32) -> (u16, Value) {
    (400, json!({field: [format!("Invalid pk \"{id}\" - object does not exist.")]}))
}

/// Every write that names a device; `at_path` and `in_body` are the answers for one in the path and in the body.
fn writes(device: i32, at_path: impl Fn() -> (u16, Value), in_body: impl Fn() -> (u16, Value)) -> Vec<Row> {
    let path = |rest: &str| format!("/api/device/{device}/{rest}");
    let whole = json!({"name": "x", "protocol": "virtual"});
    vec![
        ("PATCH", path(""), json!({"name": "x"}), at_path()),
        ("PUT", path(""), whole, at_path()),
        ("DELETE", path(""), Value::Null, at_path()),
        ("GET", path("io/hr:0/"), Value::Null, at_path()),
        ("POST", path("io/hr:0/"), json!({"value": 1}), at_path()),
        ("GET", path("opcua/"), Value::Null, at_path()),
        ("POST", "/api/data/".to_owned(), json!({"name": "x", "device": device}), in_body()),
        ("POST", "/api/event-log/".to_owned(), json!({"kind": "x", "device": device}), in_body()),
    ]
}

async fn check(client: &Client, rows: Vec<Row>) {
    for (method, path, body, expected) in rows {
        let (status, answer) = client.send_json(method, &path, &body).await.outcome();
        assert_eq!((status, answer), expected, "{method} {path} {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_seen_but_not_to_be_changed_is_403_and_what_is_not_seen_does_not_exist() {
    let world = IsolationFixture::new().await;
    let client = world.key(&[], &[], &world.own).await;
    let hidden = world.env.catalog.streams.stream(&world.env.owner, world.hidden[0]).unwrap().spec.device.0;
    let (seen, nowhere) = (world.own_device.0, 9999);
    client.get(&format!("/api/device/{seen}/")).await.ok();
    check(&client, writes(seen, forbidden, forbidden)).await;
    for device in [hidden, nowhere] {
        check(&client, writes(device, absent, || no_row("device", device))).await;
    }
    // What else is wrong is told first, as for any device.
    let answer = client.post("/api/data/", &json!({"name": "", "device": seen, "type": "x"})).await;
    let answer = answer.expect(400);
    assert!(answer["name"].is_array() && answer["device"].is_null(), "{answer}");

    for (device, expected) in [(seen, vec!["FORBIDDEN"]), (hidden, vec![]), (nowhere, vec![])] {
        for mutation in [
            format!("createStream(input: {{name: \"x\", device: {device}}}) {{ errors {{ field }} }}"),
            format!("createEvent(input: {{kind: \"x\", device: {device}}}) {{ errors {{ field }} }}"),
        ] {
            let answer = ask(&client, &format!("mutation {{ {mutation} }}"), json!({})).await;
            assert_eq!(codes(&answer), expected, "{mutation}: {answer}");
            if expected.is_empty() {
                assert!(answer.to_string().contains("\"field\":\"device\""), "{mutation}: {answer}");
            }
        }
    }
}

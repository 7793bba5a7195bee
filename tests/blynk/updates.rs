//! Updates of one datastream, and of several of one device.

use basalt::domain::Clock;
use basalt::domain::time::SystemClock;
use serde_json::{Value, json};

use super::{DATASTREAMS, Plant, UPDATE, UPDATE_MANY, device, error, no_datastream, no_device, stream};

const MISMATCH: &str = "Value doesn't match the Datastream data type";

#[tokio::test]
async fn every_kind_takes_its_values_and_no_others() {
    let plant = Plant::start().await;
    let id = device(&plant.client, json!({"name": "node"})).await;
    let bounds = json!({"min": 0, "max": 100});
    let kinds = [
        ("fp64", bounds, vec![(json!(22.2), json!(22.2)), (json!(101), json!(100)), (json!(-0.5), json!(0))]),
        ("int16", json!({}), vec![(json!(-7), json!(-7))]),
        ("uint64", json!({}), vec![(json!(u64::MAX), json!(u64::MAX))]),
        ("enum", json!({}), vec![(json!(3), json!(3))]),
        ("bit", json!({}), vec![(json!(true), json!(1)), (json!(0), json!(0))]),
        ("text", json!({}), vec![(json!("on"), json!("on"))]),
        ("json", json!({}), vec![(json!("{ \"a\" : 1 }"), json!("{\"a\":1}"))]),
        ("location", json!({}), vec![(json!([13.38886, 52.517037]), json!([13.38886, 52.517037]))]),
    ];
    for (datastream, (kind, metadata, values)) in (1..).zip(kinds) {
        stream(&plant.client, json!({"name": kind, "device": id, "type": kind, "metadata": metadata})).await;
        for (given, shown) in values {
            let body = json!({"deviceId": id, "dataStreamId": datastream, "value": given});
            plant.blynk.post(UPDATE, &body).await.is(204, &Value::Null);
            assert_eq!(plant.current(id, datastream).await, shown, "{kind} {given}");
        }
    }
    for (datastream, value) in [
        (1, json!("22.2")),
        (1, json!(true)),
        (1, json!([1, 2])),
        (1, json!({"a": 1})),
        (2, json!(1.5)),
        (2, json!(40_000)),
        (3, json!(-1)),
        (4, json!("auto")),
        (5, json!(2)),
        (6, json!(1)),
        (6, json!("x".repeat(1025))),
        (7, json!("{")),
        (8, json!([181, 0])),
        (8, json!([1, 2, 3])),
    ] {
        let body = json!({"deviceId": id, "dataStreamId": datastream, "value": value});
        plant.blynk.post(UPDATE, &body).await.is(400, &error(MISMATCH));
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_update_and_values_of_one_request_have_one_time() {
    let plant = Plant::start().await;
    let id = plant.device;
    let one = |body: Value, status: u16, expected: Value| (UPDATE.to_owned(), body, status, expected);
    let many = |body: Value, status: u16, expected: Value| (UPDATE_MANY.to_owned(), body, status, expected);
    let wrong = |name: &str| error(&format!("Parameter {name} has wrong format."));
    let missing = |name: &str| error(&format!("Parameter {name} is required."));
    let rows = vec![
        one(json!([]), 400, error("Request body is not valid JSON.")),
        one(json!({}), 400, missing("deviceId")),
        one(json!({"deviceId": id, "value": 1}), 400, missing("dataStreamId")),
        one(json!({"deviceId": id, "dataStreamId": 1}), 400, missing("value")),
        one(json!({"deviceId": id, "dataStreamId": 1, "value": null}), 400, missing("value")),
        one(json!({"deviceId": "1", "dataStreamId": 1, "value": 1}), 400, wrong("deviceId")),
        one(json!({"deviceId": id, "dataStreamId": 1.5, "value": 1}), 400, wrong("dataStreamId")),
        one(json!({"deviceId": 999, "dataStreamId": 1, "value": 1}), 404, no_device(999)),
        one(json!({"deviceId": id, "dataStreamId": 9, "value": 1}), 404, no_datastream("9")),
        many(json!({"deviceId": id}), 400, missing("dataStreams")),
        many(json!({"deviceId": id, "dataStreams": []}), 400, missing("dataStreams")),
        many(json!({"deviceId": id, "dataStreams": {"a": 1}}), 400, wrong("dataStreams")),
        many(
            json!({"deviceId": id, "dataStreams": vec![json!({"dataStreamId": 1, "value": 1}); 1001]}),
            400,
            error("Maximum 1000 data streams are allowed."),
        ),
        many(json!({"deviceId": 999, "dataStreams": [1]}), 404, no_device(999)),
        many(json!({"deviceId": id, "dataStreams": [1]}), 204, Value::Null),
        many(json!({"deviceId": id, "dataStreams": [{"dataStreamId": 9, "value": 1}]}), 204, Value::Null),
        many(json!({"deviceId": id, "dataStreams": [{"dataStreamId": 1, "value": "x"}]}), 204, Value::Null),
    ];
    plant.blynk.check(rows).await;
    for body in ["", "{", "{\"deviceId\":1,}", "{\"deviceId\":NaN}", "deviceId=1"] {
        plant.blynk.send("POST", UPDATE, body).await.is(400, &error("Request body is not valid JSON."));
    }
    assert_eq!(plant.values(plant.stream).await, [Value::Null; 0]);
    let large = format!("{{\"deviceId\":{id},\"dataStreamId\":1,\"value\":\"{}\"}}", "x".repeat(11 << 20));
    let answer = plant.blynk.send("POST", UPDATE, &large).await.expect(413);
    assert!(answer["error"]["message"].is_string(), "{answer}");

    stream(&plant.client, json!({"name": "Current", "device": plant.device})).await;
    let before = SystemClock.now().0 / 1000;
    let body = json!({"deviceId": plant.device, "values": [
        {"dataStreamId": 2, "value": 1}, {"dataStreamId": 1, "value": 2}, {"dataStreamId": 2, "value": 3}
    ]});
    plant.blynk.post(UPDATE_MANY, &body).await.expect(204);
    let found = plant.blynk.get(&format!("{DATASTREAMS}?deviceId={}", plant.device)).await.body;
    let times: Vec<i64> = (0..2).map(|at| found[at]["updatedAt"].as_i64().unwrap()).collect();
    assert_eq!((&found[0]["value"], &found[1]["value"]), (&json!(2), &json!(3)), "the last counts");
    assert!(times[0] == times[1] && times[0] >= before, "{found}");
    // One message has both.
    let query = json!({"query": "{ messages { totalCount nodes { sensors { sensorId value } } } }"});
    let messages = plant.client.post("/graphql", &query).await.body;
    assert_eq!(messages["data"]["messages"]["totalCount"], 1, "{messages}");
}

#[tokio::test]
async fn each_write_is_read_at_once_by_every_interface_and_told_a_connected_device_by_a_command() {
    let plant = Plant::start().await;
    let id = plant.device;
    for n in 0..50 {
        plant.blynk.post(UPDATE, &json!({"deviceId": id, "dataStreamId": 1, "value": n})).await.expect(204);
        assert_eq!(plant.current(id, 1).await, json!(n));
        let path = format!("/api/data/{}/value/", plant.stream);
        plant.client.post(&path, &json!({"value": -n - 1})).await.created();
        assert_eq!(plant.current(id, 1).await, json!(-n - 1));
        plant.client.get(&format!("{path}?limit=1")).await.has(200, json!({"/0/value": f64::from(-n - 1)}));
    }
    let commands = async || plant.client.get(&format!("/api/command/?device={id}")).await.body;
    let update = json!({"deviceId": id, "dataStreamId": 1, "value": 5});
    plant.blynk.post(UPDATE, &update).await.expect(204);
    assert_eq!(commands().await, json!([]));
    let session = format!("/api/device/{id}/session/");
    plant.client.post(&session, &json!({"event": "connected"})).await.expect(202);
    plant.blynk.post(UPDATE, &update).await.expect(204);
    let waiting = commands().await;
    assert_eq!(waiting.as_array().map(Vec::len), Some(1), "{waiting}");
    let expected = json!({"dataStreamId": 1, "pin": 1, "value": 5});
    assert_eq!((&waiting[0]["type"], &waiting[0]["params"]), (&json!("vw"), &expected), "{waiting}");
    let import = json!({"deviceId": id, "dataStreamId": 1, "values": [{"value": 5, "ts": 1}]});
    plant.blynk.post(super::IMPORT, &import).await.expect(204);
    assert_eq!(commands().await.as_array().map(Vec::len), Some(1), "an import tells no device");
}

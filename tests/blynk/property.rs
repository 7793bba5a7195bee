//! Widget properties.

use serde_json::{Value, json};

use super::{DATASTREAMS, PROPERTY, Plant, error, no_datastream, no_device};

#[tokio::test]
async fn properties_are_kept_in_the_metadata_and_change_nothing_else() {
    let mut plant = Plant::start().await;
    let id = plant.device;
    let path = format!("/api/data/{}/", plant.stream);
    plant.client.patch(&path, &json!({"metadata": {"site": "hall 2", "max": 10}})).await.ok();
    for (property, value) in [
        ("label", "Speed"),
        ("color", "#ff0000"),
        ("color", "#00FF00"),
        ("isDisabled", "true"),
        ("min", "-5"),
        ("opacity", "50.5"),
        ("maximumFractionDigits", "2"),
        ("labels", "slow,fast"),
        ("url", "https://cam.example/1"),
    ] {
        let body = json!({"deviceId": id, "dataStreamId": 1, "property": property, "value": value});
        for _ in 0..2 {
            plant.blynk.post(PROPERTY, &body).await.is(204, &Value::Null);
        }
    }
    let expected = json!({
        "site": "hall 2", "max": 10, "widget": {
            "label": "Speed", "color": "#00FF00", "isDisabled": "true", "min": "-5", "opacity": "50.5",
            "maximumFractionDigits": "2", "labels": "slow,fast", "url": "https://cam.example/1"
        }
    });
    for _ in 0..2 {
        assert_eq!(plant.client.get(&path).await["metadata"], expected);
        let shown = plant.blynk.get(&format!("{DATASTREAMS}?deviceId={id}")).await;
        shown.has(200, json!({"/0/dataStreamLabel": "Motor_RPM"}));
        plant.server.crash().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_property() {
    let plant = Plant::start().await;
    let id = plant.device;
    let body = |property: Value, value: Value| json!({"deviceId": id, "dataStreamId": 1, "property": property, "value": value});
    let wrong = |name: &str| error(&format!("Parameter {name} has wrong format."));
    let missing = |name: &str| error(&format!("Parameter {name} is required."));
    let format = |name: &str| error(&format!("Wrong value format for property {name}."));
    let of_device = |device: i64, datastream: i64| json!({"deviceId": device, "dataStreamId": datastream, "property": "color", "value": "red"});
    let rows = [
        (json!({}), 400, missing("deviceId")),
        (body(Value::Null, json!("x")), 400, missing("property")),
        (body(json!(7), json!("x")), 400, wrong("property")),
        (body(json!("shape"), json!("x")), 400, error("Unknown property shape.")),
        (body(json!("label"), Value::Null), 400, missing("value")),
        (body(json!("label"), json!("")), 400, wrong("value")),
        (body(json!("label"), json!("x".repeat(201))), 400, wrong("value")),
        (body(json!("label"), json!("x".repeat(200))), 204, Value::Null),
        (body(json!("min"), json!(5)), 400, wrong("value")),
        (of_device(999, 1), 404, no_device(999)),
        (of_device(id, 9), 404, no_datastream("9")),
        (of_device(id, 1), 400, format("color")),
        (body(json!("isHidden"), json!("yes")), 400, format("isHidden")),
        (body(json!("opacity"), json!("101")), 400, format("opacity")),
        (body(json!("rotation"), json!("-1")), 400, format("rotation")),
        (body(json!("maximumFractionDigits"), json!("1.5")), 400, format("maximumFractionDigits")),
        (body(json!("labels"), json!("a,,b")), 400, format("labels")),
        (body(json!("url"), json!("ftp://x.example")), 400, format("url")),
    ];
    let rows = rows.map(|(body, status, expected)| (PROPERTY.to_owned(), body, status, expected));
    plant.blynk.check(rows.into()).await;
}

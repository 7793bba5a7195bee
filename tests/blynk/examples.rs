//! The worked examples of the vendor's documentation, and one device seen through DataStone and Blynk at once.

use serde_json::{Value, json};

use super::{BATCH_UPDATE, DATASTREAMS, HISTORY, NOON, PROPERTY, Plant, UPDATE, UPDATE_MANY, device, stream};
use crate::support::row_vec;

#[tokio::test]
async fn one_write_and_its_two_views_and_rows_of_a_batch_that_are_counted_or_named() {
    let plant = Plant::start().await;
    plant.post(plant.stream, 0, json!(1200.5)).await;
    plant.post(plant.stream, 0, json!(1300)).await;
    let id = plant.device;
    let rows = row_vec![
        format!("{DATASTREAMS}?deviceId={id}"), Value::Null, 200,
            json!([{
                "dataStreamId": 1, "pin": "v1", "dataStreamLabel": "Motor_RPM", "dataStreamAlias": "Motor RPM",
                "value": 1300, "updatedAt": NOON
            }]);
        format!("{HISTORY}?deviceId={id}&dataStreamId=1&from={NOON}&to={NOON}"), Value::Null, 200,
            json!({"content": [{"createdAt": NOON, "value": 1300}], "totalElements": 1});
    ];
    plant.blynk.check(rows).await;

    let fields = json!(["deviceId", "Motor_RPM"]);
    let updates = json!([[id, 5], [null, 5], ["x", 5], [999, 5], [id]]);
    let counters =
        json!({"invalidRowSize": 1, "nullDeviceId": 1, "nonNumericDeviceId": 1, "deviceNotFound": 1});
    plant.blynk.post(BATCH_UPDATE, &json!({"fields": fields, "updates": updates})).await.is(200, &counters);
    let body = json!({"fields": fields, "updates": updates, "debug": true});
    let expected = json!({"skippedRows": [
        "Row 1: deviceId is null",
        "Row 2: deviceId is not a number",
        "Row 3: device 999 is not found",
        "Row 4: the number of elements differs from that of fields",
    ]});
    plant.blynk.post(BATCH_UPDATE, &body).await.is(200, &expected);
    let body = json!({"fields": fields, "updates": [[id, 5]]});
    plant.blynk.post(BATCH_UPDATE, &body).await.is(204, &Value::Null);
}

#[tokio::test]
async fn the_examples_of_the_documentation() {
    let plant = Plant::start().await;
    let id = device(&plant.client, json!({"name": "node"})).await;
    for (name, kind, pin) in [
        ("Temperature Sensor", "fp64", 10),
        ("Note", "text", 11),
        ("Place", "location", 12),
        ("Humidity", "fp64", 13),
    ] {
        stream(&plant.client, json!({"name": name, "device": id, "type": kind, "pin": pin})).await;
    }
    for (datastream, value) in
        [(1, json!(22.2)), (2, json!("Some DataStream Value")), (3, json!([13.38886, 52.517037]))]
    {
        let body = json!({"deviceId": id, "dataStreamId": datastream, "value": value});
        plant.blynk.post(UPDATE, &body).await.expect(204);
        let body = json!({"deviceId": id, "dataStreams": [{"dataStreamId": datastream, "value": value}]});
        plant.blynk.post(UPDATE_MANY, &body).await.expect(204);
        assert_eq!(plant.current(id, datastream).await, value);
    }
    let found = plant.blynk.get(&format!("{DATASTREAMS}?deviceId={id}&dataStreamIds=1")).await.body;
    let shown = ["pin", "dataStreamLabel", "dataStreamAlias"].map(|name| &found[0][name]);
    assert_eq!(shown, ["v10", "Temperature_Sensor", "Temperature Sensor"]);
    assert!(found[0]["updatedAt"].as_i64().is_some_and(|ms| ms > NOON), "{found}");
    let table =
        json!({"fields": ["deviceId", "Temperature_Sensor", "Humidity"], "updates": [[id, 23.5, null]]});
    plant.blynk.post(BATCH_UPDATE, &table).await.expect(204);
    assert_eq!((plant.current(id, 1).await, plant.current(id, 4).await), (json!(23.5), Value::Null));
    let color = json!({"deviceId": id, "dataStreamId": 1, "property": "color", "value": "#FF0000"});
    plant.blynk.post(PROPERTY, &color).await.expect(204);
}

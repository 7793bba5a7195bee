//! Updates of many devices as a table.

use serde_json::{Value, json};

use super::{BATCH_UPDATE, Plant, device, error, stream};
use crate::support::rows;

/// Creates a product, perhaps derived from another.
async fn product(plant: &Plant, name: &str, parent: Option<i64>) -> i64 {
    plant.client.create("/api/product/", &json!({"name": name, "parent": parent})).await
}

/// Creates a device of a product with these streams.
async fn node(plant: &Plant, name: &str, product: Option<i64>, streams: &[&str]) -> i64 {
    let id = device(&plant.client, json!({"name": name, "product": product})).await;
    for name in streams {
        stream(&plant.client, json!({"name": name, "device": id})).await;
    }
    id
}

#[tokio::test]
async fn a_product_and_its_variants_are_updated_together() {
    let plant = Plant::start().await;
    let pump = product(&plant, "pump", None).await;
    let large = product(&plant, "large pump", Some(pump)).await;
    let valve = product(&plant, "valve", None).await;
    let first = node(&plant, "first", Some(pump), &["Temperature", "Air Humidity"]).await;
    // The same labels in another order, and one of them missing.
    let second = node(&plant, "second", Some(large), &["Air Humidity", "Temperature"]).await;
    let third = node(&plant, "third", Some(large), &["Temperature"]).await;
    let other = node(&plant, "other", Some(valve), &["Temperature", "Air Humidity"]).await;
    let body = json!({
        "fields": ["deviceId", "Air_Humidity", "Temperature"],
        "updates": [
            [999, 1, 1], [first, 40, 20], [second, 41, null], [third, 42, 22], [other, 43, 23],
            [second, null, "warm"], [second, null, null], [first, null, 30], 5, [], ["1", 2, 3], [true, 2, 3],
            [1.5, 2, 3], [3_000_000_000_i64, 2, 3]
        ],
    });
    let expected =
        json!({"invalidRowSize": 2, "nonNumericDeviceId": 2, "deviceNotFound": 3, "wrongProduct": 1});
    plant.blynk.post(BATCH_UPDATE, &body).await.is(200, &expected);
    for (id, expected) in [
        (first, [json!(30), json!(40)]),
        (second, [json!(41), Value::Null]),
        (third, [json!(22), Value::Null]),
        (other, [Value::Null, Value::Null]),
    ] {
        assert_eq!([plant.current(id, 1).await, plant.current(id, 2).await], expected, "{id}");
    }
    // A label is one of the product: the first device need not have it, but one of the table does.
    let table =
        |updates: Value| json!({"fields": ["deviceId", "Air_Humidity", "Temperature"], "updates": updates});
    let both = table(json!([[third, null, 25], [first, 44, 33]]));
    plant.blynk.post(BATCH_UPDATE, &both).await.is(204, &Value::Null);
    let answer = plant.blynk.post(BATCH_UPDATE, &table(json!([[third, 1, 26]]))).await;
    answer.is(400, &error("Datastream with label Air_Humidity is not found."));
    assert_eq!([plant.current(third, 1).await, plant.current(first, 2).await], [json!(25), json!(44)]);
    // Devices without a product are all of the default one.
    let body = json!({"fields": ["deviceId", "Motor_RPM"], "updates": [[plant.device, 5], [first, 5]], "debug": true});
    let expected = json!({"skippedRows": [format!("Row 1: device {first} belongs to another product")]});
    plant.blynk.post(BATCH_UPDATE, &body).await.is(200, &expected);
}

#[tokio::test]
async fn what_is_wrong_with_a_table_and_the_largest_that_is_right() {
    let plant = Plant::start().await;
    let id = plant.device;
    let table = |fields: Value, updates: Value| json!({"fields": fields, "updates": updates});
    let good = || json!(["deviceId", "Motor_RPM"]);
    let wrong = |name: &str| error(&format!("Parameter {name} has wrong format."));
    let missing = |name: &str| error(&format!("Parameter {name} is required."));
    let mut malformed_debug = table(good(), json!([[id, 5]]));
    malformed_debug["debug"] = json!("yes");
    let rows = rows![
        table(Value::Null, json!([[id, 5]])), 400, missing("fields");
        table(json!(["deviceId"]), json!([[id]])), 400, wrong("fields");
        table(json!(["Motor_RPM", "deviceId"]), json!([[5, id]])), 400, wrong("fields");
        table(json!(["deviceId", "Motor_RPM", "Motor_RPM"]), json!([[id, 5, 5]])), 400, wrong("fields");
        table(good(), Value::Null), 400, missing("updates");
        table(good(), json!([])), 400, missing("updates");
        table(good(), json!("x")), 400, wrong("updates");
        table(good(), json!(vec![[id, 5]; 10_001])), 400, error("Maximum 10000 updates are allowed.");
        malformed_debug, 400, wrong("debug");
        table(good(), json!([[999, 5], [null, 5], [id]])), 400, error("No valid device found.");
        table(json!(["deviceId", "Motor_RPM", "Motor RPM"]), json!([[id, 5, 6]])), 400,
            error("Datastream with label Motor RPM is not found.");
        table(good(), json!([[id, null]])), 204, Value::Null;
        table(good(), json!([[id, "fast"]])), 204, Value::Null;
    ];
    let rows = rows.map(|(body, status, expected)| (BATCH_UPDATE.to_owned(), body, status, expected));
    plant.blynk.check(rows.into()).await;
    assert_eq!(plant.values(plant.stream).await, [Value::Null; 0]);

    let rows: Vec<_> = (0..10_000).map(|n| json!([plant.device, n])).collect();
    let body = json!({"fields": ["deviceId", "Motor_RPM"], "updates": rows});
    plant.blynk.post(BATCH_UPDATE, &body).await.expect(204);
    assert_eq!(plant.values(plant.stream).await, [json!(9999.0)], "the last row wins");
    let bad: Vec<_> = (0..9_999).map(|_| json!([null, 1])).chain([json!([plant.device, 1])]).collect();
    let body = json!({"fields": ["deviceId", "Motor_RPM"], "updates": bad, "debug": true});
    let named = plant.blynk.post(BATCH_UPDATE, &body).await.ok();
    assert_eq!(named["skippedRows"].as_array().map(Vec::len), Some(100));
}

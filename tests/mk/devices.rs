//! Devices and sensors beside the other interfaces.

use serde_json::{Value, json};

use super::{Platform, id};
use crate::support::assert_members;

#[tokio::test]
async fn a_device_has_every_field_of_the_contract() {
    let (platform, admin) = Platform::with_admin().await;
    let body = json!({
        "name": "Gateway", "status": "INACTIVE", "isVirtual": false, "tags": ["a"],
        "location": {"lat": 52.5, "lon": 13.4}, "metadata": {"line": 1}, "unknown": true,
    });
    let mut row = admin.create("/api/v1/devices", body).await;
    let path = format!("/api/v1/devices/{}", id(&row));
    row["lastSeenAt"] = Value::Null;
    let mut read = admin.get(&path).await.body;
    read["lastSeenAt"] = Value::Null;
    assert_eq!(read, row);
    for time in ["createdAt", "updatedAt"] {
        assert!(row[time].as_str().unwrap().ends_with('Z'), "{row}");
        row[time] = Value::Null;
    }
    let expected = json!({
        "id": id(&row), "name": "Gateway", "status": "ACTIVE", "isVirtual": true, "deviceProfileId": null,
        "siteId": null, "groupIds": [], "tags": ["a"],
        "location": {"lat": 52.5, "lon": 13.4, "altitude": null}, "metadata": {"line": 1},
        "firmwareVersion": null, "certificateSerial": null, "lastSeenAt": null, "createdAt": null,
        "updatedAt": null,
    });
    assert_eq!(row, expected);
    // PATCH merges, PUT replaces.
    let patched = admin.send("PATCH", &path, &json!({"name": "Gate", "location": null})).await;
    assert_eq!(patched.has(200, json!({"name": "Gate", "tags": ["a"]}))["location"], Value::Null);
    admin.send("PUT", &path, &json!({"name": "Gate"})).await.has(200, json!({"tags": [], "metadata": {}}));
    // It is the device of every other interface.
    platform.client.get("/api/device/?name=Gate").await.has(200, json!({"/0/protocol": "virtual"}));

    let row = admin.create("/api/v1/devices", json!({"name": "d"})).await;
    let path = format!("/api/v1/devices/{}", id(&row));
    for (status, expected, then) in [
        ("ACTIVE", 200, "ACTIVE"),
        ("OFFLINE", 409, "ACTIVE"),
        ("PENDING", 409, "ACTIVE"),
        ("MAINTENANCE", 200, "MAINTENANCE"),
        ("INACTIVE", 200, "INACTIVE"),
        ("INACTIVE", 200, "INACTIVE"),
        ("ACTIVE", 200, "ACTIVE"),
        ("RUNNING", 400, "ACTIVE"),
    ] {
        admin.send("PATCH", &path, &json!({"status": status})).await.expect(expected);
        assert_eq!(admin.get(&path).await["status"], then, "{status}");
    }
    // A device that is disabled elsewhere is inactive here.
    let rows = platform.client.get("/api/device/?name=d").await.body;
    let device = format!("/api/device/{}/", rows[0]["id"]);
    platform.client.patch(&device, &json!({"enabled": false})).await.ok();
    assert_eq!(admin.get(&path).await["status"], "INACTIVE");
    // Replacing it elsewhere leaves what only the platform knows.
    assert_eq!(admin.status("PATCH", &path, &json!({"tags": ["kept"]})).await, 200);
    platform.client.put(&device, &json!({"name": "d", "protocol": "virtual"})).await.ok();
    assert_eq!(admin.get(&path).await["tags"], json!(["kept"]));
}

#[tokio::test]
async fn a_sensor_is_a_stream() {
    let (platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "d"})).await;
    let component = json!({"deviceId": device, "key": "boiler", "name": "Boiler"});
    let component = admin.make("components", component).await;
    let body = json!({
        "deviceId": device, "componentId": component, "key": "temp", "name": "Temperature", "valueType": "DOUBLE",
        "unit": "Cel", "isWritable": true,
    });
    let sensor = admin.create("/api/v1/sensors", body.clone()).await;
    assert_members(&sensor, &body);
    assert_eq!((&sensor["lastValue"], &sensor["lastReadingAt"]), (&Value::Null, &Value::Null));
    let stream = platform.client.get("/api/data/?name=boiler.temp").await[0]["id"].as_i64().unwrap();
    let reading = json!({"timestamp": "2026-04-28T12:00:00Z", "value": 21.5});
    platform.client.post(&format!("/api/data/{stream}/value/"), &reading).await.created();
    let path = format!("/api/v1/sensors/{}", id(&sensor));
    admin.get(&path).await.has(200, json!({"lastValue": 21.5, "lastReadingAt": "2026-04-28T12:00:00Z"}));
    for (field, value) in
        [("valueType", json!("TEXT")), ("componentId", Value::Null), ("deviceId", json!(super::NOBODY))]
    {
        let mut changed = body.clone();
        changed[field] = value;
        assert_eq!(admin.status("PUT", &path, &changed).await, 409, "{field}");
    }
    // Only its key is its own: another sensor may have its name.
    let mut other = body.clone();
    other["key"] = json!("pressure");
    let made = admin.create("/api/v1/sensors", other.clone()).await;
    assert_eq!((&made["key"], &made["name"]), (&json!("pressure"), &sensor["name"]));
    let taken = json!({"detail": "A sensor with the key 'pressure' exists", "errors": Value::Null});
    admin.send("PUT", &path, &other).await.has(409, taken.clone());
    admin.send("POST", "/api/v1/sensors", &other).await.has(409, taken);
    let mut renamed = body.clone();
    let longest = "x".repeat(200);
    (renamed["key"], renamed["name"]) = (json!("temp2"), json!(longest));
    admin.send("PUT", &path, &renamed).await.has(200, json!({"key": "temp2", "name": longest}));
    for (query, expected) in [
        (format!("componentId={component}"), 2),
        (format!("deviceId={device}&key=temp2"), 1),
        (format!("deviceId={device}&key=temp"), 0),
        (format!("componentId={}", super::NOBODY), 0),
    ] {
        let list = admin.get(&format!("/api/v1/sensors?{query}")).await.body;
        assert_eq!(list["page"]["totalElements"], expected, "{query}");
    }

    let rows = platform.client.get("/api/device/?name=d").await.body;
    let rows = [
        ("bit", "BOOLEAN", json!(1), json!(true)),
        ("int64", "BIGINT", json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_993_i64)),
        ("int16", "DOUBLE", json!(7), json!(7.0)),
        ("text", "TEXT", json!("on"), json!("on")),
    ]
    .map(|(kind, shown, value, read)| (rows[0]["id"].clone(), kind, shown, value, read));
    for (device_number, kind, shown, value, read) in rows {
        let body = json!({"name": kind, "device": device_number, "type": kind});
        let stream = platform.client.post("/api/data/", &body).await.created();
        let path = format!("/api/data/{}/value/", stream["id"]);
        platform.client.post(&path, &json!({"value": value})).await.about(&kind).created();
        let list = platform.admin.get(&format!("/api/v1/sensors?deviceId={device}&key={kind}")).await.body;
        let sensor = &list["content"][0];
        assert_eq!((&sensor["valueType"], &sensor["lastValue"]), (&json!(shown), &read), "{kind}");
    }
}

//! Devices and sensors beside the other interfaces.

use serde_json::{Value, json};

use super::{Platform, id};

#[tokio::test]
async fn a_device_has_every_field_of_the_contract() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let body = json!({
        "name": "Gateway", "status": "INACTIVE", "isVirtual": false, "tags": ["a"],
        "location": {"lat": 52.5, "lon": 13.4}, "metadata": {"line": 1}, "unknown": true,
    });
    let mut row = admin.create("/api/v1/devices", body).await;
    let path = format!("/api/v1/devices/{}", id(&row));
    row["lastSeenAt"] = Value::Null;
    let (_, _, mut read) = admin.get(&path).await;
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
    let (status, _, patched) = admin.send("PATCH", &path, &json!({"name": "Gate", "location": null})).await;
    assert_eq!(
        (status, &patched["name"], &patched["tags"]),
        (200, &json!("Gate"), &json!(["a"])),
        "{patched}"
    );
    assert_eq!(patched["location"], Value::Null);
    let (status, _, put) = admin.send("PUT", &path, &json!({"name": "Gate"})).await;
    assert_eq!((status, &put["tags"], &put["metadata"]), (200, &json!([]), &json!({})), "{put}");
    // It is the device of every other interface.
    let (_, _, rows) = platform.client.get("/api/device/?name=Gate").await;
    assert_eq!(rows[0]["protocol"], "virtual", "{rows}");
}

#[tokio::test]
async fn people_change_the_status_as_the_contract_allows() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let row = admin.create("/api/v1/devices", json!({"name": "d"})).await;
    let path = format!("/api/v1/devices/{}", id(&row));
    let rows = [
        ("ACTIVE", 200, "ACTIVE"),
        ("OFFLINE", 409, "ACTIVE"),
        ("PENDING", 409, "ACTIVE"),
        ("MAINTENANCE", 200, "MAINTENANCE"),
        ("INACTIVE", 200, "INACTIVE"),
        ("INACTIVE", 200, "INACTIVE"),
        ("ACTIVE", 200, "ACTIVE"),
        ("RUNNING", 400, "ACTIVE"),
    ];
    for (status, expected, then) in rows {
        let (found, _, body) = admin.send("PATCH", &path, &json!({"status": status})).await;
        assert_eq!(found, expected, "{status}: {body}");
        assert_eq!(admin.get(&path).await.2["status"], then, "{status}");
    }
    // A device that is disabled elsewhere is inactive here.
    let (_, _, rows) = platform.client.get("/api/device/?name=d").await;
    let device = format!("/api/device/{}/", rows[0]["id"]);
    assert_eq!(platform.client.patch(&device, &json!({"enabled": false})).await.0, 200);
    assert_eq!(admin.get(&path).await.2["status"], "INACTIVE");
    // Replacing it elsewhere leaves what only the platform knows.
    assert_eq!(admin.status("PATCH", &path, &json!({"tags": ["kept"]})).await, 200);
    let body = json!({"name": "d", "protocol": "virtual"});
    assert_eq!(platform.client.put(&device, &body).await.0, 200);
    assert_eq!(admin.get(&path).await.2["tags"], json!(["kept"]));
}

#[tokio::test]
async fn a_sensor_is_a_stream() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let device = id(&admin.create("/api/v1/devices", json!({"name": "d"})).await);
    let component = json!({"deviceId": device, "key": "boiler", "name": "Boiler"});
    let component = id(&admin.create("/api/v1/components", component).await);
    let body = json!({
        "deviceId": device, "componentId": component, "key": "temp", "name": "Temperature", "valueType": "DOUBLE",
        "unit": "Cel", "isWritable": true,
    });
    let sensor = admin.create("/api/v1/sensors", body.clone()).await;
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(sensor[name], *value, "{name}");
    }
    assert_eq!((&sensor["lastValue"], &sensor["lastReadingAt"]), (&Value::Null, &Value::Null));
    let (_, _, rows) = platform.client.get("/api/data/?name=boiler.temp").await;
    let stream = rows[0]["id"].as_i64().unwrap();
    let reading = json!({"timestamp": "2026-04-28T12:00:00Z", "value": 21.5});
    assert_eq!(platform.client.post(&format!("/api/data/{stream}/value/"), &reading).await.0, 201);
    let path = format!("/api/v1/sensors/{}", id(&sensor));
    let (_, _, read) = admin.get(&path).await;
    assert_eq!((&read["lastValue"], &read["lastReadingAt"]), (&json!(21.5), &json!("2026-04-28T12:00:00Z")));
    for (field, value) in
        [("valueType", json!("TEXT")), ("componentId", Value::Null), ("deviceId", json!(super::NOBODY))]
    {
        let mut changed = body.clone();
        changed[field] = value;
        assert_eq!(admin.status("PUT", &path, &changed).await, 409, "{field}");
    }
    let mut renamed = body.clone();
    (renamed["key"], renamed["name"]) = (json!("temp2"), json!("Hot"));
    let (status, _, row) = admin.send("PUT", &path, &renamed).await;
    assert_eq!((status, &row["key"], &row["name"]), (200, &json!("temp2"), &json!("Hot")), "{row}");
    for (query, expected) in [
        (format!("componentId={component}"), 1),
        (format!("deviceId={device}&key=temp2"), 1),
        (format!("deviceId={device}&key=temp"), 0),
        (format!("componentId={}", super::NOBODY), 0),
    ] {
        let (_, _, list) = admin.get(&format!("/api/v1/sensors?{query}")).await;
        assert_eq!(list["page"]["totalElements"], expected, "{query}");
    }
}

#[tokio::test]
async fn streams_of_every_kind_are_shown_as_sensors() {
    let platform = Platform::start().await;
    let device = platform.admin.create("/api/v1/devices", json!({"name": "d"})).await;
    let (_, _, rows) = platform.client.get("/api/device/?name=d").await;
    let rows = [
        ("bit", "BOOLEAN", json!(1), json!(true)),
        ("int64", "BIGINT", json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_993_i64)),
        ("int16", "DOUBLE", json!(7), json!(7.0)),
        ("text", "TEXT", json!("on"), json!("on")),
    ]
    .map(|(kind, shown, value, read)| (rows[0]["id"].clone(), kind, shown, value, read));
    for (device_number, kind, shown, value, read) in rows {
        let body = json!({"name": kind, "device": device_number, "type": kind});
        let (status, _, stream) = platform.client.post("/api/data/", &body).await;
        assert_eq!(status, 201, "{stream}");
        let path = format!("/api/data/{}/value/", stream["id"]);
        let (status, _, answer) = platform.client.post(&path, &json!({"value": value})).await;
        assert_eq!(status, 201, "{kind}: {answer}");
        let (_, _, list) =
            platform.admin.get(&format!("/api/v1/sensors?deviceId={}&key={kind}", id(&device))).await;
        let sensor = &list["content"][0];
        assert_eq!((&sensor["valueType"], &sensor["lastValue"]), (&json!(shown), &read), "{kind}");
    }
}

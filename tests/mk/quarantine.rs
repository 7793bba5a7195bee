//! Quarantine: every refused reading is there with its reason, for administrators of its organization.

use serde_json::{Value, json};

use super::{Caller, KEY, NOBODY, Platform, id};

const QUARANTINE: &str = "/api/v1/admin/quarantine";
const READINGS: &str = "/api/v1/readings";
const NOON: &str = "2026-04-28T12:00:00Z";

#[tokio::test]
async fn what_is_refused_is_kept_with_its_reason() {
    let (mut platform, admin) = Platform::with_admin().await;
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let body = json!({"deviceId": device, "key": "t", "name": "T", "valueType": "BIGINT"});
    let sensor = admin.make("sensors", body).await;
    let component = json!({"deviceId": device, "key": "axis", "name": "Axis"});
    let component = admin.make("components", component).await;
    let reading = |member: &str, value: Value| {
        let mut all = json!({"sensorId": sensor, "timestamp": NOON, "value": 1});
        all[member] = value;
        all
    };
    let rows = [
        ("UNKNOWN_SENSOR", reading("sensorId", json!(NOBODY)), false),
        ("UNKNOWN_SENSOR", reading("sensorId", json!("a-key")), false),
        ("TYPE_MISMATCH", reading("value", json!(1.5)), true),
        ("OUT_OF_RANGE", reading("value", json!(u64::MAX)), true),
        ("OUT_OF_RANGE", reading("timestamp", json!("2200-01-01T00:00:00Z")), true),
        ("TOO_LARGE", reading("value", json!("x".repeat(1001))), false),
        ("TOO_LARGE", reading("metadata", json!({"a": "x".repeat(11_000)})), false),
        ("MALFORMED", json!({"timestamp": NOON}), false),
        ("MALFORMED", reading("value", Value::Null), false),
        ("MALFORMED", json!("text"), false),
        ("MISSING_PROFILE", json!({"componentId": component, "timestamp": NOON, "values": {"x": 1}}), false),
    ];
    for (reason, payload, has_sensor) in &rows {
        admin.send("POST", READINGS, &json!([payload])).await.has(202, json!({"quarantined": 1}));
        let page = admin.get(&format!("{QUARANTINE}?size=1")).await.body;
        let row = &page["content"][0];
        assert_eq!((&row["reason"], &row["payload"]), (&json!(reason), payload), "{row}");
        assert_eq!(row["sensorId"], if *has_sensor { json!(sensor) } else { Value::Null }, "{row}");
        assert_eq!(row["topic"], json!(READINGS));
        assert!(row["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        assert_eq!(admin.get(&format!("{QUARANTINE}/{}", id(row))).await.body, *row);
    }
    let path = format!("/api/v1/devices/{device}");
    assert_eq!(admin.status("PATCH", &path, &json!({"status": "INACTIVE"})).await, 200);
    let counts = admin.send("POST", READINGS, &reading("value", json!(1))).await.body;
    assert_eq!(counts, json!({"accepted": 0, "duplicates": 0, "quarantined": 1}));
    assert_eq!(admin.status("PATCH", &path, &json!({"status": "ACTIVE"})).await, 200);
    assert_eq!(admin.send("POST", READINGS, &reading("value", json!(1))).await["accepted"], json!(1));
    platform.server.crash().await;
    lists_are_filtered(&Caller::new(&platform.server.client(), KEY), &device).await;
}

/// Asks for parts of the list that the test above made.
async fn lists_are_filtered(admin: &Caller, device: &str) {
    let counted = |page: &Value| page["page"]["totalElements"].as_u64().unwrap();
    for (query, expected) in [
        (String::new(), 12),
        ("reason=UNKNOWN_SENSOR".to_owned(), 2),
        ("reason=DEVICE_INACTIVE".to_owned(), 1),
        ("reason=ARRAY_SIZE".to_owned(), 0),
        (format!("deviceId={device}"), 5),
        (format!("deviceId={NOBODY}"), 0),
        ("to=2026-01-01T00:00:00Z".to_owned(), 0),
        ("from=2026-01-01T00:00:00Z".to_owned(), 12),
    ] {
        assert_eq!(counted(&admin.get(&format!("{QUARANTINE}?{query}")).await.ok()), expected, "{query}");
    }
    for query in ["reason=BAD", "deviceId=x", "from=x", "sort=payload"] {
        assert_eq!(admin.status("GET", &format!("{QUARANTINE}?{query}"), &Value::Null).await, 400, "{query}");
    }
}

#[tokio::test]
async fn it_is_of_one_organization_and_can_be_emptied() {
    let platform = Platform::start().await;
    let (admin, stranger) = (&platform.admin, platform.stranger().await);
    let wrong = json!([{"sensorId": NOBODY, "timestamp": NOON, "value": 1}]);
    assert_eq!(admin.status("POST", READINGS, &wrong).await, 202);
    let page = admin.get(QUARANTINE).await.body;
    let one = format!("{QUARANTINE}/{}", id(&page["content"][0]));
    assert_eq!(stranger.get(QUARANTINE).await["content"], json!([]));
    for (method, path, expected) in [
        ("GET", one.as_str(), 200),
        ("DELETE", &one, 204),
        ("DELETE", &one, 404),
        ("GET", &one, 404),
        ("GET", &format!("{QUARANTINE}/abc"), 400),
    ] {
        assert_eq!(admin.status(method, path, &Value::Null).await, expected, "{method} {path}");
    }
}

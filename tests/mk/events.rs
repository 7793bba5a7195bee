//! Events of the platform, which are the event log of every other interface.

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, id, problem};
use crate::support::{assert_members, row_vec};

const EVENTS: &str = "/api/v1/events";

#[tokio::test]
async fn an_event_is_created_listed_and_seen_in_the_event_log() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, &platform.client);
    let device = admin.make("devices", json!({"name": "Press"})).await;
    let body = json!({"type": "maintenance", "severity": "WARNING", "title": "Oil changed", "deviceId": device,
        "timestamp": "2026-04-28T12:00:00Z", "payload": {"litres": 5}});
    let made = admin.create(EVENTS, body).await;
    let expected = json!({"source": "USER", "type": "maintenance", "severity": "WARNING", "title": "Oil changed",
        "deviceId": device, "sensorId": null, "timestamp": "2026-04-28T12:00:00Z", "payload": {"litres": 5},
        "lifecycle": null});
    assert_members(&made, &expected);
    assert_eq!(admin.get(&format!("{EVENTS}/{}", id(&made))).await.body, made);
    let path = format!("{EVENTS}/{}/lifecycle", id(&made));
    let none = problem(404, "Not Found", &format!("Event {} not found", id(&made)), &path);
    admin.get(&path).await.is(404, &none);
    let log = client.get("/api/event-log/").await.body;
    assert_members(&log, &json!({"/0/kind": "maintenance", "/0/message": "Oil changed"}));
    let error =
        json!({"kind": "alarm", "level": "error", "message": "Door", "timestamp": "2026-04-29T12:00:00Z"});
    client.post("/api/event-log/", &error).await.created();
    for (query, expected) in [
        ("", 2),
        ("?severity=CRITICAL", 1),
        ("?severity=WARNING&type=maintenance&source=USER", 1),
        ("?source=DEVICE", 0),
        ("?from=2026-04-28T12:00:00Z&to=2026-04-29T12:00:00Z", 1),
        ("?from=2026-04-28T12:00:01Z", 1),
        ("?sort=timestamp,asc&size=1", 2),
    ] {
        admin.get(&format!("{EVENTS}{query}")).await.has(200, json!({"/page/totalElements": expected}));
    }
    assert_eq!(admin.get(&format!("{EVENTS}?deviceId={device}")).await["content"], json!([made]));
    assert_eq!(admin.get(&format!("{EVENTS}?deviceId={NOBODY}")).await["content"], json!([]));
    let page = admin.get(&format!("{EVENTS}?sort=timestamp,desc&size=1")).await.body;
    assert_eq!(page["content"][0]["title"], json!("Door"), "{page}");
    for (order, title) in [("severity", "Oil changed"), ("severity,desc", "Door")] {
        let page = admin.get(&format!("{EVENTS}?sort={order}")).await.body;
        assert_eq!(page["content"][0]["title"], json!(title), "{order}: {page}");
    }
    check_further_sort_keys(admin).await;
    for query in [
        "?sort=payload",
        "?severity=HIGH",
        "?source=X",
        "?deviceId=x",
        "?from=2026-04-28T12:00:00Z&to=2026-04-28T12:00:00Z",
    ] {
        assert_eq!(admin.status("GET", &format!("{EVENTS}{query}"), &Value::Null).await, 400, "{query}");
    }

    let rows: Vec<(Value, Vec<&str>)> = row_vec![
        json!({}), vec!["severity: must not be null", "title: must not be blank", "type: must not be blank"];
        json!({"type": "a b", "severity": "X", "title": "x".repeat(256), "source": "SYSTEM",
                "deviceId": NOBODY, "sensorId": NOBODY, "timestamp": "yesterday"}),
            vec!["deviceId: does not exist", "sensorId: does not exist", "severity: must be one of INFO, WARNING, CRITICAL",
                 "source: must be one of USER, DEVICE", "timestamp: must be an ISO-8601 time between 1970 and 2261",
                 "title: size must be between 1 and 255", "type: must match ^[A-Za-z0-9_-]{1,32}$"];
    ];
    for (body, expected) in rows {
        admin.send("POST", EVENTS, &body).await.has_field_errors(400, &expected);
    }
}

/// Events that the first sort key leaves equal are sorted by the next one.
async fn check_further_sort_keys(admin: &Caller) {
    let later = json!({"type": "maintenance", "severity": "WARNING", "title": "Oil checked",
        "timestamp": "2026-04-30T12:00:00Z"});
    admin.create(EVENTS, later).await;
    for (orders, titles) in [
        ("sort=severity&sort=timestamp,asc", ["Oil changed", "Oil checked", "Door"]),
        ("sort=severity&sort=timestamp,desc", ["Oil checked", "Oil changed", "Door"]),
        ("sort=severity,desc&sort=title,desc", ["Door", "Oil checked", "Oil changed"]),
    ] {
        let page = admin.get(&format!("{EVENTS}?{orders}")).await.body;
        let found = page["content"].as_array().unwrap().iter().map(|event| event["title"].clone());
        assert_eq!(found.collect::<Vec<_>>(), titles.map(|title| json!(title)), "{orders}");
    }
}

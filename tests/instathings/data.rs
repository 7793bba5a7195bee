//! Messages of a device, and those that virtual devices make.

use std::time::Duration;

use basalt::domain::time::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{NOON_S, Project, message, text};
use crate::support::until;

/// Creates the virtual device `Press 1` with the stream `Motor RPM`; returns its key and the id of the stream.
async fn press(project: &Project) -> (String, Value) {
    let client = project.server.client();
    let device = client.post("/api/device/", &json!({"name": "Press 1", "protocol": "virtual"})).await;
    let device = device.created();
    let stream = client.post("/api/data/", &json!({"name": "Motor RPM", "device": device["id"]})).await;
    let stream = stream.created();
    (text(&device["key"]), stream["id"].clone())
}

#[tokio::test]
async fn a_value_written_elsewhere_is_the_newest_message() {
    let project = Project::start().await;
    let (key, stream) = press(&project).await;
    let value = json!({"timestamp": "2026-04-28T12:00:00Z", "value": 1300});
    project.server.client().post(&format!("/api/data/{stream}/value/"), &value).await.created();
    let page = project.get(&format!("/device/v1/devices/{key}/data?page=1&perPage=1")).await;
    let page = page.has(200, json!({"totalItems": 1}));
    let item = &page["data"][0];
    assert_eq!((&item["ts"], &item["deviceId"]), (&json!(NOON_S * 1000), &json!(key)));
    assert_eq!(item["data"]["Motor RPM"].as_f64(), Some(1300.0));
    assert_eq!(item["ttl"], json!(NOON_S + 315_360_000), "ten years");
    assert_eq!((&item["principal"], &item["clientId"]), (&json!("N/A"), &json!("N/A")));
    assert_eq!(text(&item["id"]).as_bytes()[14], b'8', "a UUID of version 8");
}

/// rest.md A4.
#[tokio::test]
async fn a_message_of_next_week_is_not_the_newest_until_its_time_has_come() {
    let project = Project::start().await;
    let (key, _) = press(&project).await;
    let now = SystemClock.now().0 / 1_000_000;
    let fact = |t: i64, value: f64| json!({"id": "Press 1", "t": t, "s1_id": "Motor RPM", "s1_v": value});
    let facts = json!([fact(now - 5, 1.0), fact(now + 7 * 86_400, 2.0)]);
    project.server.client().post("/ingest/facts", &facts).await.ok();
    for (query, total, newest) in
        [("", 1, now - 5), (&*format!("end={}", (now + 8 * 86_400) * 1000), 2, now + 7 * 86_400)]
    {
        let page = project.get(&format!("/device/v1/devices/{key}/data?{query}")).await;
        let page = page.has(200, json!({ "totalItems": total }));
        assert_eq!(page["data"][0]["ts"], json!(newest * 1000), "{query}");
    }
}

#[tokio::test]
async fn pages_and_ranges_of_messages() {
    let project = Project::start_with(&[("BASALT_INSTATHINGS__ENV", "sandbox")]).await;
    let (key, _) = press(&project).await;
    let fact = |n: i64| json!({"id": "Press 1", "t": NOON_S + n, "s1_id": "Motor RPM", "s1_v": n});
    let facts: Vec<Value> = (1..=14).map(fact).collect();
    project.server.client().post("/ingest/facts", &json!(facts)).await.ok();
    let ms = |n: i64| (NOON_S + n) * 1000;
    let range = format!("start={}&end={}", ms(3), ms(5));
    let just_before = format!("end={}", ms(3) - 1);
    let rows: [(&str, Vec<i64>, i64); 13] = [
        ("", (5..=14).rev().collect(), 14),
        ("page=2", (1..=4).rev().collect(), 14),
        ("page=3", vec![], 14),
        ("page=99999999999999999999", vec![], 14),
        ("page=&perPage=", (5..=14).rev().collect(), 14),
        ("perPage=100", (1..=14).rev().collect(), 14),
        ("perPage=1000", (1..=14).rev().collect(), 14),
        ("perPage=5&perPage=2&page=2", vec![12, 11], 14),
        ("page=1&perPage=1", vec![14], 14),
        (&range, vec![5, 4, 3], 3),
        (&just_before, vec![2, 1], 2),
        ("start=99999999999999999999", vec![], 0),
        ("start=&end=0", vec![], 0),
    ];
    for (query, expected, total) in rows {
        let page = project.get(&format!("/device/v1/devices/{key}/data?{query}")).await;
        let page = page.has(200, json!({"totalItems": total}));
        let items = page["data"].as_array().unwrap();
        let found: Vec<i64> = items.iter().map(|item| item["data"]["s1_v"].as_i64().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
        let lasts_a_day =
            |item: &Value| item["ttl"].as_i64() == item["ts"].as_i64().map(|ts| ts / 1000 + 86_400);
        assert!(items.iter().all(lasts_a_day), "{query}");
    }
    let mistake = |param: &str, value: &str| json!({"value": value, "msg": "Invalid value", "param": param, "location": "query"});
    for (query, expected) in [
        ("page=abc", vec![mistake("page", "abc")]),
        ("page=0", vec![mistake("page", "0")]),
        ("page=-1", vec![mistake("page", "-1")]),
        ("perPage=0", vec![mistake("perPage", "0")]),
        ("perPage=1.5", vec![mistake("perPage", "1.5")]),
        ("start=x&end=y&page=z", vec![mistake("start", "x"), mistake("end", "y"), mistake("page", "z")]),
    ] {
        let answer = project.get(&format!("/device/v1/devices/{key}/data?{query}")).await;
        answer.is(400, &json!({"errors": expected}));
    }
    for id in ["nowhere-1", "x", "a1234", "größere"] {
        project.get(&format!("/device/v1/devices/{id}/data")).await.is(404, &message("Not Found"));
    }
}

#[tokio::test]
async fn an_active_virtual_device_makes_messages() {
    let project = Project::start().await;
    let device = project.device(json!({"name": "demo", "isVirtual": true})).await;
    let path = format!("/device/v1/devices/{}", text(&device["id"]));
    project.call("PATCH", &path, &json!({"demoActive": true})).await.ok();
    let page = until!("a message", Duration::from_secs(20);
        page = project.get(&format!("{path}/data")).await.body; page["totalItems"] == 1);
    let data = &page["data"][0]["data"];
    assert_eq!(data["isVirtualData"], json!(true), "{page}");
    assert!(data["value"].as_i64().is_some_and(|value| (0..=100).contains(&value)), "{page}");
    // Its members have the order of the documentation, which parsed JSON does not keep.
    let (client, authorization) = (project.server.client(), format!("Bearer {}", project.token));
    let headers = [("authorization", authorization.as_str())];
    let sent = client.without_key().send_bytes("GET", &format!("{path}/data"), &headers, "").await.ok();
    let (sent, value) = (String::from_utf8_lossy(&sent), &data["value"]);
    let expected = format!(r#""data":{{"value":{value},"isVirtualData":true}}"#);
    assert!(sent.contains(&expected), "{sent}");
    // Its values are those of streams too.
    let rows = project.server.client().sql("SELECT name FROM streams ORDER BY name").await;
    assert_eq!(json!(rows), json!([{"name": "isVirtualData"}, {"name": "value"}]));
}

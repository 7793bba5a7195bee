//! `GET /device/v1/devices/{deviceId}/data`.

use basalt::api::pages::socket_client;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{DEVICE, Gateway, NOON};
use crate::support::{column, rows};

/// Fourteen messages of one device, a millisecond apart, numbered from 1; the temperature falls.
async fn gateway() -> Gateway {
    let gateway = Gateway::start().await;
    for n in 1..=14_u32 {
        let payload = format!(r#"{{"type":"data","message":{{"data":{{"temperature":{}}}}}}}"#, 100 - n);
        gateway.messages.store(n, DEVICE, NOON + i64::from(n) * 1000, &payload);
    }
    gateway.messages.store(99, "other-dev", NOON, "{}");
    gateway
}

fn path(query: &str) -> String {
    format!("/device/v1/devices/{DEVICE}/data?{query}")
}

#[tokio::test]
async fn messages_are_shown_as_in_the_documentation_in_pages_ranges_and_orders() {
    let gateway = gateway().await;
    let answer = gateway.client().get(&path("page=1&perPage=1&sort=-ts")).await;
    let answer = answer.with_headers(&["x-request-id"]);
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    let expected = json!({
        "data": [{
            "_id": "0000000e0000000000000000",
            "data": {"type": "data", "message": {"data": {"temperature": 86}}},
            "deviceId": DEVICE,
            "ts": "2026-04-28T12:00:00.014Z"
        }],
        "totalItems": 14
    });
    answer.is(200, &expected);

    let client = gateway.client();
    let noon = NOON / 1000;
    let range = format!("start={}&end={}", noon + 3, noon + 5);
    let rows: [(&str, Vec<u32>, u64); 15] = [
        ("", (1..=10).collect(), 14),
        ("page=2", (11..=14).collect(), 14),
        ("page=3", vec![], 14),
        ("page=99999999999999999999", vec![], 14),
        ("page=0&perPage=3", vec![1, 2, 3], 14),
        ("page=-1&perPage=3", vec![1, 2, 3], 14),
        ("perPage=0", (1..=10).collect(), 14),
        ("perPage=1000", (1..=14).collect(), 14),
        ("perPage=5&perPage=2&page=2", vec![3, 4], 14),
        (&range, vec![3, 4, 5], 3),
        ("start=abc&end=x&perPage=2", vec![1, 2], 14),
        ("sort=-ts&perPage=2", vec![14, 13], 14),
        ("sort=+ts&perPage=2", vec![1, 2], 14),
        ("sort=data.message.data.temperature&perPage=2", vec![14, 13], 14),
        ("sort=-unknown&perPage=2", vec![1, 2], 14),
    ];
    for (query, expected, total) in rows {
        let body = client.get(&path(query)).await.has(200, json!({"totalItems": total}));
        let ids = column(&body["data"], "_id");
        let expected: Vec<Value> =
            expected.iter().map(|n| json!(format!("{n:08x}0000000000000000"))).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_or_unknown_and_the_client_of_socket_io() {
    let gateway = gateway().await;
    let client = gateway.client();
    let key = |value: &str| json!({"value": value, "msg": "Invalid value", "param": "deviceId", "location": "params"});
    let page = json!({"value": "abc", "msg": "`page` must be an integer value", "param": "page", "location": "query"});
    let per_page = json!({"value": "1.5", "msg": "`perPage` must be an integer value", "param": "perPage", "location": "query"});
    let empty = json!({"data": [], "totalItems": 0});
    let not_found = json!({"message": "Not Found"});
    for (method, path, status, expected) in rows![
        "GET", "/device/v1/devices/unknown-1/data", 200, empty.clone();
        "GET", "/Device/V1/deviCes/unknown-1/DATA/", 200, empty;
        "HEAD", "/device/v1/devices/unknown-1/data", 200, Value::Null;
        "GET", "/device/v1/devices/x/data", 400, json!({"errors": [key("x")]});
        "GET", "/device/v1/devices/a1234/data", 400, json!({"errors": [key("a1234")]});
        "GET", "/device/v1/devices/%C3%A9/data", 400, json!({"errors": [key("é"), key("é")]});
        "GET", "/device/v1/devices/%FF/data", 400, json!({"message": "Failed to decode param '%FF'"});
        "GET", "/device/v1/devices/x/data?page=abc&perPage=1.5", 400, json!({"errors": [key("x"), page, per_page]});
        "POST", "/device/v1/devices/9s9WdonY9/data", 404, not_found.clone();
        "DELETE", "/device/v1/devices/9s9WdonY9/data", 404, not_found.clone();
        "GET", "/device/v1/devices/9s9WdonY9", 404, not_found.clone();
        "GET", "/device/v1/devices//data", 404, not_found.clone();
        "GET", "/", 404, not_found.clone();
        "GET", "/api/device/", 404, not_found.clone();
        "POST", "/socket.io/socket.io.js", 404, not_found.clone();
        "GET", "/socket.io/socket.io.js.map", 404, not_found.clone();
    ] {
        client.send(method, path, &[], "").await.is(status, &expected);
    }
    // Pages load the client of socket.io from the server.
    let script = client.send_bytes("GET", "/socket.io/socket.io.js", &[], "").await;
    // A build without pages has no script either.
    if socket_client(&HeaderMap::new()).is_err() {
        script.expect(404);
        return;
    }
    let body = script.with_header("content-type", "text/javascript; charset=utf-8").ok();
    assert!(String::from_utf8_lossy(&body).contains("Socket.IO v2"), "{} bytes", body.len());
}

//! Imports of past values, and their rate limit.

use std::time::Duration;

use basalt::domain::time::SystemClock;
use basalt::domain::{Clock, Micros};
use serde_json::{Value, json};

use super::{
    DATASTREAMS, HISTORY, IMPORT, NOON, Plant, TokenClient, device, error, no_datastream, no_device, stream,
};
use crate::support::{column, rows, until};

/// Long enough for anything that is going to happen at all.
const PATIENCE: Duration = Duration::from_secs(60);

fn import(device: i64, points: &[(i64, Value)]) -> Value {
    let values: Vec<_> = points.iter().map(|(ts, value)| json!({"value": value, "ts": ts})).collect();
    json!({"deviceId": device, "dataStreamId": 1, "values": values})
}

#[tokio::test]
async fn past_values_are_stored_and_the_newest_is_current() {
    let plant = Plant::start().await;
    let id = plant.device;
    let history = async || {
        let path = format!("{HISTORY}?deviceId={id}&dataStreamId=1&from=0&to=9223372036854775807");
        plant.blynk.get(&path).await.body
    };
    let current = async || {
        let found = plant.blynk.get(&format!("{DATASTREAMS}?deviceId={id}")).await.body;
        (found[0]["value"].clone(), found[0]["updatedAt"].clone())
    };
    let points = [(NOON, json!(5)), (1_702_656_423_136, json!(4)), (1, json!(1))];
    // A repeated import changes nothing.
    for _ in 0..2 {
        plant.blynk.post(IMPORT, &import(id, &points)).await.is(204, &Value::Null);
        let content: Vec<_> =
            points.iter().map(|(ts, value)| json!({"createdAt": ts, "value": value})).collect();
        assert_eq!(history().await, json!({"content": content, "totalElements": 3}));
        assert_eq!(current().await, (json!(5), json!(NOON)));
    }
    plant.blynk.post(IMPORT, &import(id, &[(NOON - 1, json!(9)), (NOON - 1, json!(8))])).await.expect(204);
    assert_eq!(current().await, (json!(5), json!(NOON)), "an older value is not current");
    assert_eq!(history().await["content"][1], json!({"createdAt": NOON - 1, "value": 8}), "the last counts");
    let now = now_ms();
    let month = 31 * 86_400_000;
    let ahead = [(now + month + 600_000, json!(7)), (now + month - 600_000, json!(6)), (i64::MAX, json!(7))];
    plant.blynk.post(IMPORT, &import(id, &ahead)).await.expect(204);
    assert_eq!(current().await, (json!(5), json!(NOON)), "what is ahead is not current yet");
    let expected = json!({"createdAt": now + month - 600_000, "value": 6});
    assert_eq!(history().await["content"][0], expected, "the others are skipped");
}

fn now_ms() -> i64 {
    SystemClock.now().0 / 1000
}

#[tokio::test]
async fn an_import_raises_no_alert_however_new_its_values_are() {
    const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef0123456789a";
    let mut plant = Plant::start_with(&[("BASALT_BOOTSTRAP_MK", KEY)]).await;
    let platform = TokenClient::new(&plant.client, KEY);
    let sensor = plant.client.sql("SELECT uuid FROM streams").await[0]["uuid"].clone();
    let rule = json!({"name": "fast", "sensorId": sensor, "operator": "GT", "threshold": 50, "severity": "INFO",
        "cooldownSeconds": 0, "autoResolve": true});
    platform.post("/api/v1/alert-rules", &rule).await.created();
    let now = now_ms();
    plant.blynk.post(IMPORT, &import(plant.device, &[(now - 3000, json!(99))])).await.expect(204);
    // It is read again from the log.
    plant.server.crash().await;
    plant.blynk.post(IMPORT, &import(plant.device, &[(now - 2000, json!(98))])).await.expect(204);
    let timestamp = Micros((now - 1000) * 1000).to_iso();
    let path = format!("/api/data/{}/value/", plant.stream);
    plant.client.post(&path, &json!({"timestamp": timestamp, "value": 60})).await.created();
    let page = until!("the value that was measured raises an alert", PATIENCE;
        page = platform.get("/api/v1/alerts").await.body; page["content"][0].is_object());
    assert_eq!(column(&page["content"], "value"), [json!(60.0)]);
}

#[tokio::test]
async fn the_future_ends_where_readings_end_and_after_a_month() {
    const HOUR: i64 = 3_600_000;
    const MONTH: i64 = 31 * 24 * HOUR;
    for (max_future, end) in [("1h", HOUR), ("365d", MONTH)] {
        let plant = Plant::start_with(&[("BASALT_INGEST__MAX_FUTURE", max_future)]).await;
        let now = now_ms();
        let points = [(now + end + HOUR, json!(7)), (now + end / 2, json!(6))];
        plant.blynk.post(IMPORT, &import(plant.device, &points)).await.expect(204);
        assert_eq!(plant.values(plant.stream).await, [json!(6.0)], "{max_future}");
    }
}

#[tokio::test]
async fn values_that_are_no_longer_kept_are_left_out() {
    let plant = Plant::start().await;
    let policy = json!({"hypertable": "core_value", "drop_after_days": 30});
    plant.client.post("/api/retention/", &policy).await.expect_one_of(&[200, 201]);
    let now = now_ms();
    let points = [(1, json!(1)), (now - 1000, json!(2))];
    plant.blynk.post(IMPORT, &import(plant.device, &points)).await.expect(204);
    assert_eq!(plant.values(plant.stream).await, [json!(2.0)]);
}

#[tokio::test]
async fn what_is_wrong_with_an_import_stores_nothing() {
    let plant = Plant::start().await;
    let id = plant.device;
    let wrong = |name: &str| error(&format!("Parameter {name} has wrong format."));
    let missing = |name: &str| error(&format!("Parameter {name} is required."));
    let good = (NOON, json!(5));
    let with = |values: Value| json!({"deviceId": id, "dataStreamId": 1, "values": values});
    let mut other_stream = import(id, std::slice::from_ref(&good));
    other_stream["dataStreamId"] = json!(9);
    let rows = rows![
        with(Value::Null), 400, missing("values");
        with(json!([])), 400, missing("values");
        with(json!({})), 400, wrong("values");
        with(json!([5])), 400, wrong("values");
        with(json!([{"value": 5}])), 400, missing("ts");
        with(json!([{"ts": NOON}])), 400, missing("value");
        import(id, &[good.clone(), (0, json!(5))]), 400, wrong("ts");
        import(id, &[good.clone(), (-1, json!(5))]), 400, wrong("ts");
        with(json!([{"value": 5, "ts": 1.5}])), 400, wrong("ts");
        with(json!([{"value": 5, "ts": "1"}])), 400, wrong("ts");
        import(id, &[good.clone(), (NOON + 1, json!("x"))]), 400, error("Value doesn't match the Datastream data type");
        with(json!(vec![json!({"value": 1, "ts": 1}); 10_001])), 400, error("Maximum 10000 data points are allowed.");
        import(999, std::slice::from_ref(&good)), 404, no_device(999);
        other_stream, 404, no_datastream("9");
    ];
    let rows = rows.map(|(body, status, expected)| (IMPORT.to_owned(), body, status, expected));
    plant.blynk.check(rows.into()).await;
    assert_eq!(plant.values(plant.stream).await, [Value::Null; 0]);
    let all: Vec<_> = (1..=10_000).map(|n| (n, json!(n))).collect();
    plant.blynk.post(IMPORT, &import(id, &all)).await.expect(204);
    let path = format!("{HISTORY}?deviceId={id}&dataStreamId=1&from=0&to=10000&size=1&page=9999");
    let last = plant.blynk.get(&path).await.body;
    assert_eq!(last, json!({"content": [{"createdAt": 1, "value": 1}], "totalElements": 10_000}));
}

#[tokio::test]
async fn a_device_has_so_many_imports_and_no_more() {
    let plant = Plant::start_with(&[("BASALT_BLYNK__IMPORT_PER_DEVICE", "60/h")]).await;
    let other = device(&plant.client, json!({"name": "other"})).await;
    stream(&plant.client, json!({"name": "Motor RPM", "device": other})).await;
    let body = |ts: i64| import(plant.device, &[(ts, json!(ts))]);
    // What is refused for another reason does not count.
    let mismatch = import(plant.device, &[(1, json!("x"))]);
    for _ in 0..3 {
        plant.blynk.post(IMPORT, &mismatch).await.expect(400);
        plant.blynk.post(IMPORT, &import(999, &[(1, json!(1))])).await.expect(404);
    }
    for n in 1..=60 {
        plant.blynk.post(IMPORT, &body(n)).await.expect(204);
    }
    for _ in 0..2 {
        let answer = plant.blynk.post(IMPORT, &body(61)).await;
        assert!((1..=60).contains(&answer.retry_after()), "{answer:?}");
        answer.is(429, &error("Too many requests."));
    }
    plant.blynk.post(IMPORT, &mismatch).await.about("the value comes first").expect(400);
    assert_eq!(plant.values(plant.stream).await.len(), 60);
    plant.blynk.post(IMPORT, &import(other, &[(1, json!(1))])).await.about("each has its own").expect(204);
}

//! Readings: received with their mistakes told, listed, aggregated and summarised as SQL does.

use serde_json::{Value, json};

use super::{Caller, NOBODY, Platform, problem};
use crate::support::{assert_members, column, rows};

const READINGS: &str = "/api/v1/readings";
const NOON: &str = "2026-04-28T12:00:00Z";
const DAY: &str = "from=2026-04-28T00:00:00Z&to=2026-04-29T00:00:00Z";

/// A device with a sensor.
async fn sensor(admin: &Caller, value_type: &str) -> (String, String) {
    let device = admin.make("devices", json!({"name": format!("Press {value_type}")})).await;
    let body = json!({"deviceId": device, "key": "t", "name": "T", "valueType": value_type});
    let sensor = admin.make("sensors", body).await;
    (device, sensor)
}

fn at(second: u32) -> String {
    format!("2026-04-28T12:{:02}:{:02}Z", second / 60, second % 60)
}

async fn report(caller: &Caller, readings: Value) -> (u64, u64, u64) {
    let counts = caller.send("POST", READINGS, &readings).await.expect(202);
    let count = |name: &str| counts[name].as_u64().unwrap();
    (count("accepted"), count("duplicates"), count("quarantined"))
}

fn values(list: &Value) -> Vec<Value> {
    list["readings"].as_array().unwrap().iter().map(|reading| reading["value"].clone()).collect()
}

#[tokio::test]
async fn readings_are_counted_and_the_last_of_a_time_wins() {
    let (platform, admin) = Platform::with_admin().await;
    let (device, sensor) = sensor(&admin, "DOUBLE").await;
    let reading = |second, value: Value| json!({"sensorId": sensor, "timestamp": at(second), "value": value});
    assert_eq!(report(&admin, reading(0, json!(1200.5))).await, (1, 0, 0));
    assert_eq!(report(&admin, reading(0, json!(1300))).await, (0, 1, 0));
    let many: Vec<Value> = (0..5).map(|second| reading(second, json!(second))).collect();
    assert_eq!(report(&admin, json!(many)).await, (4, 1, 0));
    assert_eq!(report(&admin, json!([reading(9, json!(1)), reading(9, json!(2))])).await, (1, 1, 0));
    let mixed = json!([reading(10, json!(1)), 5, {}, reading(11, json!("warm")), reading(12, json!(true))]);
    assert_eq!(report(&admin, mixed).await, (1, 0, 4));
    let by_key = json!({"deviceId": device, "sensorId": "t", "timestamp": at(13), "value": 4});
    assert_eq!(report(&admin, by_key).await, (1, 0, 0));
    let list = admin.get(&format!("{READINGS}/sensor/{sensor}?{DAY}")).await.body;
    assert_eq!(values(&list), [0, 1, 2, 3, 4, 2, 1, 4].map(|value| json!(f64::from(value))));
    assert_eq!((&list["count"], &list["truncated"]), (&json!(8), &json!(false)));
    assert_eq!(report(&admin, json!([])).await, (0, 0, 0));
    assert_eq!(report(&platform.key_of("member").await, reading(20, json!(1))).await, (1, 0, 0));
    assert_eq!(platform.key_of("readonly").await.status("POST", READINGS, &reading(21, json!(1))).await, 403);

    let malformed = problem(400, "Bad Request", "Malformed request body", READINGS);
    for body in [json!(5), json!("text")] {
        admin.send("POST", READINGS, &body).await.is(400, &malformed);
    }
    let answer = admin.send("POST", READINGS, &json!({})).await.expect(400);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 3, "{answer}");
    let answer = admin.send("POST", READINGS, &reading(22, Value::Null)).await;
    answer.has_field_errors(400, &["value: must not be null"]);
    let one = json!({"sensorId": NOBODY, "timestamp": NOON, "value": 1});
    assert_eq!(admin.status("POST", READINGS, &json!(vec![one.clone(); 1001])).await, 400);
    assert_eq!(report(&admin, json!(vec![one; 1000])).await, (0, 0, 1000));
    let long = json!({"sensorId": NOBODY, "timestamp": NOON, "value": "x".repeat(300 << 10)});
    assert_eq!(admin.status("POST", READINGS, &long).await, 413);

    let path = format!("/api/v1/devices/{device}/health");
    platform.admin.get(&path).await.is(404, &problem(404, "Not Found", "No health for device", &path));
    platform.admin.get(&format!("{path}/history")).await.has(200, json!({"content": []}));
    assert_eq!(platform.admin.status("GET", &format!("{path}/history?from=x"), &Value::Null).await, 400);
}

#[tokio::test]
async fn types_are_those_of_the_sensors_values_stay_exact_and_texts_are_counted() {
    let (_platform, admin) = Platform::with_admin().await;
    let mut sensors = Vec::new();
    for (value_type, value, wrong) in [
        ("DOUBLE", json!(23.5), json!("23.5")),
        ("BIGINT", json!(9_007_199_254_740_993_i64), json!(1.0)),
        ("BOOLEAN", json!(true), json!(1)),
        ("TEXT", json!("open"), json!(7)),
    ] {
        let (_, sensor) = sensor(&admin, value_type).await;
        let reading = |value: &Value| json!({"sensorId": sensor, "timestamp": NOON, "value": value});
        assert_eq!(report(&admin, reading(&wrong)).await, (0, 0, 1), "{value_type}");
        admin.get(&format!("{READINGS}/sensor/{sensor}/latest")).await.expect(404);
        let mut whole = reading(&value);
        whole["metadata"] = json!({"unit": "x", "n": 1});
        assert_eq!(report(&admin, whole).await, (1, 0, 0), "{value_type}");
        let latest = admin.get(&format!("{READINGS}/sensor/{sensor}/latest")).await;
        let expected = json!({
            "sensorId": sensor, "timestamp": NOON, "value": value, "valueType": value_type,
            "metadata": {"unit": "x", "n": 1},
        });
        latest.is(200, &expected);
        // A reading without metadata takes that of the one that it replaces away.
        assert_eq!(report(&admin, reading(&value)).await, (0, 1, 0), "{value_type}");
        let latest = admin.get(&format!("{READINGS}/sensor/{sensor}/latest")).await;
        latest.about(&value_type).has(200, json!({"metadata": {}}));
        sensors.push(sensor);
    }
    let all = admin.get("/api/v1/sensors").await;
    all.about("metadata is no sensor").has(200, json!({"/page/totalElements": 4}));

    let (truth, text) = (&sensors[2], &sensors[3]);
    let texts = (0..3).map(|n| json!({"sensorId": text, "timestamp": at(n), "value": "x"}));
    let truths = (0..4).map(|n| json!({"sensorId": truth, "timestamp": at(n), "value": n == 0}));
    report(&admin, texts.chain(truths).collect()).await;
    let path =
        |sensor: &str, more: &str| format!("{READINGS}/sensor/{sensor}/aggregated?{DAY}&interval=P1D{more}");
    let found = admin.get(&path(text, "&functions=count")).await;
    found.has(200, json!({"buckets": [{"timestamp": "2026-04-28T00:00:00Z", "count": 3}]}));
    assert_eq!(admin.status("GET", &path(text, "&functions=avg"), &Value::Null).await, 400);
    let found = admin.get(&path(truth, "&functions=avg,count")).await;
    found.has(200, json!({"buckets": [{"timestamp": "2026-04-28T00:00:00Z", "avg": 0.25, "count": 4}]}));
    let stats = admin.get(&format!("{READINGS}/sensor/{text}/stats?{DAY}")).await;
    stats.has(200, json!({"count": 3, "avg": null}));
    let path = format!("{READINGS}/sensor/{text}/stats?from=2026-04-27T00:00:00Z&to=2026-04-28T00:00:00Z");
    admin.get(&path).await.has(200, json!({"count": 0, "first": null, "stddev": null}));
}

#[tokio::test]
async fn lists_follow_range_limit_and_order() {
    let (_platform, admin) = Platform::with_admin().await;
    let (device, sensor) = sensor(&admin, "BIGINT").await;
    let many = (0..10).map(|n| json!({"sensorId": sensor, "timestamp": at(n), "value": n}));
    report(&admin, many.collect()).await;
    let path = format!("{READINGS}/sensor/{sensor}");
    let noon = "from=2026-04-28T12:00:00Z";
    for (query, expected, truncated) in [
        (format!("{noon}&to={}", at(3)), vec![0, 1, 2], false),
        (format!("{noon}&to={}", at(1)), vec![0], false),
        (format!("{noon}&to={}&limit=4", at(9)), vec![0, 1, 2, 3], true),
        (format!("{noon}&to={}&limit=9", at(9)), (0..9).collect(), false),
        (format!("{noon}&to={}&limit=2&order=desc", at(9)), vec![8, 7], true),
        (format!("from={}&to={}", at(20), at(30)), vec![], false),
        ("from=2026-04-28T14:00:03%2B02:00&to=2026-04-28T12:00:05Z".to_owned(), vec![3, 4], false),
    ] {
        let list = admin.get(&format!("{path}?{query}")).await.has(200, json!({"truncated": truncated}));
        let expected: Vec<Value> = expected.into_iter().map(|value: i64| json!(value)).collect();
        assert_eq!(values(&list), expected, "{query}");
    }
    for query in rows![
        "limit=0"; "limit=10001"; "limit=x"; "order=up"; "from=now";
        "from=2026-04-28T12:00:00Z&to=2026-04-28T12:00:00Z";
    ] {
        assert_eq!(admin.status("GET", &format!("{path}?{query}"), &Value::Null).await, 400, "{query}");
    }
    let paged = |query: &str| format!("{READINGS}?{DAY}&{query}");
    for (query, expected, pages) in [
        (format!("sensorId={sensor}&size=4"), vec![9, 8, 7, 6], 3),
        (format!("deviceId={device}&size=4&page=2"), vec![1, 0], 3),
        (format!("sensorId={sensor}&size=4&page=3"), vec![], 3),
        (format!("sensorId={sensor}&size=3&sort=timestamp,asc"), vec![0, 1, 2], 4),
    ] {
        let page = admin.get(&paged(&query)).await.ok();
        assert_eq!(column(&page["content"], "value"), expected, "{query}");
        assert_members(&page, &json!({"/page/totalElements": 10, "/page/totalPages": pages}));
    }
    assert_eq!(admin.status("GET", READINGS, &Value::Null).await, 400);
    assert_eq!(admin.status("GET", &paged(&format!("componentId={NOBODY}")), &Value::Null).await, 404);
    for (duration, expected) in
        [("PT0S", 400), ("P367D", 400), ("P1M", 400), ("1h", 400), ("P366D", 200), ("PT1S", 200)]
    {
        let path = format!("{path}/window?duration={duration}");
        assert_eq!(admin.status("GET", &path, &Value::Null).await, expected, "{duration}");
    }
    assert_eq!(admin.status("GET", &format!("{path}/window"), &Value::Null).await, 200, "an hour");
}

#[tokio::test]
async fn aggregates_and_numbers_equal_those_of_sql() {
    let (platform, admin) = Platform::with_admin().await;
    let (_, sensor) = sensor(&admin, "DOUBLE").await;
    let many = (0..200)
        .map(|n| json!({"sensorId": sensor, "timestamp": at(n * 7), "value": f64::from(n * 37 % 101) / 4.0}));
    report(&admin, many.collect()).await;
    let stream =
        &platform.client.sql(&format!("SELECT id FROM streams WHERE uuid = '{sensor}'")).await[0]["id"];
    let range = "ts >= '2026-04-28T12:00:00Z' AND ts < '2026-04-28T12:20:00Z'";
    let query = "from=2026-04-28T12:00:00Z&to=2026-04-28T12:20:00Z";
    let path = format!("{READINGS}/sensor/{sensor}");
    let found =
        admin.get(&format!("{path}/aggregated?{query}&interval=PT5M&functions=avg,min,max,sum,count")).await;
    let found = found.ok();
    let expected = platform
        .client
        .sql(&format!(
            "SELECT avg(value) AS avg, min(value) AS min, max(value) AS max, sum(value) AS sum, count(*) AS count \
             FROM readings WHERE stream_id = {stream} AND {range} \
             GROUP BY time_bucket('5 minutes', ts) ORDER BY time_bucket('5 minutes', ts)"
        ))
        .await;
    let buckets = found["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), expected.len());
    for (bucket, row) in buckets.iter().zip(&expected) {
        for name in ["avg", "min", "max", "sum", "count"] {
            let (got, wanted) = (bucket[name].as_f64().unwrap(), row[name].as_f64().unwrap());
            assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name}: {bucket} {row}");
        }
    }
    let stats = admin.get(&format!("{path}/stats?{query}")).await.body;
    let row = &platform
        .client
        .sql(&format!(
            "SELECT count(*) AS count, min(value) AS min, max(value) AS max, avg(value) AS avg, \
             median(value) AS median, stddev(value) AS stddev FROM readings \
             WHERE stream_id = {stream} AND {range}"
        ))
        .await[0];
    for name in ["count", "min", "max", "avg", "median", "stddev"] {
        let (got, wanted) = (stats[name].as_f64().unwrap(), row[name].as_f64().unwrap());
        assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name}: {stats} {row}");
    }
    assert_eq!(stats["first"], json!({"timestamp": at(0), "value": 0.0}));
    assert_eq!(admin.get(&format!("{READINGS}/stats?sensorId={sensor}&{query}")).await.body, stats);
    let default = admin.get(&format!("{path}/aggregated?{query}")).await.body;
    let answer = admin.get(&format!("{path}/aggregated?{query}&interval=PT5M")).await.body;
    assert_eq!((&default, &default["interval"]), (&answer, &json!("PT5M")));
    for (query, expected) in [
        ("from=2026-04-28T12:00:00Z&interval=PT5M", 400),
        (&format!("{query}&interval=5m"), 400),
        (&format!("{query}&interval=PT5M&functions=median"), 400),
        (&format!("{query}&interval=PT5M&functions="), 200),
        ("from=2026-04-01T00:00:00Z&to=2026-04-28T00:00:00Z&interval=PT1S", 400),
    ] {
        let path = format!("{path}/aggregated?{query}");
        assert_eq!(admin.status("GET", &path, &Value::Null).await, expected, "{path}");
    }
}

#[tokio::test]
async fn several_sensors_are_read_at_once() {
    let (platform, admin) = Platform::with_admin().await;
    let (_, sensor) = sensor(&admin, "BIGINT").await;
    let many = (0..5).map(|n| json!({"sensorId": sensor, "timestamp": at(n), "value": n}));
    report(&admin, many.collect()).await;
    let path = format!("{READINGS}/batch");
    let mut body = json!({
        "sensorIds": [sensor, NOBODY], "from": NOON, "to": "2026-04-28T13:00:00Z", "limit": 2,
    });
    let readonly = platform.key_of("readonly").await;
    let found = readonly.send("POST", &path, &body).await.has(200, json!({"missing": [NOBODY]}));
    assert_eq!(values(&found["results"][0]), [json!(0), json!(1)]);
    body["aggregation"] = json!({"interval": "PT1H", "functions": ["sum"]});
    let found = admin.send("POST", &path, &body).await.body;
    assert_eq!(found["results"][0]["buckets"], json!([{"timestamp": NOON, "sum": 10.0}]));
    for (member, value) in [
        ("sensorIds", json!([])),
        ("sensorIds", json!(vec![NOBODY; 101])),
        ("sensorIds", json!(["x"])),
        ("limit", json!(0)),
        ("limit", json!("x")),
        ("from", json!("2026-04-28T13:00:00Z")),
        ("aggregation", json!({"interval": "x"})),
        ("aggregation", json!({"interval": "PT1H", "functions": ["p99"]})),
    ] {
        let mut wrong = body.clone();
        wrong[member] = value;
        assert_eq!(admin.status("POST", &path, &wrong).await, 400, "{wrong}");
    }
    // A response that is too long to be kept under a key is given all the same.
    let (_, text) = self::sensor(&admin, "TEXT").await;
    let long = "x".repeat(1000);
    let many = (0..200).map(|n| json!({"sensorId": text, "timestamp": at(n), "value": long}));
    assert_eq!(report(&admin, many.collect()).await, (200, 0, 0));
    let body = json!({"sensorIds": vec![text; 6], "from": NOON, "to": "2026-04-28T13:00:00Z"});
    for _ in 0..2 {
        let found = admin.send_with("POST", &path, &[("idempotency-key", "long")], &body).await.expect(200);
        let counts = found["results"].as_array().unwrap().iter().map(|result| result["count"].clone());
        assert_eq!(counts.collect::<Vec<_>>(), vec![json!(200); 6]);
    }
}

#[tokio::test]
async fn readings_of_others_do_not_exist() {
    let platform = Platform::start().await;
    let (admin, stranger) = (&platform.admin, platform.stranger().await);
    let (device, sensor) = sensor(admin, "DOUBLE").await;
    let reading = json!({"sensorId": sensor, "timestamp": NOON, "value": 1});
    assert_eq!(report(&stranger, reading.clone()).await, (0, 0, 1));
    assert_eq!(report(admin, reading).await, (1, 0, 0));
    let stolen = json!({"sensorId": "t", "deviceId": device, "timestamp": NOON, "value": 2});
    assert_eq!(report(&stranger, stolen).await, (0, 0, 1));
    let found =
        stranger.send("POST", &format!("{READINGS}/batch"), &json!({"sensorIds": [sensor]})).await.body;
    assert_eq!(found, json!({"results": [], "missing": [sensor]}));
    assert_eq!(values(&admin.get(&format!("{READINGS}/sensor/{sensor}?{DAY}")).await.body), [json!(1.0)]);
}

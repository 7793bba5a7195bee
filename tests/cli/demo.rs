//! The demo: what its first start makes, and what later ones leave as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, DemoProcess, until};

/// A reading every 50 s for eight days, and the one at the end.
const HISTORY: u64 = 8 * 86_400 / 50 + 1;
/// Streams of the four devices.
const STREAMS: u64 = 46;
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);
const QUERIES: [&str; 5] = [
    "plant-alarms",
    "plant-energy-by-hour",
    "plant-limits",
    "plant-motor-downtime",
    "plant-today-and-yesterday",
];

/// Names of what a list has, in their order.
async fn names(client: &Client, list: &str) -> Vec<String> {
    let rows = client.get(list).await.ok();
    let name = |row: &Value| row["name"].as_str().map(str::to_owned);
    let mut names: Vec<_> = rows.as_array().into_iter().flatten().filter_map(name).collect();
    names.sort();
    names
}

async fn demo_queries(client: &Client) -> Vec<String> {
    let mut names = names(client, "/sql/queries/").await;
    names.retain(|name| name.starts_with("plant-"));
    names
}

#[tokio::test]
async fn the_demo_shows_a_value_of_every_stream_and_a_board_of_them() {
    let demo = DemoProcess::start();
    let client = demo.client();
    let end = end_of_history(client).await;
    // Scores of the model come when a window is whole.
    let read = "d.protocol <> 'ai'";
    until!("a value of every stream", EVENT_TIMEOUT; count_streams_after(client, &end, read).await == STREAMS);

    let boards = client.get("/api/dashboard/").await.ok();
    assert_eq!(boards.as_array().map(Vec::len), Some(1), "{boards}");
    assert_eq!((&boards[0]["name"], &boards[0]["is_default"]), (&json!("Plant"), &json!(true)));
    let widgets = boards[0]["layout"].as_array().expect("widgets");
    let mut shown = BTreeSet::new();
    for config in widgets.iter().map(|widget| &widget["config"]) {
        shown.extend(config["sensorIds"].as_array().into_iter().flatten().filter_map(Value::as_str));
        if let Some(query) = config["query"].as_str() {
            let live = query.replace("now() - INTERVAL '5 minutes'", &format!("'{end}'"));
            assert!(live != query, "it has another range: {query}");
            assert_eq!(client.sql(&live).await.len(), 7, "a row of each stream: {query}");
        }
    }
    let uuids: Vec<_> = shown.iter().map(|uuid| format!("'{uuid}'")).collect();
    let known = format!("SELECT count(*) AS n FROM streams WHERE uuid IN ({})", uuids.join(", "));
    assert_eq!((shown.len(), client.sql(&known).await[0]["n"].as_u64()), (10, Some(10)));
    let rules = names(client, "/api/rule/").await;
    assert_eq!(rules, ["Furnace too hot", "Motor server offline", "Tank nearly full"]);
}

/// Counts the streams of devices `d` and streams `s` that have a value from after a time.
async fn count_streams_after(client: &Client, ts: &str, which: &str) -> u64 {
    let query = format!(
        "SELECT count(DISTINCT r.stream_id) AS n FROM readings r JOIN streams s ON s.id = r.stream_id \
         JOIN devices d ON d.id = s.device_id WHERE {which} AND r.quality = 'good' AND r.ts > '{ts}'"
    );
    client.sql(&query).await[0]["n"].as_u64().expect("a count")
}

/// The time at which the history ends, which every device of the plant has.
async fn end_of_history(client: &Client) -> String {
    let devices = client.sql("SELECT metadata FROM devices WHERE protocol <> 'ai'").await;
    let end = |device: &Value| {
        let metadata: Value = serde_json::from_str(device["metadata"].as_str()?).ok()?;
        metadata["simulated_history_until"].as_str().map(str::to_owned)
    };
    let ends: Vec<_> = devices.iter().map(end).collect();
    assert!(ends.len() == 4 && ends.iter().all(|end| end.is_some() && *end == ends[0]), "{ends:?}");
    ends[0].clone().expect("it was found")
}

/// Counts the readings of the history, all and those of a stream that is stored at every moment.
async fn count_history(client: &Client, end: &str) -> (u64, u64) {
    let query = format!(
        "SELECT count(*) AS n, count(*) FILTER (WHERE stream_id = 2) AS speeds FROM readings WHERE ts <= '{end}'"
    );
    let row = client.sql(&query).await.remove(0);
    (row["n"].as_u64().expect("a count"), row["speeds"].as_u64().expect("a count"))
}

/// Checks that statistics over REST are those of SQL, for every hour of the history.
async fn check_hours(client: &Client, end: &str) {
    let query = format!(
        "SELECT time_bucket('1 hour', ts) AS ts, avg(value) AS mean, min(value) AS least, max(value) AS most \
         FROM readings WHERE stream_id = 2 AND ts >= TIMESTAMP '{end}' - INTERVAL '8 days' AND ts <= '{end}' GROUP BY 1 ORDER BY 1"
    );
    let by_sql = client.sql(&query).await;
    let first = by_sql[0]["ts"].as_str().expect("a time").to_owned();
    let by_rest = client.get(&format!("/api/data/2/statistic/?from={first}&to={end}&step=PT1H")).await.ok();
    let by_rest = by_rest.as_array().expect("buckets");
    assert!(by_sql.len() >= 8 * 24, "{} hours", by_sql.len());
    assert_eq!(by_rest.len(), by_sql.len());
    for (bucket, row) in by_rest.iter().zip(&by_sql) {
        let (mean, expected) =
            (bucket["mean"].as_f64().expect("a mean"), row["mean"].as_f64().expect("a mean"));
        assert!((mean - expected).abs() <= 1e-9 * expected.abs(), "{bucket} is not {row}");
        let seen = (&bucket["timestamp"], &bucket["min"], &bucket["max"]);
        assert_eq!(seen, (&row["ts"], &row["least"], &row["most"]));
    }
    let means: BTreeSet<_> =
        by_sql.iter().map(|row| row["mean"].as_f64().map(f64::round).map(|m| m as i64)).collect();
    assert!(means.contains(&Some(0)) && means.len() > 10, "shifts and a weekend: {means:?}");
}

/// The rows that a named query answers without parameters.
async fn answer(client: &Client, name: &str) -> Vec<Value> {
    let rows = client.get(&format!("/sql/queries/{name}")).await.ok();
    rows.as_array().filter(|rows| !rows.is_empty()).cloned().unwrap_or_else(|| panic!("{name}: {rows}"))
}

/// Checks the answers of the named queries by what the readings say.
async fn check_answers(client: &Client) {
    check_energy(client).await;
    let days = answer(client, "plant-motor-downtime").await;
    let sum = |name: &str| days.iter().filter_map(|day| day[name].as_f64()).sum::<f64>();
    // Three handovers on each of five days, and a weekend.
    assert!(sum("stops") > 10.0 && sum("minutes") > 24.0 * 60.0, "{days:?}");
    let limits = answer(client, "plant-limits").await;
    let is_passed = |limit: &Value| limit["above"].as_u64() > Some(0) && limit["last_above"].is_string();
    assert!(limits.len() == 2 && limits.iter().all(is_passed), "{limits:?}");
    let alarms = answer(client, "plant-alarms").await;
    let times =
        |name: &str| alarms.iter().find(|row| row["alarm"] == name).and_then(|row| row["times"].as_u64());
    let found = ["Motor server offline", "Tank nearly full"].map(times);
    assert_eq!(found, [Some(1), Some(1)], "{alarms:?}");
    let hours = answer(client, "plant-today-and-yesterday").await;
    let is_whole = |hour: &&Value| ["yesterday", "week_before"].iter().all(|of| hour[of].is_number());
    assert!(hours.iter().filter(is_whole).count() >= 23, "{hours:?}");
}

/// Checks the energy of every whole hour of the last week by the counter of the furnace.
async fn check_energy(client: &Client) {
    let query = "SELECT ts, lead(counter) OVER (ORDER BY ts) - counter AS kwh FROM (SELECT time_bucket('1 hour', r.ts) AS ts, \
                 first(r.value, r.ts) AS counter FROM readings r JOIN streams s ON s.id = r.stream_id \
                 JOIN devices d ON d.id = s.device_id WHERE d.name = 'Furnace PLC' AND s.name = 'furnace.energy' GROUP BY 1)";
    let counted: BTreeMap<String, f64> = client
        .sql(query)
        .await
        .iter()
        .filter_map(|row| Some((row["ts"].as_str()?.to_owned(), row["kwh"].as_f64()?)))
        .collect();
    let hours = answer(client, "plant-energy-by-hour").await;
    // The first is a part of an hour, as the last is.
    let compared = hours.iter().skip(1).filter_map(|hour| Some((hour, *counted.get(hour["ts"].as_str()?)?)));
    let compared: Vec<_> = compared.collect();
    assert!(compared.len() >= 166, "{} hours", compared.len());
    for (hour, expected) in compared {
        let kwh = hour["kwh"].as_f64().expect("a number");
        assert!((kwh - expected).abs() < 0.05 * expected, "{hour}: {expected} kWh were counted");
    }
}

#[tokio::test]
async fn a_new_demo_has_a_simulated_week_that_a_second_start_leaves_as_it_is() {
    let demo = DemoProcess::start();
    let client = demo.client();
    let end = end_of_history(client).await;
    let (all, speeds) = count_history(client, &end).await;
    assert_eq!(speeds, HISTORY);
    check_hours(client, &end).await;

    // What was bad, and what was told of it: none of it by a rule.
    let bad = format!("SELECT DISTINCT stream_id FROM readings WHERE quality = 'bad' AND ts <= '{end}'");
    assert_eq!(client.sql(&bad).await.len(), 9, "the streams of the motor's server");
    let events = format!(
        "SELECT kind, count(*) AS n, bool_and(acknowledged) AS seen, bool_and(payload LIKE '%simulated%') AS marked \
         FROM events WHERE ts <= '{end}' GROUP BY kind ORDER BY kind"
    );
    let expected = json!([
        {"kind": "alarm", "n": 4, "seen": true, "marked": true},
        {"kind": "history", "n": 1, "seen": true, "marked": true},
    ]);
    assert_eq!(json!(client.sql(&events).await), expected);

    assert_eq!(demo_queries(client).await, QUERIES);
    check_answers(client).await;

    let demo = demo.restart_with(&["--empty"]);
    let client = demo.client();
    assert_eq!((end_of_history(client).await, count_history(client, &end).await.0), (end, all));
    assert_eq!(demo_queries(client).await, QUERIES);
    assert_eq!(names(client, "/api/dashboard/").await, ["Plant"]);
    check_counters(client).await;
}

/// Checks that the counters of a later start go on from those before it.
async fn check_counters(client: &Client) {
    let counters = "s.name IN ('motor.hours', 'motor.revolutions', 'furnace.energy')";
    let newest = client.sql("SELECT max(ts) AS ts FROM readings").await[0]["ts"].clone();
    let newest = newest.as_str().expect("a time");
    // One of the six has a deadband of 36 s.
    until!("counters", EVENT_TIMEOUT; count_streams_after(client, newest, counters).await >= 5);
    let falls = format!(
        "SELECT stream_id, ts, rise FROM (SELECT r.stream_id, r.ts, \
         r.value - lag(r.value) OVER (PARTITION BY r.stream_id ORDER BY r.ts) AS rise \
         FROM readings r JOIN streams s ON s.id = r.stream_id WHERE {counters} AND r.value IS NOT NULL) \
         WHERE rise < 0"
    );
    assert_eq!(json!(client.sql(&falls).await), json!([]), "counters do not fall");
}

#[tokio::test]
async fn an_empty_demo_has_its_devices_alone() {
    let demo = DemoProcess::start_with(&["--empty"]);
    let client = demo.client();
    let devices = ["Furnace PLC", "Motor server", "Plant", "Tank PLC"];
    assert_eq!(names(client, "/api/device/").await, devices);
    for list in ["/api/dashboard/", "/api/rule/", "/api/event-log/"] {
        assert_eq!(client.get(list).await.ok(), json!([]), "{list}");
    }
    assert_eq!(demo_queries(client).await, [""; 0]);
    until!("it is read", EVENT_TIMEOUT;
        rows = client.sql("SELECT min(ts) > now() - INTERVAL '5 minutes' AS live FROM readings").await;
        rows[0]["live"] == true);
}

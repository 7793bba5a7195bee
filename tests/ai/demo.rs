//! `basalt demo` finds the fault of its furnace: a model does, and a rule.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{DemoProcess, eventually, until};

/// The fault begins 30 s after the start.
const A_MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_demo_flags_the_fault_of_its_furnace_within_a_minute_and_nothing_before() {
    let demo = DemoProcess::start();
    let client = demo.client();
    let event: Value = eventually("an anomaly", A_MINUTE, || async {
        let events = client.get("/api/event-log/?kind=anomaly").await.ok();
        events.as_array().and_then(|events| events.first().cloned())
    })
    .await;
    let is_named = event["message"].as_str().is_some_and(|message| message.starts_with("Furnace watch: "));
    assert!(is_named, "{event}");
    // The history before them ends with an event.
    let first =
        "SELECT min(ts) AS ts FROM readings WHERE ts > (SELECT max(ts) FROM events WHERE kind = 'history')";
    let started = client.sql(first).await[0]["ts"].clone();
    let late = format!(
        "SELECT CAST('{}' AS TIMESTAMP) - CAST('{}' AS TIMESTAMP) > INTERVAL '28 seconds' AS late",
        event["timestamp"].as_str().unwrap().trim_end_matches('Z'),
        started.as_str().unwrap().trim_end_matches('Z')
    );
    assert_eq!(client.sql(&late).await[0]["late"], true, "nothing before the fault: {event}, {started}");

    let query = "SELECT rule_name, level, status FROM events WHERE rule_name IS NOT NULL ORDER BY ts";
    let over = json!([{"rule_name": "Furnace too hot", "level": "warning", "status": "RESOLVED"}]);
    until!("the alert ends with the fault", A_MINUTE; alerts = client.sql(query).await; json!(alerts) == over);
}

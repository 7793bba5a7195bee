//! `basalt demo` finds the fault of its furnace.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Client, Home, eventually};

/// The fault begins 30 s after the start.
const A_MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_demo_flags_the_fault_of_its_furnace_within_a_minute_and_nothing_before() {
    let home = Home::new();
    let mut command = home.command();
    command.args(["demo", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let (mut url, mut key) = (None, None);
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok) {
        let after = |word: &str| line.trim().strip_prefix(word).map(|rest| rest.trim().to_owned());
        url = url.or(after("SQL ").map(|u| u.trim_end_matches("/sql").to_owned()));
        key = key.or(after("key "));
        if line.contains("Ctrl-C") {
            break;
        }
    }
    let client = Client::new(&url.expect("it tells its URL"), &key.expect("it tells a key"));
    let event: Value = eventually("an anomaly", A_MINUTE, || async {
        let (status, _, events) = client.get("/api/event-log/?kind=anomaly").await;
        assert_eq!(status, 200, "{events}");
        events.as_array().and_then(|events| events.first().cloned())
    })
    .await;
    assert!(event["message"].as_str().is_some_and(|told| told.starts_with("Furnace watch: ")), "{event}");
    let started = client.sql("SELECT min(ts) AS ts FROM readings").await[0]["ts"].clone();
    let late = format!(
        "SELECT CAST('{}' AS TIMESTAMP) - CAST('{}' AS TIMESTAMP) > INTERVAL '28 seconds' AS late",
        event["timestamp"].as_str().unwrap().trim_end_matches('Z'),
        started.as_str().unwrap().trim_end_matches('Z')
    );
    assert_eq!(client.sql(&late).await[0]["late"], true, "nothing before the fault: {event}, {started}");
    child.kill().expect("killed");
    child.wait().expect("ended");
}

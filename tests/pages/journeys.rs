//! Two people use the pages of a changing plant: devices that stop, connections that break, readings of every kind, rules, keys.

use serde_json::{Value, json};

use super::{PASSWORD, check_manners, list, plant_url, server};
use crate::support::{Server, free_port, has_turn, run_python};

#[tokio::test]
async fn two_people_follow_a_plant_that_changes() {
    if !has_turn("pages", 0, 3) {
        return;
    }
    let (server, stream) = server().await;
    server.create_user("ann", &["--superuser"]).await;
    let port = free_port().to_string();
    let stream_text = stream.to_string();
    let program = env!("CARGO_BIN_EXE_basalt");
    let args =
        [server.url.as_str(), "ann", PASSWORD, &server.key, stream_text.as_str(), program, port.as_str()];
    let seen = run_python("browse_journeys.py", &args).await;

    check_manners(&plant_url(&server), &seen);
    let expected = json!({"quiet": true, "told": true});
    assert_eq!(seen["stopped"], expected, "an overview tells of what is wrong alone");
    check_measured(&server, stream, &seen).await;
    check_people(&server, &seen["people"]).await;
    assert_eq!(seen["rule"]["resolved"], true, "{seen}");
    assert!(seen["rule"]["row"].as_str().unwrap().contains("too fast"), "{seen}");
    let expected =
        json!(["Overview", "Live", "Trend", "Devices", "Boards", "Data", "SQL", "GraphQL", "REST"]);
    assert_eq!(seen["key"]["pages"], expected);
    assert_eq!(seen["key"]["rows"], json!(["a"]), "a key of one stream sees no other");
    assert!(!seen["key"]["refused"].as_str().unwrap().contains("bslt_"), "{seen}");
}

/// Statistics of every range are those of SQL, and so is the difference to half an hour before; a viewer sees the same by the link.
async fn check_measured(server: &Server, stream: i64, seen: &Value) {
    let client = server.client();
    let ranges = seen["measured"]["ranges"].as_array().unwrap();
    assert_eq!(ranges.len(), 3);
    for range in ranges {
        let query = format!(
            "SELECT min(value) AS lo, avg(value) AS mean, max(value) AS hi, rms(value) AS rms, count(value) AS n, \
             count(*) - count(value) AS bad FROM readings WHERE stream_id = {stream} AND ts >= TIMESTAMP {} AND ts < TIMESTAMP {}",
            quoted(&range["from"]),
            quoted(&range["to"])
        );
        let row = client.sql(&query).await.remove(0);
        let shown: Vec<f64> = range["exact"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        for (shown, name) in shown.iter().zip(["lo", "mean", "hi", "rms"]) {
            let expected = row[name].as_f64().unwrap();
            assert!((shown - expected).abs() <= 1e-9 * expected.abs(), "{name}: {shown} is not {expected}");
        }
        let counts: Vec<_> = list(&range["counts"]).iter().map(|text| text.replace(',', "")).collect();
        assert_eq!(counts, [row["n"].to_string(), row["bad"].to_string()], "{range}");
        assert!(row["bad"].as_i64() > Some(0), "there are bad readings: {row}");
    }
    let (link, first) = (&seen["link"], &ranges[0]);
    let of_link = (&link["exact"], &link["counts"]);
    assert_eq!(of_link, (&first["exact"], &first["counts"]), "a link shows the same");

    let mean = |half: &str| {
        let middle = quoted(&seen["measured"]["middle"]);
        format!(
            "(SELECT avg(value) FROM readings WHERE stream_id = {stream} AND ts >= TIMESTAMP {middle} + INTERVAL '{half}' \
             AND ts < TIMESTAMP {middle} + INTERVAL '{half}' + INTERVAL '30 minutes')"
        )
    };
    let query = format!("SELECT {} - {} AS difference", mean("0 minutes"), mean("-30 minutes"));
    let difference = client.sql(&query).await[0]["difference"].as_f64().unwrap();
    let shown = seen["measured"]["difference"].as_str().unwrap().replace([',', '+'], "");
    let shown: f64 = shown.parse().unwrap_or_else(|e| panic!("{shown}: {e}"));
    assert!((shown - difference).abs() < 1e-4 * difference.abs(), "{shown} is not {difference}");
}

fn quoted(time: &Value) -> String {
    format!("'{}'", time.as_str().unwrap())
}

/// The event has the note of who acknowledged it, a viewer had nothing to press, and the audit log tells of it.
async fn check_people(server: &Server, seen: &Value) {
    assert!(seen["chips"].as_str().unwrap().contains("unlike before"), "{seen}");
    assert_eq!(seen["buttons"], 0, "a viewer is offered nothing that is not allowed");
    let event = seen["event"].as_i64().unwrap();
    let query = format!("SELECT acknowledged, acknowledged_by, note FROM events WHERE id = {event}");
    let expected = json!({"acknowledged": true, "acknowledged_by": "ann", "note": "seen by ann"});
    assert_eq!(server.client().sql(&query).await, [expected]);
    let query = format!(
        "SELECT actor_name FROM audit_log WHERE kind = 'event-log' AND action = 'update' AND row_id = {event}"
    );
    assert_eq!(server.client().sql(&query).await, [json!({"actor_name": "ann"})]);
}

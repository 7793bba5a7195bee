//! Acknowledging events, one by one and many at once, and finding those that nobody has seen.

use serde_json::json;

use super::event::{event, made};
use super::{Row, check_rows};
use crate::support::{Server, with};

#[tokio::test]
async fn who_acknowledged_an_event_is_told_and_kept() {
    let (_server, client) = Server::with_client(&[]).await;
    let id = made(&client, json!({"kind": "alarm", "timestamp": 0})).await;
    let one = format!("/api/event-log/{id}/");
    let at = "1970-01-01T00:00:00Z";
    let seen =
        json!({"acknowledged": true, "note": "a fan", "acknowledged_at": "*", "acknowledged_by": "key:1"});
    let seen = |kind: &str| with(event(kind, at), seen.clone());
    let put = json!({"kind": "b", "timestamp": 0});
    let too_long = json!({"note": "x".repeat(4001), "acknowledged": "perhaps"});
    check_rows![&client;
        "with_a_note", "PATCH", one.clone(), json!({"acknowledged": true, "note": "a fan"}), 200, seen("alarm");
        "again", "PATCH", one.clone(), json!({"acknowledged": true}), 200, seen("alarm");
        "put_keeps_it", "PUT", one.clone(), put, 200, seen("b");
        "taken_back", "PATCH", one.clone(), json!({"acknowledged": false, "note": null}), 200, event("b", at);
        "what_is_wrong", "PATCH", one.clone(), too_long, 400,
            json!({"acknowledged": ["Must be a valid boolean."], "note": ["Ensure this field has no more than 4000 characters."]});
        "given_at_creation", "POST", "/api/event-log/".to_owned(),
            json!({"kind": "b", "timestamp": 0, "acknowledged": true, "note": "a fan"}), 201, seen("b");
    ];
    let rows = client.sql("SELECT acknowledged_by, note FROM events WHERE acknowledged").await;
    assert_eq!(rows[0], json!({"acknowledged_by": "key:1", "note": "a fan"}));
}

#[tokio::test]
async fn many_events_are_acknowledged_at_once_or_none() {
    let (_server, client) = Server::with_client(&[]).await;
    let mut ids = Vec::new();
    for (kind, level, message) in [
        ("a", "info", "Door OPEN"),
        ("b", "warning", "100 % of it_s load"),
        ("c", "error", "door closed"),
        ("d", "critical", ""),
    ] {
        let body =
            json!({"kind": kind, "level": level, "message": message, "payload": {"long": "x".repeat(1000)}});
        ids.push(made(&client, body).await);
    }
    let path = "/api/event-log/acknowledge/".to_owned();
    let post = |name, body, status, answer| -> Row { (name, "POST", path.clone(), body, status, answer) };
    let too_many: Vec<i64> = (1..=1001).collect();
    check_rows![&client;
        post("no_ids", json!({}), 400, json!({"ids": ["This field is required."]}));
        post("none", json!({"ids": []}), 400, json!({"ids": ["This list may not be empty."]}));
        post("too_many", json!({"ids": too_many}), 400, json!({"ids": ["Ensure this field has no more than 1000 elements."]}));
        post("one_is_not_there", json!({"ids": [ids[0], 999]}), 400,
            json!({"ids": ["Invalid pk \"999\" - object does not exist."]}));
        post("two", json!({"ids": [ids[2], ids[1], ids[1]], "note": "seen"}), 200, json!({"acknowledged": [ids[1], ids[2]]}));
        post("again", json!({"ids": [ids[1], ids[3]]}), 200, json!({"acknowledged": [ids[3]]}));
        post("nothing_new", json!({"ids": [ids[1]]}), 200, json!({"acknowledged": []}));
    ];
    let kept = client.get(&format!("/api/event-log/{}/", ids[1])).await.body;
    assert_eq!((&kept["note"], &kept["acknowledged_by"]), (&json!("seen"), &json!("key:1")), "{kept}");
    assert_eq!(kept["payload"]["long"].as_str().map(str::len), Some(1000), "its payload stays");
    let rows: [(&str, &[&str]); 9] = [
        ("acknowledged=true", &["b", "c", "d"]),
        ("acknowledged=false", &["a"]),
        ("level=error", &["c"]),
        ("level_at_least=warning", &["b", "c", "d"]),
        ("level_at_least=critical", &["d"]),
        ("search=dOOr", &["a", "c"]),
        ("search=100%20%25%20of%20it_", &["b"]),
        ("search=%00", &[]),
        ("search=door&level_at_least=error&acknowledged=true", &["c"]),
    ];
    for (query, expected) in rows {
        let kinds = client.get(&format!("/api/event-log/?from=0&{query}")).await.column("kind");
        assert_eq!(kinds, expected, "{query}");
    }
    let query = "SELECT count(*) AS n FROM audit_log WHERE kind = 'event-log' AND action = 'update'";
    assert_eq!(client.sql(query).await[0]["n"], 3, "one row for each event that was acknowledged");
}

//! `/api/rule/`: alert rules in our own words, and tried on the past.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Row, check_rows, with_stream};
use crate::graphql::data;
use crate::support::{Client, eventually};

/// 2024-01-01.
const START: i64 = 1_704_067_200;

fn hot(stream: i64) -> Value {
    json!({"name": "hot", "stream": stream, "operator": "GT", "threshold": 80, "severity": "WARNING", "cooldown_seconds": 0})
}

fn shown(version: i64, stream: i64, enabled: bool) -> Value {
    json!({"id": "*", "uuid": "*", "version": version, "name": "hot", "stream": stream, "device": null, "evaluation": "VALUE",
           "window_seconds": null, "operator": "GT", "threshold": 80.0, "severity": "WARNING", "cooldown_seconds": 0,
           "auto_resolve": false, "enabled": enabled, "channels": [], "description": null, "suppressed_alerts": 0, "old_readings": 0,
           "created_at": "*", "updated_at": "*"})
}

/// Writes a value each second from [`START`] on.
async fn write(client: &Client, stream: i64, values: &[f64]) {
    for (second, value) in (START..).zip(values) {
        let body = json!({"timestamp": second, "value": value});
        client.post(&format!("/api/data/{stream}/value/"), &body).await.created();
    }
}

#[tokio::test]
async fn a_rule_lives_from_post_to_delete() {
    let (_server, client, device, stream) = with_stream("t", "fp64").await;
    let made = client.post("/api/rule/", &hot(stream)).await;
    let one = format!("/api/rule/{}/", made["uuid"].as_str().expect("a UUID"));
    made.with_header("location", &one).created();
    let down = json!({"name": "hot", "device": device, "evaluation": "DEVICE_STATE", "operator": "EQ", "threshold": "offline",
                      "window_seconds": 60, "severity": "CRITICAL"});
    let list = |query: &str| format!("/api/rule/?{query}");
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, shown(1, stream, true);
        "disabled", "PATCH", one.clone(), json!({"enabled": false, "version": 1}), 200, shown(2, stream, false);
        "somebody_else_saved", "PATCH", one.clone(), json!({"enabled": true, "version": 1}), 409,
            json!({"detail": "the row has version 2 by now"});
        "nothing_changes", "PATCH", one.clone(), json!({"enabled": false}), 200, shown(2, stream, false);
        "put_resets", "PUT", one.clone(), hot(stream), 200, shown(3, stream, true);
        "of_the_stream", "GET", list(&format!("stream={stream}&enabled=true")), Value::Null, 200,
            json!([shown(3, stream, true)]);
        "of_no_device", "GET", list(&format!("device={device}")), Value::Null, 200, json!([]);
        "the_name_is_taken", "POST", "/api/rule/".to_owned(), hot(stream), 409,
            json!({"detail": "An alert rule with the name 'hot' exists"});
    ];
    client.put(&one, &down).await.has(200, json!({"device": device, "stream": null}));
    client.delete(&one).await.expect(204);
    client.get(&one).await.expect(404);

    let required = json!(["This field is required."]);
    let with = |changes: Value| {
        let mut body = hot(stream);
        body.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        body
    };
    let post = |name, body, expected| -> Row { (name, "POST", "/api/rule/".to_owned(), body, 400, expected) };
    check_rows![&client;
        post("nothing", json!({}),
            json!({"name": required, "stream": required, "severity": required, "operator": ["must not be null"]}));
        post("no_such_stream", with(json!({"stream": 99})), json!({"stream": ["does not exist"]}));
        post("no_such_channel", with(json!({"channels": ["00000000-0000-4000-8000-000000000001"]})),
            json!({"channels[0]": ["does not exist"]}));
        post("no_channel", with(json!({"channels": ["x"]})), json!({"channels": ["must be a list of UUIDs"]}));
        post("no_operator", with(json!({"operator": "gt"})), json!({"operator": ["\"gt\" is not a valid choice."]}));
        post("a_text", with(json!({"threshold": "much"})), json!({"threshold": ["must be a number"]}));
        post("no_window", with(json!({"evaluation": "AVG"})), json!({"window_seconds": ["must not be null"]}));
        post("no_device",
            with(json!({"evaluation": "DEVICE_STATE", "operator": "EQ", "threshold": "offline", "window_seconds": 1})),
            json!({"device": ["This field is required."]}));
    ];
}

#[tokio::test]
async fn a_rule_that_is_changed_while_readings_arrive_misses_none() {
    const ALERTS: usize = 20;
    let (_server, client, _, stream) = with_stream("t", "fp64").await;
    let mut body = hot(stream);
    body["auto_resolve"] = json!(true);
    let made = client.post("/api/rule/", &body).await;
    let one = format!("/api/rule/{}/", made["uuid"].as_str().expect("a UUID"));
    let writes = async {
        for value in [99, 1].repeat(ALERTS) {
            client.post(&format!("/api/data/{stream}/value/"), &json!({"value": value})).await.created();
        }
    };
    let changes = async {
        for threshold in [81.0, 80.0].repeat(ALERTS) {
            client
                .patch(&one, &json!({"threshold": threshold}))
                .await
                .has(200, json!({"threshold": threshold}));
        }
    };
    tokio::join!(writes, changes);
    eventually("an alert for each high value, and its end", Duration::from_secs(20), || async {
        let alerts = client.sql("SELECT status FROM events WHERE rule_name = 'hot'").await;
        let are_over = alerts.iter().all(|alert| alert["status"] == "RESOLVED");
        (alerts.len() == ALERTS && are_over).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_tried_on_the_past_and_nothing_is_stored() {
    let (server, client, device, stream) = with_stream("t", "fp64").await;
    write(&client, stream, &[10.0, 90.0, 95.0, 10.0, 91.0]).await;
    let at = |second: i64| format!("2024-01-01T00:00:0{second}Z");
    let alert = |from: i64, value: Value, to: Value| json!({"at": at(from), "value": value, "message": "*", "resolved_at": to});
    let run = |query: String| format!("/api/rule/?dry_run=true{query}");
    let range = |from: i64, to: i64| run(format!("&from={}&to={}", START + from, START + to));
    let silent = json!({"name": "silent", "stream": stream, "evaluation": "NO_DATA", "window_seconds": 3, "severity": "INFO"});
    let mean = json!({"name": "mean", "stream": stream, "evaluation": "AVG", "window_seconds": 60, "operator": "GT",
                      "threshold": 60, "severity": "INFO"});
    let down = json!({"name": "down", "device": device, "evaluation": "DEVICE_STATE", "operator": "EQ", "threshold": "offline",
                      "window_seconds": 60, "severity": "CRITICAL"});
    let result = |alerts: Value, raised: i64, readings: i64| json!({"alerts": alerts, "raised": raised, "suppressed": 0, "readings": readings});
    check_rows![&client;
        "twice", "POST", range(0, 9), hot(stream), 200,
            result(json!([alert(1, json!(90.0), json!(at(3))), alert(4, json!(91.0), Value::Null)]), 2, 5);
        "the_end_is_left_out", "POST", range(0, 4), hot(stream), 200,
            result(json!([alert(1, json!(90.0), json!(at(3)))]), 1, 4);
        "a_mean", "POST", range(0, 9), mean, 200, result(json!([alert(2, json!(65.0), json!(at(3)))]), 1, 5);
        "silence", "POST", range(0, 9), silent, 200, result(json!([alert(7, Value::Null, Value::Null)]), 1, 5);
        "of_the_last_days", "POST", run(String::new()), hot(stream), 200, result(json!([]), 0, 0);
        "backwards", "POST", range(9, 0), hot(stream), 400, json!({"from": ["must be before `to` and in the past"]});
        "too_long", "POST", range(0, 32 * 86_400), hot(stream), 400, json!({"from": ["must be at most 31 days before `to`"]});
        "no_history", "POST", range(0, 9), down, 400,
            json!({"evaluation": ["DEVICE_STATE cannot be tried on the past: no history of states is kept"]});
        "nothing_is_stored", "GET", "/api/rule/".to_owned(), Value::Null, 200, json!([]);
    ];
    assert_eq!(client.get("/api/event-log/?from=0").await.body, json!([]));
    let key = server.create_key(&["--scope", "event-log:write"]).await;
    client.with_key(&key).post(&range(0, 9), &hot(stream)).await.about("it shows values").expect(403);
}

#[tokio::test]
async fn the_graph_makes_changes_and_tries_rules() {
    let (_server, client, _, stream) = with_stream("t", "fp64").await;
    write(&client, stream, &[90.0]).await;
    let input = format!(
        "{{name: \"hot\", stream: {stream}, operator: \"GT\", threshold: 80, severity: \"WARNING\"}}"
    );
    let query = format!(
            "mutation {{ createAlertRule(input: {input}) {{ alertRule {{ uuid version stream {{ rowId }} channels threshold }} errors {{ field }} }}
                again: createAlertRule(input: {input}) {{ alertRule {{ uuid }} errors {{ code }} }} }}"
        );
    let first = data(&client, &query, json!({})).await;
    let made = &first["createAlertRule"]["alertRule"];
    let uuid = made["uuid"].as_str().expect("a UUID");
    let expected =
        json!({"uuid": uuid, "version": 1, "stream": {"rowId": stream}, "channels": [], "threshold": 80.0});
    assert_eq!(made, &expected);
    assert_eq!(first["again"], json!({"alertRule": null, "errors": [{"code": "CONFLICT"}]}));
    let change = format!(
        "mutation {{ disableAlertRule(uuid: \"{uuid}\") {{ alertRule {{ enabled version }} }}
            repeated: disableAlertRule(uuid: \"{uuid}\") {{ alertRule {{ enabled version }} }}
            enableAlertRule(uuid: \"{uuid}\") {{ alertRule {{ enabled version }} }}
            updateAlertRule(uuid: \"{uuid}\", version: 3, input: {{evaluation: \"AVG\", windowSeconds: null}}) {{ errors {{ field }} }}
            old: updateAlertRule(uuid: \"{uuid}\", version: 1, input: {{name: \"x\"}}) {{ errors {{ code }} }}
            deleteAlertRule(uuid: \"{uuid}\") {{ deletedUuid }} }}"
    );
    let found = data(&client, &change, json!({})).await;
    let expected = json!({
        "disableAlertRule": {"alertRule": {"enabled": false, "version": 2}},
        "repeated": {"alertRule": {"enabled": false, "version": 2}},
        "enableAlertRule": {"alertRule": {"enabled": true, "version": 3}},
        "updateAlertRule": {"errors": [{"field": "windowSeconds"}]},
        "old": {"errors": [{"code": "CONFLICT"}]},
        "deleteAlertRule": {"deletedUuid": uuid},
    });
    assert_eq!(found, expected);
    let run = format!(
        "{{ alertRuleDryRun(input: {input}, from: \"2024-01-01T00:00:00Z\", to: \"2024-01-02T00:00:00Z\") {{
            raised suppressed readings alerts {{ at value resolvedAt }} errors {{ field }} }}
           long: alertRuleDryRun(input: {input}, from: \"2024-01-01T00:00:00Z\", to: \"2024-03-01T00:00:00Z\") {{ raised errors {{ field }} }} }}"
    );
    let found = data(&client, &run, json!({})).await;
    let alerts = json!([{"at": "2024-01-01T00:00:00Z", "value": 90.0, "resolvedAt": null}]);
    let expected = json!({
        "alertRuleDryRun": {"raised": 1, "suppressed": 0, "readings": 1, "alerts": alerts, "errors": []},
        "long": {"raised": 0, "errors": [{"field": "from"}]},
    });
    assert_eq!(found, expected);
}

//! Mutations of the graph: changes as in REST, by the same rules.

use serde_json::{Value, json};

use super::{ask, codes, data, plant};
use crate::rest::matches;
use crate::support::{Server, rows};

#[tokio::test]
async fn a_device_and_its_streams_live_from_creation_to_deletion() {
    let (_server, client) = Server::with_client(&[]).await;
    let device = "{ device { rowId name protocol host port pollInterval enabled metadata } errors { field message code } }";
    let stream = "{ stream { rowId name type unit scale group { rowId } device { rowId } } errors { field message code } }";
    let none = json!([]);
    let rows = rows![
        "what_is_wrong_is_told_by_field",
            format!("mutation {{ createDevice(input: {{name: \"\", protocol: modbus, pollInterval: 1000000, port: 0}}) {device} }}"),
            json!({"createDevice": {"device": null, "errors": [
                {"field": "port", "message": "Ensure this value is greater than or equal to 1.", "code": "INVALID"},
                {"field": "name", "message": "*", "code": "INVALID"},
                {"field": "host", "message": "This field is required.", "code": "INVALID"},
                {"field": "pollInterval", "message": "Ensure this value is less than or equal to 86400.", "code": "INVALID"},
            ]}});
        "made_with_defaults",
            format!("mutation {{ createDevice(input: {{name: \"a\", protocol: virtual, metadata: {{line: 4}}}}) {device} }}"),
            json!({"createDevice": {"device": {"rowId": 1, "name": "a", "protocol": "virtual", "host": "", "port": null,
                "pollInterval": 1.0, "enabled": true, "metadata": {"line": 4}}, "errors": none}});
        "the_name_is_taken", format!("mutation {{ createDevice(input: {{name: \"a\", protocol: virtual}}) {device} }}"),
            json!({"createDevice": {"device": null, "errors": [{"field": "name", "message": "This field must be unique.", "code": "INVALID"}]}});
        "only_what_is_given_changes",
            format!("mutation {{ updateDevice(rowId: 1, input: {{pollInterval: null, enabled: false}}) {device} }}"),
            json!({"updateDevice": {"device": {"rowId": 1, "name": "a", "protocol": "virtual", "host": "", "port": null,
                "pollInterval": null, "enabled": false, "metadata": {"line": 4}}, "errors": none}});
        "no_such_device", format!("mutation {{ updateDevice(rowId: 9, input: {{}}) {device} }}"),
            json!({"updateDevice": {"device": null, "errors": [{"field": null, "message": "not found", "code": "NOT_FOUND"}]}});
        "a_stream",
            format!("mutation {{ createStream(input: {{name: \"s\", device: \"RGV2aWNlOjE\", type: uint16, unit: \"bar\", scale: 0.1}}) {stream} }}"),
            json!({"createStream": {"stream": {"rowId": 1, "name": "s", "type": "uint16", "unit": "bar", "scale": 0.1,
                "group": null, "device": {"rowId": 1}}, "errors": none}});
        "a_stream_of_nothing", format!("mutation {{ createStream(input: {{name: \"s\", device: 9}}) {stream} }}"),
            json!({"createStream": {"stream": null, "errors": [
                {"field": "device", "message": "Invalid pk \"9\" - object does not exist.", "code": "INVALID"}]}});
        "a_stream_of_a_stream", format!("mutation {{ createStream(input: {{name: \"s\", device: \"U3RyZWFtOjE\"}}) {stream} }}"),
            json!({"createStream": {"stream": null, "errors": [
                {"field": "device", "message": "Incorrect type. Expected pk value, received str.", "code": "INVALID"}]}});
        "into_a_group",
            "mutation { createGroup(input: {name: \"g\", data: [1]}) { group { streams { nodes { rowId } } } errors { message } } }".to_owned(),
            json!({"createGroup": {"group": {"streams": {"nodes": [{"rowId": 1}]}}, "errors": none}});
        "and_out_of_it",
            format!("mutation {{ updateStream(rowId: 1, input: {{group: null, statisticsInterval: 300}}) {stream} }}"),
            json!({"updateStream": {"stream": {"rowId": 1, "name": "s", "type": "uint16", "unit": "bar", "scale": 0.1,
                "group": null, "device": {"rowId": 1}}, "errors": none}});
        "an_event",
            "mutation { createEvent(input: {kind: \"alarm\", data: 1, level: warning, message: \"hot\", timestamp: \"2026-03-01T00:00:00Z\"}) { event { rowId kind level ts stream { name } acknowledged } errors { message } } }".to_owned(),
            json!({"createEvent": {"event": {"rowId": 1, "kind": "alarm", "level": "warning", "ts": "2026-03-01T00:00:00Z",
                "stream": {"name": "s"}, "acknowledged": false}, "errors": none}});
        "taken_note_of",
            "mutation { updateEvent(rowId: 1, input: {acknowledged: true, note: \"n\"}) { event { acknowledged message note acknowledgedBy } errors { message } } }".to_owned(),
            json!({"updateEvent": {"event": {"acknowledged": true, "message": "hot", "note": "n", "acknowledgedBy": "key:1"}, "errors": none}});
        "and_taken_back",
            "mutation { updateEvent(rowId: 1, input: {acknowledged: false, note: null}) { event { acknowledged note acknowledgedAt acknowledgedBy } errors { message } } }".to_owned(),
            json!({"updateEvent": {"event": {"acknowledged": false, "note": null, "acknowledgedAt": null, "acknowledgedBy": null}, "errors": none}});
        "many_taken_note_of",
            "mutation { acknowledgeEvents(ids: [\"RXZlbnQ6MQ\", \"1\"], note: \"m\") { rowIds errors { message } } again: acknowledgeEvents(ids: [1]) { rowIds } none: acknowledgeEvents(ids: [9]) { rowIds errors { field code } } }".to_owned(),
            json!({"acknowledgeEvents": {"rowIds": [1], "errors": none}, "again": {"rowIds": []},
                "none": {"rowIds": null, "errors": [{"field": "ids", "code": "INVALID"}]}});
        "found_by_what_was_done",
            "{ events(acknowledged: true, levelAtLeast: warning, search: \"HO\") { nodes { note } } none: events(acknowledged: false) { totalCount } above: events(levelAtLeast: error) { totalCount } }".to_owned(),
            json!({"events": {"nodes": [{"note": "m"}]}, "none": {"totalCount": 0}, "above": {"totalCount": 0}});
        "how_long_rows_are_kept",
            "mutation { setRetention(table: readings, stream: 1, dropAfter: 86400) { policies { table dropAfter } errors { message } } }".to_owned(),
            json!({"setRetention": {"policies": [{"table": "readings", "dropAfter": 86400}], "errors": none}});
        "what_would_go",
            "mutation { setRetention(table: readings, dropAfter: 3600, dryRun: true) { policies { table } forecast { rows bytes files } errors { message } } }".to_owned(),
            json!({"setRetention": {"policies": null, "forecast": {"rows": 0, "bytes": 0, "files": 0}, "errors": none}});
        "one_after_the_other",
            "mutation { a: deleteEvent(rowId: 1) { deletedRowId errors { message } } b: deleteDevice(rowId: 1) { deletedRowId errors { message } } c: deleteStream(rowId: 1) { deletedRowId errors { code } } d: deleteGroup(rowId: 1) { deletedRowId } }".to_owned(),
            json!({"a": {"deletedRowId": 1, "errors": none}, "b": {"deletedRowId": 1, "errors": none},
                "c": {"deletedRowId": null, "errors": [{"code": "NOT_FOUND"}]}, "d": {"deletedRowId": 1}});
        "nothing_is_left",
            "{ devices { totalCount } streams { totalCount } groups { totalCount } events { totalCount } }".to_owned(),
            json!({"devices": {"totalCount": 0}, "streams": {"totalCount": 0}, "groups": {"totalCount": 0}, "events": {"totalCount": 0}});
    ];
    for (name, query, expected) in rows {
        let got = data(&client, &query, json!({})).await;
        assert!(matches(&got, &expected), "{name}\n  got      {got}\n  expected {expected}");
    }
}

#[tokio::test]
async fn values_without_a_time_have_that_of_their_request() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, streams) = plant(&client, "d", &[("a", "fp64"), ("b", "fp64")]).await;
    let query = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows } }";
    let row = |stream: i64, value: f64| json!({"stream": stream, "value": value});
    let input = [row(streams[0], 1.0), row(streams[1], 2.0), row(streams[0], 3.0)];
    let written = data(&client, query, json!({"input": input})).await;
    assert_eq!(written["writeValues"]["rows"], 3, "{written}");
    let first = "WITH first AS (SELECT min(ts) AS ts FROM readings) \
        SELECT stream_id, value, readings.ts = first.ts AS is_first FROM readings, first ORDER BY value";
    let expected = [
        json!({"stream_id": streams[0], "value": 1.0, "is_first": true}),
        json!({"stream_id": streams[1], "value": 2.0, "is_first": true}),
        json!({"stream_id": streams[0], "value": 3.0, "is_first": false}),
    ];
    assert_eq!(client.sql(first).await, expected);
}

#[tokio::test]
async fn values_are_written_whole_and_once() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, streams) = plant(&client, "d", &[("a", "fp64"), ("b", "text")]).await;
    let query = "mutation($input: [ValueInput!]!, $key: String) { writeValues(input: $input, idempotencyKey: $key) { rows replayed errors { field message code } } }";
    let row = |ts: &str, value: f64| json!({"stream": streams[0], "ts": ts, "value": value});
    for (name, variables, expected) in rows![
        "all_or_none", json!({"input": [row("2026-03-01", 1.0), {"stream": 99, "ts": "2026-03-01", "value": 1}]}),
            json!({"rows": null, "replayed": false, "errors": [{"field": "row 2", "message": "stream_id: there is no stream `99`", "code": "INVALID"}]});
        "two", json!({"input": [row("2026-03-01", 1.0), {"stream": streams[1], "ts": "2026-03-01", "text": "x"}]}),
            json!({"rows": 2, "replayed": false, "errors": []});
        "with_a_key", json!({"key": "k", "input": [row("2026-03-02", 2.0)]}), json!({"rows": 1, "replayed": false, "errors": []});
        "another_in_between", json!({"input": [row("2026-03-02", 3.0)]}), json!({"rows": 1, "replayed": false, "errors": []});
        "the_same_again_changes_nothing", json!({"key": "k", "input": [row("2026-03-02", 2.0)]}),
            json!({"rows": 1, "replayed": true, "errors": []});
        "the_key_with_other_rows", json!({"key": "k", "input": [row("2026-03-02", 4.0)]}),
            json!({"rows": null, "replayed": false, "errors": [{"field": "idempotencyKey", "message": "was used with another body", "code": "CONFLICT"}]});
        "none", json!({"input": []}), json!({"rows": 0, "replayed": false, "errors": []});
    ] {
        let got = data(&client, query, variables).await;
        assert!(matches(&got["writeValues"], &expected), "{name}: {got}");
    }
    let stored = client.sql("SELECT stream_id, value, text FROM readings ORDER BY ts, stream_id").await;
    let expected = [
        json!({"stream_id": streams[0], "value": 1.0, "text": null}),
        json!({"stream_id": streams[1], "value": null, "text": "x"}),
        json!({"stream_id": streams[0], "value": 3.0, "text": null}),
    ];
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn keys_are_made_by_superusers_shown_once_and_revoked() {
    let (server, client) = Server::with_client(&[]).await;
    let create = "mutation { createKey(input: {name: \"k\", scopes: [\"device:read\"]}) { key { rowId name prefix scopes enabled } secret errors { field } } }";
    let body = ask(&client, create, json!({})).await;
    assert_eq!(codes(&body), ["FORBIDDEN"], "{body}");
    assert_eq!(body["data"], Value::Null);
    let mut ann = server.person("ann", &["--superuser"]).await;
    let body = ann.post("/graphql", &json!({ "query": create })).await.body;
    let made = &body["data"]["createKey"];
    assert_eq!((&made["errors"], &made["key"]["scopes"]), (&json!([]), &json!(["device:read"])), "{body}");
    let secret = made["secret"].as_str().expect("the secret, once").to_owned();
    assert!(secret.starts_with(made["key"]["prefix"].as_str().expect("its beginning")));
    let own = client.with_key(&secret);
    let expected = json!({"me": {"kind": "key", "scopes": ["device:read"]}});
    assert_eq!(data(&own, "{ me { kind scopes } }", json!({})).await, expected);
    let list = json!({"query": "{ keys { nodes { rowId name enabled } } me { kind username } }"});
    let body = ann.post("/graphql", &list).await.body;
    assert_eq!(body["data"]["me"], json!({"kind": "user", "username": "ann"}));
    assert!(!body.to_string().contains(&secret));
    let row = made["key"]["rowId"].clone();
    let revoke = json!({"query": "mutation($id: Int) { revokeKey(rowId: $id) { key { enabled } errors { code } } }", "variables": {"id": row}});
    let body = ann.post("/graphql", &revoke).await.body;
    assert_eq!(body["data"]["revokeKey"], json!({"key": {"enabled": false}, "errors": []}));
    let body = own.post("/graphql", &json!({"query": "{ me { kind } }"})).await.expect(401);
    assert_eq!(codes(&body), vec!["UNAUTHENTICATED"]);
    // A session has to say its CSRF token, as everywhere.
    let cookies = ann.cookies();
    let headers = [("content-type", "application/json"), ("cookie", cookies.as_str())];
    client.without_key().send("POST", "/graphql", &headers, list.to_string()).await.expect(403);
}

#[tokio::test]
async fn keys_are_renamed_and_deleted_by_superusers_of_their_organization() {
    let server = Server::start_with_org("plant-2").await;
    let client = server.client();
    let mut ann = server.person("ann", &["--superuser"]).await;
    let mut foreign = server.person("eve", &["--superuser", "--org", "plant-2"]).await;
    let made = ann.post("/api/key/", &json!({"name": "k", "scopes": ["device:read"]})).await.body;
    let (row, secret) = (made["id"].clone(), made["key"].as_str().expect("a secret").to_owned());
    let update = |row: &Value, name: &str| {
        let query = "mutation($id: Int, $name: String!) { updateKey(rowId: $id, input: {name: $name}) \
            { key { rowId name scopes enabled } errors { field message code } } }";
        json!({"query": query, "variables": {"id": row, "name": name}})
    };
    let delete = |row: &Value| {
        let query = "mutation($id: Int) { deleteKey(rowId: $id) { deletedRowId errors { code } } }";
        json!({"query": query, "variables": {"id": row}})
    };

    let body = ann.post("/graphql", &update(&row, " robot ")).await.body;
    let key = json!({"rowId": row, "name": "robot", "scopes": ["device:read"], "enabled": true});
    assert_eq!(body["data"]["updateKey"], json!({"key": key, "errors": []}), "{body}");
    assert_eq!(ann.get(&format!("/api/key/{row}/")).await["name"], json!("robot"));
    for (name, row, to, expected) in rows![
        "blank", &row, "  ", json!([{"field": "name", "message": "This field may not be blank.", "code": "INVALID"}]);
        "long", &row, &*"x".repeat(101),
            json!([{"field": "name", "message": "Ensure this field has no more than 100 characters.", "code": "INVALID"}]);
        "not_there", &json!(99), "x", json!([{"field": null, "message": "not found", "code": "NOT_FOUND"}]);
    ] {
        let body = ann.post("/graphql", &update(row, to)).await.body;
        assert_eq!(body["data"]["updateKey"], json!({"key": null, "errors": expected}), "{name}: {body}");
    }

    for body in [update(&row, "mine"), delete(&row)] {
        let refused = client.post("/graphql", &body).await.body;
        assert_eq!(codes(&refused), ["FORBIDDEN"], "a key of every scope: {refused}");
        let refused = foreign.post("/graphql", &body).await.body;
        assert!(refused.to_string().contains("NOT_FOUND"), "another organization: {refused}");
    }
    ann.get(&format!("/api/key/{row}/")).await.has(200, json!({"name": "robot", "enabled": true}));

    client.with_key(&secret).get("/api/device/").await.ok();
    for _ in 0..2 {
        let body = ann.post("/graphql", &delete(&row)).await.body;
        assert_eq!(body["data"]["deleteKey"], json!({"deletedRowId": row, "errors": []}), "{body}");
    }
    client.with_key(&secret).get("/api/device/").await.expect(401);
    ann.get(&format!("/api/key/{row}/")).await.about("it stays listed").has(200, json!({"enabled": false}));
    let audited = client.sql("SELECT action, fields FROM audit_log WHERE kind = 'key' ORDER BY ts, id").await;
    let actions: Vec<_> = audited.iter().map(|row| row["action"].as_str().expect("an action")).collect();
    assert!(actions.ends_with(&["create", "update", "revoke", "revoke"]), "{audited:?}");
}

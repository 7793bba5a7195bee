//! Facts, commands, and what gateways report.

use serde_json::{Value, json};

use crate::support::{Server, assert_members, rows};

const REQUIRED: &str = "This field is required.";
const NOWHERE: &str = "/api/command/00000000-0000-4000-8000-000000000000/";

#[tokio::test]
async fn facts_become_messages_and_readings() {
    let (_server, client) = Server::with_client(&[]).await;
    for (body, expected) in [
        (json!(7), "fact 1"),
        (json!([{"id": "a"}, {"id": [1]}]), "fact 2"),
        (json!({"id": "a", "t": "noon"}), "t: must be epoch seconds"),
        (json!({"id": "a", "t": 9_200_000_000_i64}), "too far in the future"),
    ] {
        let answer = client.post("/ingest/facts", &body).await.expect(400);
        assert!(answer.to_string().contains(expected), "{body}: {answer}");
    }
    let found = client.post("/graphql", &json!({"query": "{ messages { totalCount } }"})).await.body;
    assert_eq!(found["data"]["messages"]["totalCount"], 0, "{found}");

    let fact = json!({"id": "node-1", "s": "ONLINE", "t": 1_777_377_600, "s1_id": "T", "s1_s": "OK", "s1_u": "C", "s1_v": 21.5});
    let silent =
        json!({"id": "node-1", "t": 1_777_377_601, "s1_id": "", "s1_v": 1, "s2_id": "T", "s2_v": "hot"});
    let answer = client.post("/ingest/facts", &fact).await.ok();
    assert_eq!(answer["packets"].as_array().map(Vec::len), Some(1), "{answer}");
    let both = client.post("/ingest/facts", &json!([fact, silent])).await.ok();
    assert_eq!(both["packets"].as_array().map(Vec::len), Some(2), "{both}");

    let streams = client.get("/api/data/").await.body;
    let streams = streams.as_array().cloned().unwrap_or_default();
    assert_eq!(streams.len(), 1, "{streams:?}");
    assert_members(&streams[0], &json!({"name": "T", "unit": "C", "type": "fp64"}));
    let values = client.get(&format!("/api/data/{}/value/", streams[0]["id"])).await.body;
    let expected = json!([{"data": streams[0]["id"], "timestamp": "2026-04-28T12:00:00Z", "value": 21.5}]);
    assert_eq!(values, expected);

    let query = json!({"query": "{ messages { totalCount nodes { ts status derived sensors { sensorId value unit } } } }"});
    let found = client.post("/graphql", &query).await.has(200, json!({"/data/messages/totalCount": 3}));
    let messages = &found["data"]["messages"];
    let newest =
        json!([{"sensorId": "", "value": 1.0, "unit": null}, {"sensorId": "T", "value": null, "unit": null}]);
    assert_members(&messages["nodes"][0], &json!({"sensors": newest, "status": "UNKNOWN"}));
    assert!(messages["nodes"].as_array().is_some_and(|all| all.iter().all(|one| one["derived"] == false)));
}

#[tokio::test]
async fn gateways_report_sessions_logs_and_nothing_that_is_not_there() {
    let (_server, client) = Server::with_client(&[]).await;
    let made = client.post("/api/device/", &json!({"name": "gate", "protocol": "mqtt"})).await.body;
    let of = |path: &str| format!("/api/device/{}/{path}/", made["id"]);
    let line = json!({"timestamp": 1_777_377_600_000_i64, "type": "LOG", "message": "started"});
    let log = |line: &Value| json!({"container": "gate", "lines": [line]});
    let lines = json!({"container": "gate", "lines": vec![line.clone(); 1001]});
    for (name, path, body, status, expected) in rows![
        "session", of("session"), json!({"event": "connected", "clientId": "x"}), 202, json!({});
        // Security review 7: the members that are kept have a limit of their own; the others are told and forgotten.
        "much_else", of("session"), json!({"event": "connected", "notes": "x".repeat(60_000)}), 202, json!({});
        "a_long_status", of("session"), json!({"event": "connected", "version": "1", "status": {"text": "x".repeat(4090)}}), 400,
            json!({"status": ["Ensure version and status have no more than 4096 bytes of JSON together (they have 4104)."]});
        "no_event", of("session"), json!({}), 400, json!({"event": [REQUIRED]});
        "unknown_event", of("session"), json!({"event": "gone"}), 400, json!({"event": ["\"gone\" is not a valid choice."]});
        "log", of("log"), log(&line), 202, json!({});
        "no_lines", of("log"), json!({"container": "gate"}), 400, json!({"lines": [REQUIRED]});
        "too_many_lines", of("log"), lines, 400, json!({"lines": ["Ensure this field has no more than 1000 elements."]});
        "no_device", "/api/device/99/session/".to_owned(), json!({}), 404, json!({"detail": "Not found."});
        "no_command", format!("{NOWHERE}result/"), json!({}), 404, json!({"detail": "Not found."});
    ] {
        client.post(&path, &body).await.about(&name).is(status, &expected);
    }
    assert_eq!(client.get("/api/command/").await.body, json!([]));
    client.get(NOWHERE).await.expect(404);
    let answer = client.get("/api/command/?state=gone").await;
    answer.is(400, &json!({"state": ["\"gone\" is not a valid choice."]}));

    let device = made;
    let sent = json!({"device": device["id"], "type": "set", "params": {"path": "/relay/0"}});
    let made = client.post("/api/command/", &sent).await;
    let made = made.has(201, json!({"state": "pending", "params": sent["params"]}));
    let one = format!("/api/command/{}/", made["uuid"].as_str().unwrap_or_default());
    assert_eq!(client.get(&one).await.body, made);
    for (filter, expected) in
        [("?state=pending", 1), ("?state=done", 0), ("?device=99", 0), ("?limit=1&offset=1", 0)]
    {
        let listed = client.get(&format!("/api/command/{filter}")).await.body;
        assert_eq!(listed.as_array().map(Vec::len), Some(expected), "{filter}");
    }
    let result = format!("{one}result/");
    for (name, body, status, expected) in rows![
        "no_state", json!({}), 400, json!({"state": [REQUIRED]});
        "not_for_devices", json!({"state": "expired"}), 400, json!({"state": ["\"expired\" is not a valid choice."]});
        "acknowledged", json!({"state": "acknowledged"}), 200, json!("acknowledged");
        "done", json!({"state": "done", "result": [1, {"a": null}]}), 200, json!("done");
        "again", json!({"state": "failed"}), 409, json!({"detail": "the command is already done"});
    ] {
        let (found, answer) = client.post(&result, &body).await.outcome();
        let shown = if found == 200 { answer["state"].clone() } else { answer };
        assert_eq!((found, shown), (status, expected), "{name}");
    }
    let done = client.get(&one).await.body;
    assert_eq!((&done["result"], &done["error"]), (&json!([1, {"a": null}]), &json!("")));
    let rows = client.post("/sql", &json!({"query": "SELECT type, state, result FROM commands"})).await.body;
    assert!(rows.to_string().contains("done"), "{rows}");
    for (name, body, expected) in rows![
        "nothing", json!({}), json!({"device": [REQUIRED], "type": [REQUIRED]});
        "no_such_device", json!({"device": 99, "type": "set"}), json!({"device": ["Invalid pk \"99\" - object does not exist."]});
    ] {
        client.post("/api/command/", &body).await.about(&name).is(400, &expected);
    }
}

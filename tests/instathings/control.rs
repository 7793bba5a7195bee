//! Commands with their answers, and logs.

use basalt::domain::Clock;
use basalt::domain::time::{MICROS_PER_SECOND, SystemClock};
use serde_json::{Value, json};

use super::{NOON_S, Project, call, message, text};
use crate::support::assert_members;

#[tokio::test]
async fn a_status_is_asked_for_and_fetched() {
    let (mut project, gateway, sub) = Project::with_gateway().await;
    let path = format!("/device/v1/control/{sub}/status");
    let answer = project.call("POST", &path, &json!({"state": ""})).await;
    let location = answer.header("location").to_owned();
    answer.is(202, &json!({}));
    let request = location.split('/').nth(4).unwrap().to_owned();
    assert_eq!(location, format!("/device/v1/control/{request}/fetch"));
    assert_eq!(request.len(), 9);
    project.get(&location).await.with_header("retry-after", "1").is(202, &json!({}));

    let client = project.server.client();
    let waiting = client.get("/api/command/?state=pending").await.body;
    assert_members(&waiting, &json!({"/0/type": "get", "/0/params": {"query": {}, "body": {"state": ""}}}));
    let answer = json!({"state": "ON", "brightness": 254, "color": {"x": 0.3068, "y": 0.4143}});
    let result = format!("/api/command/{}/result/", text(&waiting[0]["uuid"]));
    client.post(&result, &json!({"state": "done", "result": answer})).await.ok();
    for is_restarted in [false, true] {
        if is_restarted {
            project.server.crash().await;
        }
        let found = project.get(&location).await.about(&is_restarted);
        let ttl = found["ttl"].as_i64().unwrap();
        assert!((3500..=3600).contains(&(ttl - now_s())), "{ttl}");
        let whole =
            json!({"projectId": "default", "response": answer, "ttl": ttl, "deviceId": sub, "id": request});
        found.is(200, &whole);
    }
    let foreign = project.foreign_token("elsewhere").await;
    let client = project.server.client();
    assert_eq!(call(&client, &foreign, "GET", &location, &Value::Null).await.body, message("Not Found"));
    assert_eq!(project.get("/device/v1/control/unknown-1/fetch").await.body, message("Not Found"));

    // A command that sets something cannot be fetched.
    let path = format!("/device/v1/control/{gateway}/set");
    assert_eq!(project.call("POST", &path, &json!({"state": "TOGGLE"})).await.body, json!({}));
    let waiting = client.get("/api/command/?state=pending").await.body;
    project.get(&format!("/device/v1/control/{}/fetch", text(&waiting[0]["key"]))).await.expect(404);
}

fn now_s() -> i64 {
    SystemClock.now().0.div_euclid(MICROS_PER_SECOND)
}

#[tokio::test]
async fn a_device_that_does_not_answer_in_time_is_silent() {
    let project = Project::start_with(&[("BASALT_COMMAND__TTL", "1s")]).await;
    let (gateway, _) = project.gateway().await;
    let path = format!("/device/v1/control/{gateway}/status");
    let location = project.call("POST", &path, &Value::Null).await.header("location").to_owned();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    project.get(&location).await.is(504, &message("Gateway Timeout"));
}

#[tokio::test]
async fn bodies_queries_and_headers_are_passed_on() {
    let (project, gateway, _) = Project::with_gateway().await;
    let client = project.server.client();
    let plug = client.post("/api/device/", &json!({"name": "plug", "protocol": "http"})).await.body;
    let product = json!({"name": "Locked", "metadata": {"control": false}});
    let product = client.post("/api/product/", &product).await.body;
    let locked = json!({"name": "lock", "protocol": "mqtt", "product": product["id"]});
    let locked = client.post("/api/device/", &locked).await.body;
    let set = |key: &str, query: &str| format!("/device/v1/control/{key}/set{query}");
    let (plug, locked) = (text(&plug["key"]), text(&locked["key"]));
    let missing = json!({"errors": [
        {"msg": "Invalid value", "param": "instathings-path", "location": "headers"},
        {"msg": "Invalid value", "param": "instathings-method", "location": "headers"},
    ]});
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(70 << 10));
    let rows = [
        ("object", set(&gateway, "?a=1&a=2"), r#"{"state":"TOGGLE"}"#, 200, json!({})),
        ("array", set(&gateway, ""), "[1,2]", 200, json!({})),
        ("nothing", set(&gateway, ""), "", 200, json!({})),
        ("scalar", set(&gateway, ""), "7", 400, message("Unexpected token in JSON")),
        ("malformed", set(&gateway, ""), "{", 400, message("Unexpected token in JSON")),
        ("too_large", set(&gateway, ""), large.as_str(), 413, message("Payload Too Large")),
        ("without_headers", set(&plug, "?turn=on"), "", 400, missing),
        ("forbidden", set(&locked, ""), "{}", 403, message("Forbidden")),
        ("unknown", set("nowhere-1", ""), "{}", 404, message("Not Found")),
    ];
    let bearer = format!("Bearer {}", project.token);
    let own = ("authorization", bearer.as_str());
    for (name, path, body, status, expected) in rows {
        let answer = client.without_key().send("POST", &path, &[own], body.to_owned()).await;
        answer.about(&name).is(status, &expected);
    }
    let headers = [own, ("instathings-path", "/relay/0"), ("instathings-method", "GET")];
    client.without_key().send("POST", &set(&plug, "?turn=on"), &headers, "").await.ok();
    let form = [own, ("content-type", "application/x-www-form-urlencoded")];
    client.without_key().send("POST", &set(&gateway, ""), &form, "turn=on&timer=5").await.ok();
    let queued = client.get("/api/command/").await.body;
    let params: Vec<&Value> = queued.as_array().unwrap().iter().map(|command| &command["params"]).collect();
    let expected = json!([
        {"query": {}, "body": {"turn": "on", "timer": "5"}},
        {"path": "/relay/0", "method": "GET", "query": {"turn": "on"}, "body": {}},
        {"query": {}, "body": {}},
        {"query": {}, "body": [1, 2]},
        {"query": {"a": ["1", "2"]}, "body": {"state": "TOGGLE"}},
    ]);
    assert_eq!(json!(params), expected, "the newest first");
}

#[tokio::test]
async fn logs_of_a_gateway() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let line = |n: i64, kind: &str| json!({"timestamp": (NOON_S + n) * 1000, "type": kind, "message": format!("line {n}\n")});
    let now = json!({"timestamp": now_s() * 1000, "type": "LOG", "message": "now"});
    let lines = json!({"container": "gate", "lines": [line(2, "ERR"), line(1, "LOG"), line(3, "LOG"), now]});
    project.report(&gateway, "log", &lines).await;
    let logs =
        |id: &str, container: &str, query: &str| format!("/device/v1/devices/{id}/{container}/logs{query}");
    let range = format!("?start={}&end={}", (NOON_S + 1) * 1000, (NOON_S + 2) * 1000);
    let mut shown = project.get(&logs(&gateway, "gate", &range)).await.ok();
    for line in shown.as_array_mut().unwrap() {
        assert!(line["ingestionTime"].as_i64().is_some_and(|ms| ms > NOON_S * 1000), "{line}");
        line.as_object_mut().unwrap().remove("ingestionTime");
    }
    assert_eq!(shown, json!([line(1, "LOG"), line(2, "ERR")]));
    let recent = project.get(&logs(&gateway, "gate", "")).await.body;
    assert_eq!((recent.as_array().map(Vec::len), &recent[0]["message"]), (Some(1), &json!("now")));
    assert_eq!(project.get(&logs(&gateway, "eclipse-mosquitto", "")).await.body, json!([]));
    let lone = json!({"errors": [{"msg": "Invalid value", "param": "end", "location": "query"}]});
    let unknown = json!({"errors": [
        {"value": "nginx", "msg": "Invalid value", "param": "containerId", "location": "params"}
    ]});
    for (path, status, expected) in [
        (logs(&gateway, "gate", "?start=1"), 400, lone),
        (logs(&gateway, "nginx", ""), 400, unknown),
        (logs(&sub, "gate", ""), 404, message("Not Found")),
        (logs("nowhere-1", "gate", ""), 404, message("Not Found")),
    ] {
        project.get(&path).await.is(status, &expected);
    }
}

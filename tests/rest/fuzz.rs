//! The answers are as the document says, whatever is sent: schemathesis sends what it allows and what it forbids.

use serde_json::{Value, json};

use super::hamachi::FakeHamachi;
use crate::ai::UploadForm;
use crate::support::{Server, assert_members, one_in, rows, run_python};

async fn server() -> (Server, FakeHamachi) {
    let hamachi = FakeHamachi::new();
    hamachi.set_output("do-join", "Joining plant one .. ok\n");
    hamachi.set_output("leave", "Leaving plant one .. ok\n");
    (Server::start(&[("BASALT_HAMACHI__COMMAND", &hamachi.command())]).await, hamachi)
}

/// Whether everything was asked, with at least so many requests, and nothing of it was our fault.
fn check(server: &Server, report: &Value, operations: usize, requests: u64) {
    let operations_report = &report["operations"];
    assert_members(operations_report, &json!({"tested": operations, "skipped": 0}));
    assert!(report["test_cases"]["generated"].as_u64() > Some(requests), "{}", report["test_cases"]);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let (server, _hamachi) = server().await;
    let document = server.client().get("/api/schema/").await.body;
    let paths = document["paths"].as_object().unwrap();
    // schemathesis leaves out the document itself. Tests of devices are left out: each would look for a host of a random
    // name for seconds.
    let paths = paths
        .iter()
        .filter(|(path, _)| !path.starts_with("/api/schema/") && !path.starts_with("/api/device/test/"));
    let (mut operations, mut requests) = (0, Vec::new());
    for (path, item) in one_in(4, paths) {
        operations += item.as_object().unwrap().len();
        requests.extend(["--include-path", path]);
    }
    let key = format!("Authorization: ApiKey {}", server.key);
    let args = ["--url", &server.url, "--config", "fuzz_rest.toml", "--header", &key];
    let report = run_python("fuzz_rest.py", &[&args[..], &requests[..]].concat()).await;
    check(&server, &report, operations, 375);
}

#[tokio::test]
async fn every_row_is_shown_as_the_document_says() {
    let (server, _hamachi) = server().await;
    let client = server.client();
    for (path, body) in [
        ("/api/device/", json!({"name": "Press", "protocol": "virtual"})),
        ("/api/data/", json!({"name": "Speed", "device": 1})),
        ("/api/data/1/statistic/", json!({"timestamp": 1_777_377_600, "mean": 1.5})),
        ("/api/data/1/value/", json!({"timestamp": 1_777_377_600, "value": 1.5})),
        ("/api/data/1/policy/retention/", json!({"drop_after_days": 36_500})),
        ("/api/retention/", json!({"hypertable": "core_value", "drop_after_days": 36_500})),
        ("/api/group/", json!({"name": "Line", "data": [1]})),
        ("/api/product/", json!({"name": "Sensor", "templates": [{"name": "t"}]})),
        ("/api/event-log/", json!({"kind": "alarm", "device": 1, "data": 1, "payload": {"a": [1]}})),
    ] {
        client.post(path, &body).await.created();
    }
    let made = UploadForm::for_source(1).upload(&client).await;
    let range = json!({"from": 1_777_377_600, "to": 1_777_377_660});
    client.post(&format!("/api/ai/model/{}/score/", made.model), &range).await.has(202, json!({"id": 1}));
    server.basalt(&["client", "create", "--api", "mk", "--name", "c"]).await.expect_success();
    let sue = server.person("sue", &["--superuser"]).await;
    let (cookies, token) =
        (format!("Cookie: {}", sue.cookies()), format!("X-CSRFToken: {}", sue.cookie("csrftoken")));
    // What makes or deletes rows, policies too, and what begins or ends a session, is left out; so are rows that are named by
    // UUIDs, which no configuration knows.
    let args = ["--url", &server.url, "--config", "fuzz_rows.toml", "--header", &cookies, "--header", &token];
    let left_out = rows![
        "--exclude-method"; "DELETE"; "--exclude-method"; "POST"; "--exclude-path-regex"; "retention|/.uuid";
    ];
    let document = client.get("/api/schema/").await.body;
    let paths = one_in(3, document["paths"].as_object().unwrap().keys());
    let included: Vec<&str> = paths.into_iter().flat_map(|path| ["--include-path", path]).collect();
    let report = run_python("fuzz_rest.py", &[&args[..], &left_out[..], &included[..]].concat()).await;
    let missing = &report["warnings"]["missing_test_data"];
    assert_eq!(missing, &json!([]), "rows that were not found");
    assert_eq!(report["warnings"]["missing_auth"], json!([]), "operations that were refused");
    check(&server, &report, report["operations"]["selected"].as_u64().unwrap() as usize, 65);
}

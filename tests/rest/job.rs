//! `/api/job/`: imports as jobs of their senders, who sees and ends them, and what a restart leaves. Jobs of models are in
//! tests/ai, those of exports in tests/mk.

use serde_json::{Value, json};

use super::{check_rows, matches};
use crate::support::{Client, Server, with};

const JOBS: &str = "/api/job/";

async fn create(client: &Client, body: Value) -> Value {
    let job = client.post(JOBS, &body).await;
    let location = path(&job.body);
    job.with_header("location", &location).created()
}

fn path(job: &Value) -> String {
    format!("{JOBS}{}/", job["id"])
}

/// The ids that a list shows.
async fn listed(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("{JOBS}{query}")).await.column("id")
}

/// An import that runs, as it is shown.
fn running(progress: f64) -> Value {
    json!({
        "id": "*", "uuid": "*", "kind": "import", "model": null, "export": null, "name": "a.csv", "size": 100, "unit": "rows",
        "state": "running", "progress": progress, "result": null, "error": null, "requested_by": "key:1",
        "created_at": "*", "started_at": "*", "ended_at": null,
    })
}

#[tokio::test]
async fn an_import_is_reported_by_its_sender() {
    let (_server, client) = Server::with_client(&[]).await;
    let new = json!({"kind": "import", "name": "a.csv", "size": 100, "unit": "rows"});
    let job = create(&client, new.clone()).await;
    assert!(matches(&job, &running(0.0)), "{job}");
    let one = path(&job);
    let body = json!({"state": "done", "result": {"rows": 100}, "started_at": "*", "ended_at": "*"});
    let done = with(running(1.0), body);
    let over = json!({"detail": "the job is done"});
    check_rows![&client;
        "progress", "PATCH", one.clone(), json!({"progress": 0.25}), 200, running(0.25);
        "nothing", "PATCH", one.clone(), json!({}), 200, running(0.25);
        "still_runs", "PATCH", one.clone(), json!({"state": "running", "progress": 0.5}), 200, running(0.5);
        "shown", "GET", one.clone(), Value::Null, 200, running(0.5);
        "done", "PATCH", one.clone(), json!({"state": "done", "result": {"rows": 100}}), 200, done.clone();
        "again", "PATCH", one.clone(), json!({"state": "done"}), 409, over.clone();
        "progress_of_the_past", "PATCH", one.clone(), json!({"progress": 0.5}), 409, over;
        "cancelled_too_late", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "as_it_was", "GET", one, Value::Null, 200, done;
    ];
    let failing = path(&create(&client, new.clone()).await);
    let failed = with(running(0.0), json!({"state": "failed", "error": "row 3: ts", "ended_at": "*"}));
    let report = json!({"state": "failed", "error": "row 3: ts"});
    let cancelled = path(&create(&client, new).await);
    let ended = with(running(0.0), json!({"state": "cancelled", "ended_at": "*"}));
    check_rows![&client;
        "failed", "PATCH", failing, report, 200, failed;
        "cancel", "DELETE", cancelled.clone(), Value::Null, 204, Value::Null;
        "cancelled", "GET", cancelled.clone(), Value::Null, 200, ended;
        "told_to_the_sender", "PATCH", cancelled, json!({"progress": 0.75}), 409, json!({"detail": "the job was cancelled"});
    ];
    let audit = client.get("/api/audit/?limit=100").await.body;
    let audit = audit.as_array().unwrap().iter().filter(|row| row["kind"] == "job");
    let actions: Vec<_> = audit.map(|row| (row["action"].clone(), row["fields"].clone())).collect();
    let created = (json!("create"), json!([]));
    assert_eq!(actions, [(json!("update"), json!(["state"])), created.clone(), created.clone(), created]);

    let one = path(&create(&client, json!({"kind": "import", "name": "a.csv"})).await);
    let new = |body: Value| with(json!({"kind": "import", "name": "a"}), body);
    let required = "This field is required.";
    check_rows![&client;
        "nothing", "POST", JOBS.to_owned(), json!({}), 400, json!({"kind": [required], "name": [required]});
        "another_kind", "POST", JOBS.to_owned(), new(json!({"kind": "score"})), 400,
            json!({"kind": ["\"score\" is not a valid choice."]});
        "no_name", "POST", JOBS.to_owned(), new(json!({"name": " "})), 400, json!({"name": ["This field may not be blank."]});
        "long_name", "POST", JOBS.to_owned(), new(json!({"name": "x".repeat(201)})), 400,
            json!({"name": ["Ensure this field has no more than 200 characters."]});
        "size_and_unit", "POST", JOBS.to_owned(), new(json!({"size": -1, "unit": "pages"})), 400,
            json!({ "size": ["Ensure this value is greater than or equal to 0."], "unit": ["\"pages\" is not a valid choice."], });
        "progress", "PATCH", one.clone(), json!({"progress": 1.5}), 400,
            json!({"progress": ["Ensure this value is less than or equal to 1."]});
        "state", "PATCH", one.clone(), json!({"state": "cancelled"}), 400,
            json!({"state": ["\"cancelled\" is not a valid choice."]});
        "result", "PATCH", one.clone(), json!({"state": "done", "result": {"text": "x".repeat(20_000)}}), 400,
            json!({"result": ["Ensure this field has no more than 16384 bytes of JSON."]});
        "still_running", "GET", one, Value::Null, 200, with(running(0.0), json!({"size": null, "unit": "bytes"}));
        "unknown_kind", "GET", format!("{JOBS}?kind=holiday&state=over"), Value::Null, 400,
            json!({ "kind": ["\"holiday\" is not a valid choice."], "state": ["\"over\" is not a valid choice."], });
    ];
}

#[tokio::test]
async fn a_list_is_newest_first_by_kind_state_and_page() {
    let (_server, client) = Server::with_client(&[]).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(create(&client, json!({"kind": "import", "name": name})).await["id"].as_i64().unwrap());
    }
    client.delete(&format!("{JOBS}{}/", ids[1])).await.expect(204);
    let rows: [(&str, Vec<i64>); 6] = [
        ("", vec![ids[2], ids[1], ids[0]]),
        ("?kind=import&state=running", vec![ids[2], ids[0]]),
        ("?state=cancelled", vec![ids[1]]),
        ("?kind=export", vec![]),
        ("?limit=1&offset=1", vec![ids[1]]),
        ("?state=running&limit=1&offset=1", vec![ids[0]]),
    ];
    for (query, expected) in rows {
        assert_eq!(listed(&client, query).await, expected, "{query}");
    }
    let shown = client.sql("SELECT name, state, requested_by, export FROM jobs ORDER BY id DESC").await;
    let row = |name: &str, state: &str| json!({"name": name, "state": state, "requested_by": "key:1", "export": null});
    assert_eq!(shown, [row("c", "running"), row("b", "cancelled"), row("a", "running")]);
    let query = "{ jobs(first: 1, state: \"running\") { totalCount edges { node { rowId name } } pageInfo { endCursor } } }";
    let answer = client.post("/graphql", &json!({"query": query})).await.body;
    let page = &answer["data"]["jobs"];
    assert_eq!(page["totalCount"], 2, "{answer}");
    assert_eq!(page["edges"], json!([{"node": {"rowId": ids[2], "name": "c"}}]), "{answer}");
    let query = format!(
        "{{ jobs(after: {}) {{ edges {{ node {{ name state }} }} }} }}",
        page["pageInfo"]["endCursor"]
    );
    let answer = client.post("/graphql", &json!({"query": query})).await.body;
    let rest =
        json!([{"node": {"name": "b", "state": "cancelled"}}, {"node": {"name": "a", "state": "running"}}]);
    assert_eq!(answer["data"]["jobs"]["edges"], rest, "{answer}");
    let cancel = format!("mutation {{ cancelJob(rowId: {}) {{ deletedRowId errors {{ code }} }} }}", ids[0]);
    let answer = client.post("/graphql", &json!({"query": cancel})).await.body;
    assert_eq!(answer["data"]["cancelJob"], json!({"deletedRowId": ids[0], "errors": []}), "{answer}");
    assert_eq!(listed(&client, "?state=running").await, [ids[2]]);
}

#[tokio::test]
async fn an_import_is_seen_by_its_sender_and_by_readers_of_the_system() {
    let server = Server::start_with_org("plant-2").await;
    let device = super::stream_of(&server.client(), "s", "fp64").await.0.to_string();
    let key = async |args: &[&str]| server.client_with(args).await;
    let sender = key(&["--scope", "value:write"]).await;
    let job = create(&sender, json!({"kind": "import", "name": "a.csv"})).await;
    let one = path(&job);
    // Name, caller, and the answers to GET, PATCH and DELETE; whoever sees it sees it in the list.
    for (name, client, expected) in [
        ("another_sender", key(&["--scope", "value:write"]).await, [404, 404, 404]),
        ("restricted", key(&["--device", device.as_str()]).await, [404, 404, 404]),
        ("foreign", key(&["--org", "plant-2"]).await, [404, 404, 404]),
        ("reader_of_values", key(&["--scope", "value:read"]).await, [404, 403, 403]),
        ("reader_of_the_system", key(&["--scope", "system:read"]).await, [200, 403, 403]),
        ("reader_of_devices", key(&["--scope", "device:read"]).await, [403, 403, 403]),
        ("sender", sender.clone(), [200, 200, 204]),
    ] {
        let got = [
            client.get(&one).await.status,
            client.patch(&one, &json!({"progress": 0.5})).await.status,
            client.delete(&one).await.status,
        ];
        assert_eq!(got, expected, "{name}");
        let (status, jobs) = client.get(JOBS).await.outcome();
        let is_listed = status == 200 && jobs.as_array().is_some_and(|jobs| !jobs.is_empty());
        assert_eq!(is_listed, expected[0] == 200, "{name}: {jobs}");
    }
    assert_eq!(sender.get(&one).await["state"], "cancelled");
}

#[tokio::test]
async fn an_import_outlives_a_restart_of_the_server() {
    let (mut server, client) = Server::with_client(&[]).await;
    let one = path(&create(&client, json!({"kind": "import", "name": "a.csv"})).await);
    client.patch(&one, &json!({"progress": 0.5})).await.ok();
    server.restart().await;
    let client = server.client();
    client.get(&one).await.about("stored at the end").has(200, json!({"state": "running", "progress": 0.5}));
    server.crash().await;
    let client = server.client();
    client.patch(&one, &json!({"state": "done"})).await.has(200, json!({"state": "done", "progress": 1.0}));
}

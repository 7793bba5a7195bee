//! `/api/system/` and `/api/query/`: the server itself, and the queries that run in it, by REST, GraphQL and /metrics.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Row, check, matches};
use crate::support::{Answer, Client, Server, assert_members, column, eventually, until};

/// It waits for its input again and again, so that it yields.
const ENDLESS: &str =
    "SELECT count(*) FROM generate_series(1, 10000) a JOIN generate_series(1, 1000000000000) b ON a = b";
/// It computes without ever waiting.
const COMPUTING: &str =
    "SELECT count(*) FROM generate_series(1, 1000) a, generate_series(1, 1000000000) b WHERE a * b < 0";

/// Queries end by being cancelled, on slow machines too.
const PATIENT: (&str, &str) = ("BASALT_LIMITS__QUERY_TIMEOUT", "10m");

const QUERIES: &str =
    "{ runningQueries { id caller surface startedAt elapsedMs rows memoryBytes text own } }";

async fn graph(client: &Client, query: &str) -> Value {
    client.post("/graphql", &json!({ "query": query })).await.body
}

async fn system(client: &Client) -> Value {
    client.get("/api/system/").await.ok()
}

/// The value of a sample of /metrics.
fn sample(page: &Value, name: &str) -> f64 {
    let page = page.as_str().expect("text");
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().expect("a number")
}

#[tokio::test]
async fn the_server_says_what_it_holds() {
    let (_server, client) = Server::with_client(&[]).await;
    let before = system(&client).await;
    let shape = json!({
        "version": env!("CARGO_PKG_VERSION"), "started_at": "*", "uptime_seconds": "*",
        "organization": {"devices": 0, "streams": 0, "running_queries": 0, "lake_bytes": 0},
        "server": {
            "disk": {"total_bytes": "*", "used_bytes": "*", "free_bytes": "*"},
            "log": {"bytes": "*", "segments": "*"},
            "memtable": {"readings": 0, "used_bytes": "*", "limit_bytes": "*", "flush_lag_seconds": 0.0},
            "lake": "*",
            "memory": {
                "resident_bytes": "*", "large_body_limit_bytes": "*", "address_space_limit_bytes": "*", "budgets": "*"
            },
            "connections": "*", "running_queries": 0, "clock_ahead_seconds": 0.0,
        },
    });
    assert!(matches(&before, &shape), "{before}");
    let tables = column(&before["server"]["lake"], "table");
    assert_eq!(tables, ["readings", "statistics", "messages", "statistics_hourly"]);

    client.post("/api/device/", &json!({"name": "Press", "protocol": "virtual"})).await.created();
    client.post("/api/data/", &json!({"name": "Speed", "device": 1})).await.created();
    for ts in 0..3 {
        let body = json!({"timestamp": 1_777_377_600 + ts, "value": 1.5});
        client.post("/api/data/1/value/", &body).await.created();
    }
    let after = system(&client).await;
    assert_eq!(after["started_at"], before["started_at"]);
    let number = |of: &Value, path: &str| of.pointer(path).and_then(Value::as_f64).unwrap();
    assert!(number(&after, "/uptime_seconds") > number(&before, "/uptime_seconds"));
    assert_members(&after, &json!({"/organization/devices": 1, "/organization/streams": 1}));
    assert_eq!(after["server"]["memtable"]["readings"], 3, "{after}");
    assert!(number(&after, "/server/memtable/flush_lag_seconds") > 0.0, "{after}");
    assert!(number(&after, "/server/log/bytes") > number(&before, "/server/log/bytes"), "{after}");
    let [total, used, free] =
        ["total", "used", "free"].map(|n| number(&after, &format!("/server/disk/{n}_bytes")));
    assert!(free > 0.0 && used + free <= total, "{after}");
    let http = after["server"]["connections"].as_array().unwrap().iter().find(|c| c["listener"] == "http");
    assert!(http.is_some_and(|http| http["open"].as_u64() >= Some(1)), "{after}");
    let budgets = column(&after["server"]["memory"]["budgets"], "budget");
    assert!(["bodies", "queries", "memtable"].iter().all(|name| budgets.contains(&json!(name))), "{after}");
}

#[tokio::test]
async fn rows_that_are_flushed_are_in_files_and_no_longer_wait() {
    let (_server, client) = Server::with_client(&[("BASALT_FLUSH__AGE", "200ms")]).await;
    for (path, body) in [
        ("/api/device/", json!({"name": "Press", "protocol": "virtual"})),
        ("/api/data/", json!({"name": "Speed", "device": 1})),
        ("/api/data/1/value/", json!({"timestamp": 1_777_377_600, "value": 1.5})),
    ] {
        client.post(path, &body).await.created();
    }
    let flushed = until!("the row is in a file", Duration::from_secs(60);
        now = system(&client).await; now["server"]["lake"][0]["rows"] == 1);
    let server_now = &flushed["server"];
    assert_members(server_now, &json!({"/memtable/readings": 0, "/memtable/flush_lag_seconds": 0.0}));
    let readings = &server_now["lake"][0];
    assert_members(readings, &json!({"files": 1, "days": 1, "merge_lag_files": 0}));
    // Statistics are computed and flushed at any time.
    let share = flushed["organization"]["lake_bytes"].as_u64();
    assert!(share >= readings["bytes"].as_u64() && share > Some(0), "the organization is alone: {flushed}");

    let query = "{ system { version startedAt organization { devices streams runningQueries }
        server { disk { totalBytes } log { segments } memtable { readings flushLagSeconds limitBytes }
                 lake { table files bytes rows days mergeLagFiles }
                 memory { largeBodyLimitBytes addressSpaceLimitBytes budgets { budget limitBytes } }
                 connections { listener limit } runningQueries } } }";
    let answer = graph(&client, query).await;
    let (graph, bytes) = (&answer["data"]["system"], readings["bytes"].clone());
    assert_eq!(graph["startedAt"], flushed["started_at"], "{answer}");
    assert_eq!(graph["organization"], json!({"devices": 1, "streams": 1, "runningQueries": 0}), "{answer}");
    let first =
        json!({"table": "readings", "files": 1, "bytes": bytes, "rows": 1, "days": 1, "mergeLagFiles": 0});
    assert_eq!(graph["server"]["lake"][0], first, "{answer}");
    assert_eq!(graph["server"]["memtable"]["limitBytes"], server_now["memtable"]["limit_bytes"], "{answer}");

    let page = client.get("/metrics").await.body;
    for (name, pointer) in [
        ("basalt_lake_files{table=\"readings\"}", "/lake/0/files"),
        ("basalt_lake_bytes{table=\"readings\"}", "/lake/0/bytes"),
        ("basalt_merge_lag_files{table=\"readings\"}", "/lake/0/merge_lag_files"),
        ("basalt_flush_lag_seconds", "/memtable/flush_lag_seconds"),
        ("basalt_disk_size_bytes", "/disk/total_bytes"),
        ("basalt_log_segments", "/log/segments"),
        ("basalt_queries_running", "/running_queries"),
    ] {
        let expected = server_now.pointer(pointer).and_then(Value::as_f64);
        assert_eq!(Some(sample(&page, name)), expected, "{name}");
    }
}

#[tokio::test]
async fn facts_of_the_whole_server_are_for_those_who_see_the_machine() {
    let (server, client) = Server::with_client(&[]).await;
    for name in ["a", "b"] {
        client.post("/api/device/", &json!({"name": name, "protocol": "virtual"})).await.created();
    }
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let keys: [(&str, &[&str], bool, Value); 3] = [
        ("scope", &["--scope", "system:read"], true, json!({"devices": 2, "lake_bytes": 0})),
        ("restricted", &["--device", "1"], false, json!({"devices": 1, "lake_bytes": null})),
        ("other", &["--org", "other"], false, json!({"devices": 0, "lake_bytes": 0})),
    ];
    for (name, args, sees_server, expected) in keys {
        let client = server.client_with(args).await;
        let shown = system(&client).await;
        assert_eq!(shown["server"].is_object(), sees_server, "{name}: {shown}");
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&shown["organization"][field], value, "{name}: {shown}");
        }
        let graph = graph(&client, "{ system { server { runningQueries } } }").await;
        assert_eq!(graph["data"]["system"]["server"].is_object(), sees_server, "{name}: {graph}");
    }
    let values = server.client_with(&["--scope", "value:read"]).await;
    values.get("/api/system/").await.expect(403);
    let refused = graph(&values, "{ system { version } }").await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
}

/// Runs a statement that takes long, and waits until it is listed.
async fn start(client: &Client, query: &'static str) -> (tokio::task::JoinHandle<Answer>, Value) {
    let asker = client.clone();
    let asking = tokio::spawn(async move { asker.try_sql(query).await });
    let listed = eventually("the query is listed", Duration::from_secs(60), || async {
        let queries = client.get("/api/query/").await.ok();
        queries.as_array().unwrap().iter().find(|one| one["text"] == query).cloned()
    })
    .await;
    (asking, listed)
}

fn path(query: &Value) -> String {
    format!("/api/query/{}/", query["id"].as_str().unwrap())
}

/// The outcomes in the log of queries with this surface, other than the one that asks.
async fn cancelled(client: &Client) -> Value {
    let query = "SELECT count(*) AS n FROM query_log WHERE outcome = 'cancelled'";
    client.sql(query).await[0]["n"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_is_listed_and_cancelled_by_its_caller() {
    let (_server, client) = Server::with_client(&[PATIENT]).await;
    for (at, query) in [ENDLESS, COMPUTING].into_iter().enumerate() {
        let (asking, listed) = start(&client, query).await;
        let shape = json!({
            "id": "*", "caller": "key:1", "surface": "sql", "started_at": "*", "elapsed_ms": "*", "rows": 0,
            "memory_bytes": "*", "text": query, "own": true,
        });
        assert!(matches(&listed, &shape), "{listed}");
        let answer = graph(&client, QUERIES).await;
        let same = json!({"id": listed["id"], "text": listed["text"], "own": true});
        assert_members(&answer["data"]["runningQueries"][0], &same);
        if at == 0 {
            client.delete(&path(&listed)).await.expect(204);
        } else {
            let mutation =
                format!("mutation {{ cancelQuery(id: {}) {{ cancelled errors {{ code }} }} }}", listed["id"]);
            let done = graph(&client, &mutation).await;
            assert_eq!(done["data"]["cancelQuery"], json!({"cancelled": true, "errors": []}), "{done}");
        }
        asking.await.unwrap().has(409, json!({"detail": "the query was cancelled"}));
        check(&client, vec![gone("again", &path(&listed))]).await;
        assert_eq!(client.get("/api/query/").await.body, json!([]));
        assert_eq!(cancelled(&client).await, json!(at + 1), "{query}");
        until!("its place is free", Duration::from_secs(60);
            system(&client).await["server"]["running_queries"] == 0);
    }
    let again = graph(&client, "mutation { cancelQuery(id: \"none\") { cancelled errors { code } } }").await;
    let expected = json!({"cancelled": false, "errors": [{"code": "NOT_FOUND"}]});
    assert_eq!(again["data"]["cancelQuery"], expected, "{again}");
    check(&client, vec![gone("no UUID", "/api/query/none/")]).await;
}

fn gone(name: &'static str, path: &str) -> Row {
    (name, "DELETE", path.to_owned(), Value::Null, 404, "*".into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_of_others_are_seen_and_cancelled_by_those_who_may() {
    let (server, owner) = Server::with_client(&[PATIENT]).await;
    owner.post("/api/device/", &json!({"name": "a", "protocol": "virtual"})).await.created();
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let asker = server.client_with(&["--scope", "value:read"]).await;
    let (asking, listed) = start(&asker, ENDLESS).await;
    assert!(listed["memory_bytes"].is_u64(), "an unrestricted key of the default organization sees it");
    let others: [(&str, &[&str], bool, u16); 4] = [
        ("another key without the scope", &["--scope", "value:write"], false, 404),
        ("restricted", &["--device", "1"], false, 404),
        ("of another organization", &["--org", "other"], false, 404),
        ("that may see", &["--scope", "system:read"], true, 403),
    ];
    for (name, args, sees, status) in others {
        let other = server.client_with(args).await;
        let queries = other.get("/api/query/").await.body;
        let texts: Vec<_> = queries.as_array().unwrap().iter().map(|query| &query["text"]).collect();
        assert_eq!(texts.contains(&&json!(ENDLESS)), sees, "{name}: {queries}");
        assert!(queries.as_array().unwrap().iter().all(|query| query["own"] == false), "{name}: {queries}");
        let shown = graph(&other, QUERIES).await;
        assert_eq!(shown.to_string().contains("generate_series"), sees, "{name}: {shown}");
        other.delete(&path(&listed)).await.about(&name).expect(status);
    }
    assert!(!asking.is_finished(), "nobody has cancelled it");
    server.client_with(&["--scope", "system:write"]).await.delete(&path(&listed)).await.expect(204);
    assert_eq!(asking.await.unwrap().status, 409);
    let rows = owner.sql("SELECT action, kind FROM audit_log WHERE kind = 'query'").await;
    assert_eq!(rows, [json!({"action": "delete", "kind": "query"})], "only that of another is audited");
}

//! Hostile input: one organization against another's share of kept state.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::AttackedServer;
use crate::support::Client;

/// Bytes of an owner's object that are accepted, and some that are not.
const LONG: usize = 60_000;
const TOO_LONG: usize = 9 << 20;

/// A key of an organization beside the healthy client's.
async fn other_organization(attacked: &AttackedServer) -> Client {
    attacked.server.basalt(&["org", "create", "hostile"]).await.expect_success();
    attacked.server.client_with(&["--org", "hostile"]).await
}

fn object(bytes: usize) -> Value {
    json!({ "a": "x".repeat(bytes) })
}

/// Asks many times at once; every answer has to be 200. Whoever asks does not keep what is answered.
async fn ask_at_once(client: &Client, paths: &[&str], times: usize) {
    let mut tasks = JoinSet::new();
    for path in paths.iter().cycle().take(paths.len() * times) {
        let (client, path) = (client.clone(), (*path).to_owned());
        tasks.spawn(async move {
            let (status, body) = client.send_bytes("GET", &path, &[], "").await.outcome();
            (path, status, body.len())
        });
    }
    while let Some(answer) = tasks.join_next().await {
        let (path, status, length) = answer.unwrap();
        assert_eq!(status, 200, "{path}");
        assert!(length > 10 * LONG, "{path}: {length} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_metadata_is_refused_and_lists_do_not_multiply_what_is_kept() {
    let attacked = AttackedServer::start(&[]).await;
    let hostile = other_organization(&attacked).await;
    let device = hostile.post("/api/device/", &json!({"name": "own", "protocol": "virtual"})).await.created();
    let long = object(TOO_LONG);
    for (path, field, body) in [
        ("/api/device/", "metadata", json!({"name": "d", "protocol": "virtual", "metadata": long})),
        ("/api/data/", "metadata", json!({"name": "s", "device": device["id"], "metadata": long})),
        ("/api/event-log/", "payload", json!({"kind": "note", "payload": long})),
    ] {
        let (status, answer) = hostile.post(path, &body).await.outcome();
        let message = answer[field][0].as_str().unwrap_or_default().to_owned();
        assert!(status == 400 && message.contains("65536"), "{path}: {status} {answer}");
    }
    let mut made = JoinSet::new();
    for n in 0..150 {
        let hostile = hostile.clone();
        made.spawn(async move {
            let device = json!({"name": format!("d{n}"), "protocol": "virtual", "metadata": object(LONG)});
            let event = json!({"kind": "note", "payload": object(LONG)});
            let (device, event) =
                (hostile.post("/api/device/", &device).await, hostile.post("/api/event-log/", &event).await);
            (device.status, event.status)
        });
        // No more at once than a client would have connections.
        if made.len() == 8 {
            assert_eq!(made.join_next().await.unwrap().unwrap(), (201, 201));
        }
    }
    while let Some(made) = made.join_next().await {
        assert_eq!(made.unwrap(), (201, 201));
    }
    let paths = [
        "/api/device/?limit=1000",
        "/api/event-log/?limit=1000",
        "/sql?q=SELECT%20metadata%20FROM%20devices",
        "/sql?q=SELECT%20payload%20FROM%20events",
    ];
    ask_at_once(&hostile, &paths, 4).await;
    // 9 MB of each kind are kept, and 16 answers of as much each are on their way.
    attacked.finish_below(500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_has_all_it_may_have_stops_nobody_else() {
    let limits = [("BASALT_LIMITS__DEVICES", "20"), ("BASALT_LIMITS__ORGANIZATION_MEMORY", "1MB")];
    let attacked = AttackedServer::start(&limits).await;
    let hostile = other_organization(&attacked).await;
    let (mut made, mut refused) = (0, Vec::new());
    for n in 0..30 {
        // Long ones first: these are refused by what they take, then short ones by their number.
        let metadata = object(if n < 20 { LONG } else { 10 });
        let body = json!({"name": format!("d{n}"), "protocol": "virtual", "metadata": metadata});
        match hostile.post("/api/device/", &body).await.outcome() {
            (201, _) => made += 1,
            (status, answer) => refused.push((status, answer["detail"].as_str().unwrap().to_owned())),
        }
    }
    assert_eq!(made, 20);
    assert!(refused.iter().all(|(status, _)| *status == 403), "{refused:?}");
    for setting in ["limits.organization_memory", "limits.devices"] {
        assert!(refused.iter().any(|(_, message)| message.contains(setting)), "{setting}: {refused:?}");
    }
    let body = json!({"name": "another", "protocol": "virtual", "metadata": object(LONG)});
    attacked.server.client().post("/api/device/", &body).await.created();
    attacked.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_server_are_for_who_may_read_the_machine() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let with = async |args: &[&str]| attacked.server.client_with(args).await;
    let device = client.post("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await.created();
    attacked.server.basalt(&["org", "create", "hostile"]).await.expect_success();
    let reader = with(&["--scope", "value:read"]).await;
    let refused = [
        ("without the scope", reader.clone()),
        ("of a device", with(&["--scope", "system:read", "--device", &device["id"].to_string()]).await),
        ("of another organization", with(&["--scope", "system:read", "--org", "hostile"]).await),
    ];
    let system = with(&["--scope", "system:read"]).await;
    let statements = [
        "SELECT * FROM information_schema.df_settings",
        "SELECT count(*) FROM basalt.information_schema.df_settings WHERE value LIKE '/%'",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM information_schema.df_settings WHERE value LIKE '/%')",
        "WITH s AS (SELECT value FROM information_schema.df_settings) SELECT count(*) FROM s UNION ALL SELECT 1",
        "EXPLAIN SELECT * FROM information_schema.df_settings",
        "SHOW ALL",
        "SHOW datafusion.runtime.temp_directory",
    ];
    for statement in statements {
        for (who, client) in &refused {
            let answer = client.try_sql(statement).await.about(who);
            answer.refused(403, "system:read, in the default organization");
        }
        system.try_sql(statement).await.ok();
    }
    // What is no secret stays.
    for statement in
        ["SHOW TABLES", "SHOW COLUMNS FROM readings", "SELECT table_name FROM information_schema.tables"]
    {
        reader.try_sql(statement).await.refused(200, "readings");
    }
    attacked.finish().await;
}

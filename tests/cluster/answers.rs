//! Every node answers what the ingest node would answer, from the acknowledgement of a change on, or refuses.

use std::time::Duration;

use serde_json::json;

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Cluster, sized, until};
use crate::tools::wire::PgClient;

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;

/// Whether a node reaches what it needs.
const READY: &str = "/readyz/?checks=db,poller";

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a node stands still with a question, and once beyond the lease of its entry among the nodes, which is 10 s.
const STANDSTILL: Duration = Duration::from_millis(200);
const LONG_STANDSTILL: Duration = Duration::from_secs(11);

async fn write(client: &Client, stream: i64, second: i64, value: i64) {
    let line = json!({"stream_id": stream, "ts": NOON + second, "value": value}).to_string();
    client.ingest(NDJSON, line).await.ok();
}

/// The server's flushes go on meanwhile, and every fourth round writes over a row of before.
#[tokio::test]
async fn a_write_is_in_every_nodes_next_answer() {
    let cluster =
        Cluster::start(&[("BASALT_FLUSH__AGE", "50ms"), ("BASALT_COMPACTION__INTERVAL", "1s")]).await;
    let nodes = [cluster.query_node(&[]).await, cluster.query_node(&[]).await];
    let clients = [cluster.ingest.client(), nodes[0].client(), nodes[1].client()];
    let (_, stream) = stream_of(&clients[1], "speed", "fp64").await;
    let (mut rows, mut sum) = (0, 0);
    for round in 0..sized(10, 10_000) {
        let is_again = round % 4 == 3;
        // Whoever is asked to write hands it on.
        let writer = &clients[usize::try_from(round % 3).unwrap()];
        let second = if is_again { round - 1 } else { round };
        write(writer, stream, second, round).await;
        (rows, sum) = if is_again { (rows, sum + 1) } else { (rows + 1, sum + round) };
        for (node, client) in clients.iter().enumerate() {
            let query = "SELECT count(*) AS n, CAST(round(sum(value)) AS bigint) AS sum FROM readings";
            let found = client.sql(query).await;
            assert_eq!(found, [json!({"n": rows, "sum": sum})], "round {round}, node {node}");
        }
    }
    assert_eq!(clients[2].sql("SELECT count(*) AS n FROM streams").await, [json!({"n": 1})]);
}

/// Every node says the same of what is in memory only, and of what is counted.
#[tokio::test]
async fn every_node_says_the_same_of_what_only_the_ingest_node_knows() {
    let cluster = Cluster::start(&[]).await;
    let node = cluster.query_node(&[]).await;
    let (owner, client) = (cluster.ingest.client(), node.client());
    let (_, stream) = stream_of(&owner, "speed", "fp64").await;
    stream_of(&owner, "idle", "fp64").await;
    for second in 0..100 {
        write(&owner, stream, second * 60, second).await;
    }
    let statements = [
        "SELECT * FROM latest ORDER BY stream_id",
        "SELECT id, name, state, last_seen, last_error FROM devices ORDER BY id",
        "SELECT * FROM core_device ORDER BY id",
        "SELECT * FROM mqtt_sessions",
        "SELECT * FROM streams ORDER BY id",
        "SELECT * FROM events ORDER BY id",
        "SELECT name FROM products ORDER BY name",
        "SELECT stream_id, ts, count, mean FROM statistics ORDER BY ts",
        "SELECT stream_id, value FROM readings ORDER BY ts DESC LIMIT 3",
        "SELECT time_bucket('1 hour', ts) AS hour, avg(value) AS mean FROM readings GROUP BY 1 ORDER BY 1",
    ];
    for flushed in [false, true] {
        for statement in statements {
            let (expected, found) = (owner.try_sql(statement).await, client.try_sql(statement).await);
            assert_eq!(expected.status, 200, "{statement}: {}", expected.body);
            assert_eq!((found.status, &found.body), (200, &expected.body), "{statement}, flushed: {flushed}");
        }
        cluster.ingest.basalt(&["compact"]).await.expect_success();
    }
    // Without rights it is the same error, in the same words.
    let key = cluster.ingest.create_key(&["--scope", "value:read"]).await;
    for statement in ["SELECT * FROM devices", "SELEC 1", "SELECT * FROM nothing"] {
        let expected = owner.with_key(&key).try_sql(statement).await;
        let found = client.with_key(&key).try_sql(statement).await;
        assert_eq!((found.status, found.body), (expected.status, expected.body), "{statement}");
    }
}

async fn count(client: &Client) -> u16 {
    client.try_sql("SELECT count(*) FROM readings").await.status
}

/// The statuses of answers in SQL, REST and GraphQL.
async fn statuses(client: &Client) -> [u16; 3] {
    let graph = client.post("/graphql", &json!({"query": "{ streams { totalCount } }"})).await.status;
    [count(client).await, client.get("/api/value/").await.status, graph]
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_every_node_when_that_is_answered() {
    let cluster = Cluster::start(&[]).await;
    let nodes = [cluster.query_node(&[]).await, cluster.query_node(&[]).await];
    for round in 0..5 {
        let key = cluster.ingest.create_key(&["--scope", "value:read", "--scope", "data:read"]).await;
        let clients: Vec<Client> = nodes.iter().map(|node| node.client().with_key(&key)).collect();
        for client in &clients {
            assert_eq!(statuses(client).await, [200; 3], "round {round}: a new key counts at once");
        }
        // A node that stands still learns nothing, and knows nothing of it when it goes on.
        nodes[1].signal("STOP");
        // The bootstrap key is the first.
        let id = (round + 2).to_string();
        cluster.ingest.basalt(&["key", "revoke", &id]).await.expect_success();
        // A question waits in its socket, so that it is the first thing that the node sees when it wakes.
        let (answer, ()) = tokio::join!(count(&clients[1]), async {
            tokio::time::sleep(if round == 0 { LONG_STANDSTILL } else { STANDSTILL }).await;
            nodes[1].signal("CONT");
        });
        assert_eq!(answer, 401, "round {round}: asked of a node that stood still");
        for client in &clients {
            assert_eq!(statuses(client).await, [401; 3], "round {round}");
        }
    }
}

/// A statement that answers from what the node has by itself, so that nothing but the check of the key can refuse it.
#[tokio::test]
async fn a_statement_that_is_executed_later_is_refused_once_its_key_is_revoked() {
    let cluster = Cluster::start(&[]).await;
    let node = cluster.query_node(&[("BASALT_PG_LISTEN", "127.0.0.1:0")]).await;
    for round in 0..5 {
        let key = cluster.ingest.create_key(&["--scope", "value:read"]).await;
        let mut pg = PgClient::connect(&node.pg_address(), &key).await.unwrap();
        let rows = pg.query_with_params("SHOW server_version", &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "round {round}: parsed and executed at once");
        pg.parse("later", "SHOW server_version", &[]).await;
        pg.send('S', b"").await;
        pg.until_ready().await.unwrap();
        // The bootstrap key is the first.
        let id = (round + 2).to_string();
        cluster.ingest.basalt(&["key", "revoke", &id]).await.expect_success();
        pg.bind("", "later", [0, 0], &[]).await;
        pg.execute("", 0).await;
        pg.send('S', b"").await;
        let refusal = pg.until_ready().await.unwrap_err();
        assert_eq!(refusal.code, "28P01", "round {round}: {refusal:?}");
    }
}

#[tokio::test]
async fn without_its_owner_a_node_refuses_rather_than_leaves_rows_out() {
    let mut cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let node = cluster.query_node(&[]).await;
    let client = node.client();
    let (_, stream) = stream_of(&client, "speed", "fp64").await;
    for second in 0..20 {
        write(&client, stream, second, second).await;
    }
    let all = || async { client.sql("SELECT count(*) AS n, max(value) AS most FROM readings").await };
    let expected = [json!({"n": 20, "most": 19.0})];
    assert_eq!(all().await, expected, "none of them is in the lake");
    client.get(READY).await.ok();

    cluster.ingest.kill();
    let answer = client.try_sql("SELECT count(*) FROM readings").await.expect(503);
    assert!(answer.to_string().contains("ingest node"), "it is said whose rows are missing: {answer}");
    for path in ["/api/data/", "/api/value/", READY] {
        client.get(path).await.expect(503);
    }
    client.get("/healthz/").await.about("the node itself lives").ok();

    cluster.ingest.start_again().await;
    assert_eq!(all().await, expected, "from the log");
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    assert_eq!(all().await, expected, "from the lake");
}

/// Files that were merged away stay as long as a query may read them, also over a restart of the ingest node.
#[tokio::test]
async fn no_node_loses_a_file_that_it_may_read() {
    let env = [
        ("BASALT_FLUSH__AGE", "50ms"),
        ("BASALT_LAKE__KEEP_REMOVED", "30s"),
        ("BASALT_LIMITS__QUERY_TIMEOUT", "30s"),
    ];
    let mut cluster = Cluster::start(&env).await;
    let client = cluster.ingest.client();
    let (_, stream) = stream_of(&client, "speed", "fp64").await;
    let files = || async {
        let objects = cluster.store.objects("lake/readings/").await;
        objects.into_iter().filter(|name| name.ends_with(".parquet")).collect::<Vec<_>>()
    };
    for second in 0..3 {
        write(&client, stream, second, second).await;
        until!("a flush", EVENT_TIMEOUT; files().await.len() > usize::try_from(second).unwrap());
    }
    let before = files().await;
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    let merged = files().await;
    assert!(before.iter().all(|name| merged.contains(name)), "{before:?}, then {merged:?}");
    cluster.ingest.restart().await;
    let objects = cluster.store.objects("lake/readings/").await;
    let is_kept = before.iter().all(|name| objects.contains(name));
    assert!(is_kept, "after a restart: {before:?}, then {objects:?}");
}

//! Rollups on several nodes: averages by time that statistics answer, partly or wholly.

use serde_json::{Value, json};

use super::spread::{counted, grow, spread, wait_for_tasks, write};
use crate::rest::stream_of;
use crate::support::{Client, Cluster, has_turn, sized};

/// 2026-04-28T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_777_334_400;
const DAYS: i64 = 4;
/// A reading each 100 s.
const ROWS_A_DAY: i64 = 864;

/// Statements that statistics answer, over enough windows that several threads read them.
const ROLLUPS: [&str; 14] = [
    "SELECT count(*) AS n, min(value) AS low, max(value) AS high, avg(value) AS mean FROM readings",
    "SELECT stream_id, count(*) AS n, avg(value) AS mean, max(value) AS high FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT time_bucket('1 day', ts) AS day, stream_id, count(*) AS n, count(value) AS numbers, min(value) AS low, max(value) AS high FROM readings GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT time_bucket('1 day', ts) AS day, avg(value) AS mean, count(*) AS n FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT time_bucket('1 hour', ts) AS hour, stream_id, avg(value) AS mean, sum(value) AS sum, rms(value) AS rms FROM readings GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT time_bucket('7 minutes', ts) AS t, avg(value) AS mean FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT date_trunc('month', ts) AS month, sum(value) AS sum FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT time_bucket('1 day', ts, 'Europe/Berlin') AS day, stream_id, avg(value) AS mean FROM readings GROUP BY 1, 2 ORDER BY 1, 2",
    // Ranges that begin and end within a window.
    "SELECT time_bucket('1 day', ts) AS day, stream_id, avg(value) AS mean, count(*) AS n FROM readings WHERE ts >= '2026-04-28T07:13:20.5Z' GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT time_bucket('15 minutes', ts) AS t, avg(value) AS mean FROM readings WHERE ts >= '2026-04-28T10:07:10Z' AND ts < '2026-05-02T11:11:11Z' GROUP BY 1 ORDER BY 1",
    "SELECT time_bucket('1 day', ts) AS day, avg(value) AS mean FROM readings WHERE ts < '2026-04-30T01:02:03Z' AND stream_id IN (1, 3) GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, time_bucket('1 hour', ts) AS hour, max(value) AS high FROM readings GROUP BY 1, 2 ORDER BY high DESC, stream_id, hour LIMIT 10",
    "SELECT stream_id, time_bucket('1 day', ts) AS day, sum(value) AS sum FROM readings GROUP BY 1, 2 HAVING count(*) > 400 ORDER BY 1, 2",
    "SELECT count(*) AS hours, max(mean) AS most FROM (SELECT stream_id, time_bucket('1 hour', ts) AS hour, avg(value) AS mean FROM readings GROUP BY 1, 2) AS hourly",
];

/// Statements by time that only readings answer.
const RAW: [&str; 2] = [
    "SELECT time_bucket('1 day', ts) AS day, stream_id, first(value, ts) AS first, last(value, ts) AS last FROM readings GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT time_bucket('1 day', ts) AS day, stream_id, median(value) AS middle FROM readings GROUP BY 1, 2 ORDER BY 1, 2",
];

/// The statistics of one stream are a task for one node.
const OF_ONE_STREAM: &str = "SELECT time_bucket('1 hour', ts) AS hour, avg(value) AS mean FROM readings WHERE stream_id = 2 GROUP BY 1 ORDER BY 1";

/// Streams over days with statistics; rows that came late, with and without; a day without statistics; and statistics that were
/// posted. Another organization has rows in the same files.
async fn fill(cluster: &Cluster, client: &Client) {
    cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let other = cluster.ingest.client_with(&["--org", "other"]).await;
    let mut streams = Vec::new();
    for name in ["a", "b", "c", "d"] {
        streams.push(stream_of(client, name, "fp64").await.1);
    }
    let foreign = stream_of(&other, "foreign", "fp64").await.1;
    for name in ["e", "f"] {
        streams.push(stream_of(client, name, "fp64").await.1);
    }
    let row = |stream: i64, day: i64, at: i64| json!({"stream_id": stream, "ts": MIDNIGHT + day * 86_400 + at * 100, "value": (stream * at * 7) % 131});
    for day in 0..DAYS {
        let all = streams.iter().flat_map(|stream| (0..ROWS_A_DAY).map(move |at| row(*stream, day, at)));
        write(client, all).await;
        write(&other, (0..ROWS_A_DAY).map(|at| row(foreign, day, at))).await;
        cluster.ingest.basalt(&["compact"]).await.expect_success();
    }
    let late = |stream: i64, value: i64| {
        (0..30).map(
            move |at| json!({"stream_id": stream, "ts": MIDNIGHT + 86_400 + at * 350, "value": value + at}),
        )
    };
    write(client, late(streams[0], 1000)).await;
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    write(client, late(streams[1], 2000)).await;
    let newest = streams.iter().flat_map(|stream| (0..50).map(move |at| row(*stream, DAYS, at)));
    write(client, newest).await;
    for second in [0, 600] {
        let posted = json!({"timestamp": MIDNIGHT + 2 * 86_400 + second, "mean": -5000});
        let answer = client.post(&format!("/api/data/{}/statistic/", streams[2]), &posted).await;
        answer.expect_one_of(&[200, 201]);
    }
}

/// Whether answers are the same up to the order in which numbers were added.
fn are_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= 1e-9 * other.abs().max(1.0)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|other| are_alike(value, other))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

#[tokio::test]
async fn rollups_have_one_answer_on_one_two_and_four_nodes() {
    if !has_turn("cluster", 1, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let owner = cluster.ingest.client();
    fill(&cluster, &owner).await;
    for statement in ROLLUPS {
        let plan = json!(owner.sql(&format!("EXPLAIN {statement}")).await).to_string();
        assert!(plan.contains("Rollup: levels="), "{statement}: {plan}");
    }
    let mut nodes = Vec::new();
    for count in sized(vec![2], vec![2, 4]) {
        grow(&cluster, &mut nodes, count).await;
        let (node, last) = (&nodes[0], &nodes[count - 1]);
        wait_for_tasks(node, last).await;
        let mut mistaken = Vec::new();
        let divided = ROLLUPS.into_iter().chain(RAW).map(|statement| (statement, 1));
        for (statement, times) in divided.chain([(OF_ONE_STREAM, 0)]) {
            let expected = json!(owner.sql(statement).await);
            let (before, tasks) = (spread(node).await, counted(last, "basalt_query_tasks_total ").await);
            let found = node.client().try_sql(statement).await.body;
            let divided = spread(node).await - before;
            let has_tasks = counted(last, "basalt_query_tasks_total ").await > tasks;
            // Two streams are tasks for two nodes.
            let is_shared = has_tasks == (times == 1) || statement.contains("IN (1, 3)");
            if !are_alike(&found, &expected) || divided != times || !is_shared {
                mistaken.push(format!("{statement}: {divided}, {has_tasks}, {found}, {expected}"));
            }
        }
        assert!(mistaken.is_empty(), "on {count} nodes:\n{}", mistaken.join("\n"));
        assert_eq!(counted(node, "basalt_queries_repeated_total ").await, 0, "no attempt has failed");
    }
}

//! One query on several nodes: the answers of one, whatever happens to the others.

use std::time::Duration;

use serde_json::{Value, json};

use crate::ingest::{ARROW, NDJSON, arrow_body, readings_batch};
use crate::rest::stream_of;
use crate::support::{Client, Cluster, Server, eventually, has_turn, one_in, sized, until};

/// 2026-04-28T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_777_334_400;
const DAYS: i64 = 4;
const ROWS_A_DAY: i64 = 150;

/// Every query is divided that can be.
pub const ALL: (&str, &str) = ("BASALT_CLUSTER__SPREAD_MIN_ROWS", "0");

/// Statements that are divided. Values are whole, so that the order of additions shows in no sum.
const DIVIDED: [&str; 41] = [
    "SELECT count(*) AS n, sum(value) AS sum, min(value) AS low, max(ts) AS last FROM readings WHERE value + 0 > 10",
    "SELECT count(*) AS n FROM readings WHERE value < -1",
    "SELECT count(*) AS n FROM readings",
    "SELECT DISTINCT stream_id FROM readings ORDER BY 1",
    "SELECT stream_id, count(*) AS n, sum(value + 0) AS sum FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, avg(value + 0) AS mean FROM readings WHERE quality = 'good' GROUP BY 1 HAVING count(*) > 3 ORDER BY 1",
    "SELECT date_trunc('day', ts) AS day, stream_id, max(value + 0) AS high FROM readings GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT time_bucket('6 hours', ts) AS t, min(value + 0) AS low FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT * FROM readings WHERE value + 0 > 100 ORDER BY stream_id, ts",
    // More rows than one batch has.
    "SELECT stream_id, ts, value, quality FROM readings WHERE ts >= '2026-04-27T18:00:00Z' ORDER BY stream_id, ts",
    "SELECT stream_id, ts, value FROM readings ORDER BY value DESC, stream_id, ts LIMIT 7",
    "SELECT stream_id, ts FROM readings ORDER BY ts, stream_id LIMIT 5 OFFSET 9",
    "SELECT stream_id, ts, seq FROM readings WHERE value + 0 > 20 ORDER BY ts DESC, stream_id",
    "SELECT DISTINCT stream_id, quality FROM readings ORDER BY 1, 2",
    "SELECT count(value + 0) AS n FROM readings WHERE stream_id IN (1, 3) AND ts >= '2026-04-29' AND ts < '2026-04-30'",
    "SELECT n, count(*) AS streams FROM (SELECT stream_id, count(value + 0) AS n FROM readings GROUP BY 1) AS t GROUP BY 1 ORDER BY 1",
    "SELECT count(DISTINCT value) AS n, count(DISTINCT stream_id) AS streams FROM readings",
    "SELECT stream_id, first(value, ts) AS first, last(value, ts) AS last FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, delta(value, ts) AS delta FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, median(value) AS middle FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT CAST(value AS bigint) % 5 AS rest, count(*) AS n FROM readings GROUP BY 1 ORDER BY n DESC, rest",
    "SELECT count(*) AS n FROM (SELECT stream_id, CAST(value AS bigint) % 3 AS rest FROM readings GROUP BY 1, 2) AS t",
    "SELECT stream_id, count(*) FILTER (WHERE value + 0 > 50) AS many FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, text, count(*) AS n FROM readings WHERE text IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT bool_and(value >= 0) AS all_positive, bit_xor(stream_id) AS mixed FROM readings",
    "SELECT stream_id, ts, value FROM readings WHERE ts > '2026-04-30T12:00:00Z' ORDER BY stream_id DESC, ts LIMIT 20",
    // Joins with small tables, whose rows are in the plan of each task.
    "SELECT s.name, count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id GROUP BY 1 ORDER BY 1",
    "SELECT s.name, avg(r.value) AS mean, max(r.ts) AS last FROM streams s JOIN readings r ON s.id = r.stream_id GROUP BY 1 ORDER BY 1",
    "SELECT d.name AS device, s.name, max(r.value) AS high FROM readings r JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT s.name, r.ts, r.value FROM readings r JOIN streams s ON s.id = r.stream_id WHERE r.value > 100 ORDER BY r.value DESC, s.name, r.ts LIMIT 9",
    "SELECT s.name, r.ts, r.value FROM readings r JOIN streams s ON s.id = r.stream_id WHERE r.value + 0 > 20 ORDER BY r.ts DESC, r.stream_id",
    "SELECT s.name, r.text, count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id WHERE r.text IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT CASE WHEN s.name <> 'a' THEN s.name END AS name, sum(r.value) AS sum FROM readings r JOIN streams s ON s.id = r.stream_id GROUP BY 1 ORDER BY 1",
    "SELECT s.name, count(*) AS n FROM readings r LEFT JOIN (SELECT id, name FROM streams WHERE name < 'c') AS s ON s.id = r.stream_id GROUP BY 1 ORDER BY 1",
    "SELECT count(*) AS n, sum(value) AS sum FROM readings WHERE stream_id IN (SELECT id FROM streams WHERE name IN ('a', 'c'))",
    "SELECT stream_id, count(*) AS n FROM readings WHERE stream_id NOT IN (SELECT id FROM streams WHERE name = 'b') GROUP BY 1 ORDER BY 1",
    "SELECT count(*) AS n FROM readings r WHERE NOT EXISTS (SELECT 1 FROM streams s WHERE s.id = r.stream_id AND s.name > 'b')",
    "SELECT count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id WHERE s.name = 'none'",
    "SELECT s.name, count(*) AS n FROM readings r JOIN streams s ON s.id + 1 = r.stream_id GROUP BY 1 ORDER BY 1",
    "SELECT s.name, t.n FROM (SELECT stream_id, count(value + 0) AS n FROM readings GROUP BY 1) AS t JOIN streams s ON s.id = t.stream_id ORDER BY 1",
    "SELECT s.name, count(r.value + 0) AS n FROM streams s CROSS JOIN readings r WHERE s.name < 'c' GROUP BY 1 ORDER BY 1",
];

/// Statements with window functions that are divided.
const WINDOWS: [&str; 23] = [
    "SELECT stream_id, ts, row_number() OVER (PARTITION BY stream_id ORDER BY ts) AS n FROM readings ORDER BY 1, 2 LIMIT 50",
    "SELECT stream_id, count(step) AS n, sum(step) AS sum, max(step) AS most FROM (SELECT stream_id, value - lag(value) OVER (PARTITION BY stream_id ORDER BY ts) AS step FROM readings) AS t GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, max(mean) AS high, min(mean) AS low FROM (SELECT stream_id, avg(value) OVER (PARTITION BY stream_id ORDER BY ts ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS mean FROM readings) AS t GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, max(n) AS most, sum(n) AS sum FROM (SELECT stream_id, count(*) OVER (PARTITION BY stream_id ORDER BY ts RANGE BETWEEN INTERVAL '20 minutes' PRECEDING AND CURRENT ROW) AS n FROM readings WHERE ts >= '2026-04-28') AS t GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, count(*) AS n FROM (SELECT stream_id, value - avg(value) OVER (PARTITION BY stream_id) AS above FROM readings) AS t WHERE above > 0 GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, day, ts, value FROM (SELECT stream_id, day, ts, value, rank() OVER (PARTITION BY stream_id, day ORDER BY value DESC, ts) AS place FROM (SELECT stream_id, date_trunc('day', ts) AS day, ts, value FROM readings) AS d) AS t WHERE place <= 2 ORDER BY 1, 2, 3",
    "SELECT count(*) AS n FROM (SELECT row_number() OVER (PARTITION BY stream_id, date_trunc('day', ts) ORDER BY ts) AS place FROM readings) AS t WHERE place = 2",
    "SELECT stream_id, ts, lead(value, 2, 0.0) OVER (PARTITION BY stream_id ORDER BY ts) AS ahead, first_value(value) OVER (PARTITION BY stream_id ORDER BY ts) AS first, nth_value(value, 3) OVER (PARTITION BY stream_id ORDER BY ts) AS third FROM readings WHERE ts >= '2026-04-30' ORDER BY 1, 2",
    "SELECT stream_id, ts, ntile(4) OVER (PARTITION BY stream_id ORDER BY ts) AS quarter, last_value(value) OVER (PARTITION BY stream_id ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    "SELECT stream_id, max(n) AS most, sum(n) AS sum FROM (SELECT stream_id, count(*) OVER (PARTITION BY stream_id ORDER BY value GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM readings WHERE ts >= '2026-04-28') AS t GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, ts, percent_rank() OVER (PARTITION BY stream_id ORDER BY value) AS share, cume_dist() OVER (PARTITION BY stream_id ORDER BY value) AS below FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    "SELECT stream_id, min(n) AS least, max(n) AS most FROM (SELECT stream_id, count(DISTINCT value) OVER (PARTITION BY stream_id) AS n FROM readings) AS t GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, ts, delta(value, ts) OVER (PARTITION BY stream_id ORDER BY ts) AS delta, rate(value, ts) OVER (PARTITION BY stream_id) AS rate FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    "SELECT count(*) AS n FROM (SELECT row_number() OVER (PARTITION BY stream_id ORDER BY ts) AS place FROM readings LIMIT 700) AS t WHERE place > 0",
    // More rows than one batch has, on one node and together.
    "SELECT stream_id, ts, value - lag(value) OVER (PARTITION BY stream_id ORDER BY ts) AS step FROM readings WHERE ts >= '2026-04-27T18:00:00Z' ORDER BY stream_id, ts",
    // NULL is a value of a PARTITION BY: rows of several streams have it.
    "SELECT stream_id, ts, row_number() OVER (PARTITION BY text ORDER BY ts, stream_id) AS place FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    "SELECT count(*) AS n, max(place) AS most, sum(place) AS sum FROM (SELECT row_number() OVER (PARTITION BY NULLIF(CAST(value AS bigint) % 5, 0) ORDER BY stream_id, ts) AS place FROM readings WHERE ts >= '2026-04-28') AS t",
    // Windows over windows, of other columns and of the same.
    "SELECT stream_id, ts, row_number() OVER (PARTITION BY quality ORDER BY ts, stream_id) AS place, value - lag(value) OVER (PARTITION BY stream_id ORDER BY ts) AS step FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    "SELECT stream_id, max(jump) AS jump FROM (SELECT stream_id, step - lag(step) OVER (PARTITION BY stream_id ORDER BY ts) AS jump FROM (SELECT stream_id, ts, value - lag(value) OVER (PARTITION BY stream_id ORDER BY ts) AS step FROM readings) AS t) AS u GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, max(rms) AS high FROM (SELECT stream_id, rms(value) OVER (PARTITION BY stream_id ORDER BY ts) AS rms FROM readings WHERE ts >= '2026-04-28') AS t GROUP BY 1 ORDER BY 1",
    "SELECT s.name, r.ts, r.value - lag(r.value) OVER (PARTITION BY s.name ORDER BY r.ts) AS step FROM readings r JOIN streams s ON s.id = r.stream_id WHERE r.ts >= '2026-05-01' ORDER BY 1, 2",
    // Without PARTITION BY, the node that is asked computes them.
    "SELECT day, n, sum(n) OVER (ORDER BY day) AS total FROM (SELECT date_trunc('day', ts) AS day, count(value + 0) AS n FROM readings GROUP BY 1) AS t ORDER BY 1",
    "SELECT count(*) AS n, sum(value) AS sum FROM (SELECT value, row_number() OVER (ORDER BY ts, stream_id) AS place FROM readings) AS t WHERE place % 1000 = 0",
];

/// Statements that run on one node, for one reason each, and are right there.
const UNDIVIDED: [&str; 15] = [
    // A scan of one stream is in order of time.
    "SELECT count(*) AS n FROM readings WHERE stream_id = 1",
    // DataFusion does not send these parts of a function.
    "SELECT stream_id, ts, lag(value) IGNORE NULLS OVER (PARTITION BY stream_id ORDER BY ts) AS before FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    "SELECT stream_id, ts, count(value) FILTER (WHERE value > 50) OVER (PARTITION BY stream_id ORDER BY ts) AS n FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    // The second function runs backwards over the order of the first.
    "SELECT stream_id, ts, lag(value) OVER (PARTITION BY stream_id ORDER BY ts) AS before, lag(value) OVER (PARTITION BY stream_id ORDER BY ts DESC) AS after FROM readings WHERE ts >= '2026-05-01' ORDER BY 1, 2",
    // Rows are not sorted by a column that has one value, which a task does not know.
    "SELECT stream_id, ts, row_number() OVER (PARTITION BY stream_id, quality ORDER BY ts) AS place FROM readings WHERE quality = 'good' AND ts >= '2026-05-01' ORDER BY 1, 2",
    // These joins return rows of the small table, or rows of it that have a partner in any part.
    "SELECT s.name, count(r.ts) AS n FROM streams s LEFT JOIN readings r ON s.id = r.stream_id AND r.value > 2000 GROUP BY 1 ORDER BY 1",
    "SELECT name FROM streams WHERE id IN (SELECT stream_id FROM readings WHERE value > 1500) ORDER BY 1",
    "SELECT count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id AND r.value > s.id * 40",
    // The small table of this one is computed from all pairs of its rows.
    "SELECT count(*) AS n FROM readings r JOIN (SELECT max(a.id) AS id FROM streams a JOIN streams b ON (a.id * b.id) % 7 > 2) AS t ON r.stream_id = t.id",
    "SELECT a.stream_id, count(*) AS n FROM readings a JOIN readings b ON a.stream_id = b.stream_id AND a.ts = b.ts GROUP BY 1 ORDER BY 1",
    "SELECT concat('stream ', stream_id) AS name, count(*) AS n FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT count(*) AS n FROM readings WHERE value > (SELECT avg(value) FROM readings)",
    "SELECT count(*) AS n FROM latest",
    "SELECT count(*) AS n FROM devices",
    "SELECT 1 AS one",
];

/// Statements that are divided and fail by their own fault, with the error that one node has, once.
const MISTAKEN: [&str; 2] = [
    "SELECT sum(1 / CAST(value - value AS bigint)) AS n FROM readings WHERE quality = 'good'",
    "SELECT stream_id, sum(CAST(text AS bigint)) AS n FROM readings GROUP BY 1",
];

pub async fn write(client: &Client, rows: impl Iterator<Item = Value>) {
    let lines: String = rows.map(|row| format!("{row}\n")).collect();
    client.ingest(NDJSON, lines).await.ok();
}

/// Four streams over days, in files, one of them large; rows over them that came late; and rows that are not in files.
async fn fill(cluster: &Cluster, client: &Client, rows_of_large_day: i64) {
    let mut streams = Vec::new();
    for name in ["a", "b", "c"] {
        streams.push(stream_of(client, name, "fp64").await.1);
    }
    let texts = stream_of(client, "d", "text").await.1;
    let row = |stream: i64, day: i64, at: i64| json!({"stream_id": stream, "ts": MIDNIGHT + day * 86_400 + at * 500, "value": (stream * at * 7) % 131});
    for day in 0..DAYS {
        let numbers = streams.iter().flat_map(|stream| (0..ROWS_A_DAY).map(move |at| row(*stream, day, at)));
        write(client, numbers).await;
        let states = (0..9).map(|at| {
            json!({"stream_id": texts, "ts": MIDNIGHT + day * 86_400 + at * 700, "text": format!("state {}", at % 3)})
        });
        write(client, states).await;
        cluster.ingest.basalt(&["compact"]).await.expect_success();
    }
    // A day before in one file, which has several row groups.
    let twice_a_second = |at: i64| (1, (MIDNIGHT - 86_400) * 1_000_000 + at * 500_000, (at % 7) as f64);
    let large_day: Vec<_> = (0..rows_of_large_day).map(twice_a_second).collect();
    client.ingest(ARROW, arrow_body(&readings_batch(&large_day))).await.ok();
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    // Late rows: some are new, some replace others.
    write(
        client,
        (0..40).map(|at| json!({"stream_id": 1, "ts": MIDNIGHT + 86_400 + at * 750, "value": 1000 + at})),
    )
    .await;
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    write(client, (0..30).map(|at| row(2, DAYS, at))).await;
    write(client, (0..10).map(|at| json!({"stream_id": 3, "ts": MIDNIGHT + at * 500, "value": 2000 + at})))
        .await;
}

/// Waits until a query that one node is asked gives another a task.
pub async fn wait_for_tasks(node: &Server, other: &Server) {
    eventually("a query is divided", Duration::from_secs(60), || async {
        let before = counted(other, "basalt_query_tasks_total ").await;
        node.client().sql("SELECT count(value + 0) FROM readings").await;
        (counted(other, "basalt_query_tasks_total ").await > before).then_some(())
    })
    .await;
}

/// Waits until a node knows of this many query nodes.
pub async fn wait_for_nodes(node: &Server, nodes: usize) {
    let line = format!("basalt_cluster_nodes{{role=\"query\"}} {nodes}");
    until!("the nodes know each other", Duration::from_secs(30);
        metrics = node.client().get("/metrics").await.body; metrics.as_str()?.contains(&line));
}

/// Adds query nodes that divide every query, up to this many, and waits until all know each other.
pub async fn grow(cluster: &Cluster, nodes: &mut Vec<Server>, count: usize) {
    while nodes.len() < count {
        nodes.push(cluster.query_node(&[ALL]).await);
    }
    for node in nodes {
        wait_for_nodes(node, count).await;
    }
}

/// Returns a number of a node's metrics.
pub async fn counted(node: &Server, name: &str) -> u64 {
    let text = node.client().get("/metrics").await.body.as_str().expect("text").to_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the metric is there");
    line.trim().parse().expect("a number")
}

pub async fn spread(node: &Server) -> u64 {
    counted(node, "basalt_queries_spread_total ").await
}

/// How many rows two answers have and the first that differ, or the answers if they are no rows.
fn difference(found: &Value, expected: &Value) -> String {
    let (Some(found), Some(expected)) = (found.as_array(), expected.as_array()) else {
        return format!("{found}, {expected}");
    };
    let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let rows = [found, expected].map(|rows| (rows.len(), rows.get(same)));
    format!("row {same} of {rows:?}")
}

#[tokio::test]
async fn every_question_has_one_answer_on_one_two_and_four_nodes() {
    if !has_turn("cluster", 0, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let owner = cluster.ingest.client();
    fill(&cluster, &owner, 140_000).await;
    let mut nodes = Vec::new();
    let divided = DIVIDED.iter().chain(&WINDOWS).map(|statement| (statement, 1));
    let statements: Vec<_> = divided.chain(UNDIVIDED.iter().map(|statement| (statement, 0))).collect();
    for count in sized(vec![2], vec![2, 4]) {
        grow(&cluster, &mut nodes, count).await;
        // A quarter of them, and of the second node, for what a change of roles could break, an eighth.
        for (node, one_of) in nodes.iter().zip([4, 8]) {
            wait_for_tasks(node, &nodes[if one_of == 1 { count - 1 } else { 0 }]).await;
            let mut mistaken = Vec::new();
            for (statement, times) in one_in(one_of, statements.iter().copied()) {
                let (status, expected) = owner.try_sql(statement).await.outcome();
                let before = spread(node).await;
                let found = node.client().try_sql(statement).await.body;
                let divided = spread(node).await - before;
                if status != 200 || found != expected || divided != times {
                    let difference = difference(&found, &expected);
                    mistaken.push(format!("{statement}: {status}, {divided}, {difference}"));
                }
            }
            for statement in MISTAKEN {
                let (status, expected) = owner.try_sql(statement).await.outcome();
                let before = spread(node).await;
                let found = node.client().try_sql(statement).await.body;
                if status != 400 || found != expected || spread(node).await != before + 1 {
                    mistaken.push(format!("{statement}: {status}, {found}, {expected}"));
                }
            }
            assert!(mistaken.is_empty(), "on {count} nodes:\n{}", mistaken.join("\n"));
            assert_eq!(counted(node, "basalt_queries_repeated_total ").await, 0, "no attempt has failed");
        }
    }
}

/// A query that has sent nothing yet runs again on the node that was asked.
#[tokio::test]
async fn a_node_that_is_gone_costs_no_answer() {
    if !has_turn("cluster", 0, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let owner = cluster.ingest.client();
    fill(&cluster, &owner, 20_000).await;
    let (node, mut other) = (cluster.query_node(&[ALL]).await, cluster.query_node(&[ALL]).await);
    wait_for_tasks(&node, &other).await;
    let statement =
        "SELECT stream_id, count(*) AS n, sum(value + 0) AS sum FROM readings GROUP BY 1 ORDER BY 1";
    let expected = owner.sql(statement).await;
    let before = spread(&node).await;
    assert_eq!(node.client().sql(statement).await, expected);
    assert_eq!(spread(&node).await, before + 1);

    other.signal("STOP");
    assert_eq!(node.client().sql(statement).await, expected, "while it stands still");
    assert_eq!(counted(&node, "basalt_queries_repeated_total ").await, 1);
    other.signal("CONT");
    eventually("the other node works again", Duration::from_secs(30), || async {
        let both = || async { (spread(&node).await, counted(&node, "basalt_queries_repeated_total ").await) };
        let (divided, repeated) = both().await;
        assert_eq!(node.client().sql(statement).await, expected, "when it goes on");
        (both().await == (divided + 1, repeated)).then_some(())
    })
    .await;

    let before = spread(&node).await;
    other.kill();
    assert_eq!(node.client().sql(statement).await, expected, "once it is gone");
    assert_eq!(spread(&node).await, before + 1, "it is tried");
    wait_for_nodes(&node, 1).await;
    assert_eq!(node.client().sql(statement).await, expected);
    assert_eq!(spread(&node).await, before + 1, "and then no longer tried");
}

#[tokio::test]
async fn a_node_can_keep_its_queries_to_itself() {
    let cluster = Cluster::start(&[]).await;
    let few = cluster.query_node(&[]).await;
    let alone = cluster.query_node(&[ALL, ("BASALT_CLUSTER__SPREAD", "false")]).await;
    stream_of(&cluster.ingest.client(), "a", "fp64").await;
    let spreading = cluster.query_node(&[ALL]).await;
    wait_for_tasks(&spreading, &alone).await;
    // Nodes that started before see the list up to 3 s later.
    tokio::time::sleep(Duration::from_secs(4)).await;
    for node in [&few, &alone] {
        wait_for_nodes(node, 3).await;
        node.client().sql("SELECT count(*) FROM readings WHERE value + 0 > 1").await;
        assert_eq!(spread(node).await, 0);
    }
}

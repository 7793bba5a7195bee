//! Nodes that are killed and stopped, links that are cut or fall silent, a PostgreSQL that crashes and an object store that fails, in an order
//! that a seed decides, while a writer writes and readers ask every query node: no answer lacks what was acknowledged before it was asked for,
//! none goes back, and no row is doubled or of others.
//!
//! Every change makes a third of the troubles, in an order of its own; `tests/long.sh cluster` makes each twenty times.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::silent_links::CATALOG_CONNECTIONS;
use super::spread::wait_for_tasks;
use super::troubles::{Plant, TROUBLES};
use crate::crash::{Key, WriteRequest, rows};
use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Server, eventually, one_in, sized, test_seed};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;
const PAUSE: Duration = Duration::from_millis(20);
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// The value of rows of another organization: the sum of no answer has one in it.
const FOREIGN_VALUE: i64 = 1_000_000;

/// It is divided among the query nodes.
const STATEMENT: &str = "SELECT count(*) AS n, CAST(sum(value + 0) AS bigint) AS sum, CAST(max(value + 0) AS bigint) AS number FROM readings WHERE value + 0 >= 0";

/// Number of the rows after a request, and the sum of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Totals {
    rows: i64,
    sum: i64,
}

/// The writes, and how far they are acknowledged and seen.
struct History {
    /// Totals after each request, by its number. A request is in it before it is sent.
    totals: Mutex<BTreeMap<i64, Totals>>,
    acknowledged: AtomicI64,
    /// The newest request in an answer.
    seen: AtomicI64,
    is_over: AtomicBool,
}

impl History {
    /// One row is there, with the value 0.
    fn new() -> Arc<History> {
        let totals = BTreeMap::from([(0, Totals { rows: 1, sum: 0 })]);
        Arc::new(History {
            totals: Mutex::new(totals),
            acknowledged: AtomicI64::new(0),
            seen: AtomicI64::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// The oldest request with which an answer to a question of now may end.
    fn least(&self) -> i64 {
        self.acknowledged.load(Ordering::SeqCst).max(self.seen.load(Ordering::SeqCst))
    }

    /// Checks an answer to a question from before which `least` is.
    fn check(&self, answer: Answer, least: i64, node: usize) {
        let Answer { number, totals } = answer;
        let expected = self.totals.lock().get(&number).copied();
        assert_eq!(Some(totals), expected, "node {node}: not what is there after request {number}");
        assert!(number >= least, "node {node}: it ends with request {number}, and {least} was there before");
        self.seen.fetch_max(number, Ordering::SeqCst);
    }
}

/// Answer of a node: the newest request, whose number is the highest value, and the totals.
struct Answer {
    number: i64,
    totals: Totals,
}

/// Asks a node; `None` when it refused with 503, or its connection was cut.
async fn ask(client: &Client) -> Option<Answer> {
    let headers = [("content-type", "application/json")];
    let body = json!({"query": STATEMENT}).to_string();
    let answer = client.try_send_bytes("POST", "/sql", &headers, body).await.ok()?;
    if answer.status == 503 {
        return None;
    }
    let answer: Value = serde_json::from_slice(&answer.ok()).expect("JSON");
    let number = |name: &str| answer[0][name].as_i64().unwrap_or_else(|| panic!("no {name}: {answer}"));
    Some(Answer { number: number("number"), totals: Totals { rows: number("n"), sum: number("sum") } })
}

/// Asks the nodes in turn until the end, and then until each has answered: a slow one may need longer than the troubles last.
/// Returns how many answers each gave.
async fn read(history: Arc<History>, clients: [Client; 2], first: usize) -> [usize; 2] {
    let mut answers = [0; 2];
    let mut node = first;
    let mut ended = None;
    loop {
        if history.is_over() {
            let ended = *ended.get_or_insert_with(Instant::now);
            if !answers.contains(&0) || ended.elapsed() > EVENT_TIMEOUT {
                return answers;
            }
        }
        node = 1 - node;
        let least = history.least();
        match ask(&clients[node]).await {
            Some(answer) => {
                history.check(answer, least, node);
                answers[node] += 1;
            }
            None => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// One stream with a row for each second; each row has the number of the request that wrote it last.
struct CountingWriter {
    stream: i64,
    rng: StdRng,
    rows: BTreeMap<i64, i64>,
}

impl CountingWriter {
    /// New rows, and sometimes an old one again.
    fn request(&mut self, number: i64) -> WriteRequest {
        let count = self.rows.len() as i64;
        let mut seconds: Vec<i64> = (count..count + self.rng.random_range(1..6)).collect();
        if count > 0 && self.rng.random_bool(0.3) {
            seconds.push(self.rng.random_range(0..count));
        }
        let rows: BTreeMap<i64, i64> = seconds.iter().map(|second| (NOON + second, number)).collect();
        self.rows.extend(&rows);
        WriteRequest {
            stream: self.stream,
            rows: rows.into_iter().map(|(second, value)| (second, value as f64)).collect(),
            key: Some(format!("counted-{number}")),
        }
    }

    fn totals(&self) -> Totals {
        Totals { rows: self.rows.len() as i64 + 1, sum: self.rows.values().sum() }
    }

    /// Writes until the end, through all nodes in turn, and repeats each request until it is acknowledged.
    async fn work(mut self, history: Arc<History>, clients: [Client; 3]) -> CountingWriter {
        let mut nodes = clients.iter().cycle();
        for number in 1.. {
            if history.is_over() {
                break;
            }
            let request = self.request(number);
            history.totals.lock().insert(number, self.totals());
            let deadline = Instant::now() + EVENT_TIMEOUT;
            while let Err(why) = send(nodes.next().expect("there are nodes"), &request).await {
                assert!(Instant::now() < deadline, "no node takes the request {number}: {why}");
                tokio::time::sleep(PAUSE).await;
            }
            history.acknowledged.store(number, Ordering::SeqCst);
            tokio::time::sleep(PAUSE).await;
        }
        self
    }
}

/// Sends a request.
///
/// # Errors
/// Why it was refused with 503, or how its connection was cut.
async fn send(client: &Client, request: &WriteRequest) -> Result<(), String> {
    let key = request.key.as_deref().expect("a key");
    let headers = [("content-type", NDJSON), ("idempotency-key", key)];
    let answer = client.try_send_bytes("POST", "/ingest", &headers, request.body()).await;
    let answer = answer.map_err(|cut| format!("{cut:?}"))?;
    let status = answer.status;
    let body = answer.expect_one_of(&[200, 503]);
    if status == 200 { Ok(()) } else { Err(String::from_utf8_lossy(&body).into_owned()) }
}

/// Writes a row of one second.
async fn write(client: &Client, stream: i64, value: i64) {
    let line = json!({"stream_id": stream, "ts": NOON, "value": value}).to_string();
    client.ingest(NDJSON, line).await.ok();
}

/// Waits until a node only answers. Of its connections to the catalog's database that a trouble broke each fails once, when it is used
/// next; they are used in turn.
async fn settle(node: &Server) {
    let client = node.client();
    eventually("the node only answers", EVENT_TIMEOUT, || async {
        for _ in 0..2 * CATALOG_CONNECTIONS {
            ask(&client).await?;
        }
        Some(())
    })
    .await;
}

/// Checks that a cluster in which nothing happens any more has what was acknowledged, and nothing else.
async fn check_end(plant: &mut Plant, history: &History, expected: &BTreeMap<Key, f64>) {
    let last = history.acknowledged.load(Ordering::SeqCst);
    for place in ["at the end", "merged", "after a restart"] {
        match place {
            "merged" => drop(plant.cluster.ingest.basalt(&["compact"]).await.expect_success()),
            "after a restart" => plant.cluster.ingest.restart().await,
            _ => {}
        }
        for node in [&plant.nodes[0].server, &plant.nodes[1].server, &plant.cluster.ingest] {
            let client = node.client();
            let answer = eventually("the node answers", EVENT_TIMEOUT, || ask(&client)).await;
            assert_eq!(answer.number, last, "{place}: every request was acknowledged");
            assert_eq!(rows(&client).await, *expected, "{place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_killed_stopped_and_cut_off_lose_and_double_nothing() {
    let mut troubles = one_in(4, TROUBLES);
    let (seed, rounds) = (test_seed(), troubles.len() * sized(1, 20));
    println!("BASALT_TEST_SEED={seed}, {rounds} rounds");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut plant = Plant::start().await;
    let ingest = plant.cluster.ingest.client();
    plant.cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let foreign = ingest.with_key(&plant.cluster.ingest.create_key(&["--org", "other"]).await);
    write(&foreign, stream_of(&foreign, "speed", "fp64").await.1, FOREIGN_VALUE).await;
    let (_, idle) = stream_of(&ingest, "idle", "fp64").await;
    write(&ingest, idle, 0).await;
    let (_, stream) = stream_of(&ingest, "speed", "fp64").await;
    wait_for_tasks(&plant.nodes[0].server, &plant.nodes[1].server).await;

    let history = History::new();
    let clients = [0, 1].map(|node| plant.nodes[node].server.client());
    let reading = [0, 1].map(|first| tokio::spawn(read(history.clone(), clients.clone(), first)));
    let writer = CountingWriter { stream, rng: StdRng::seed_from_u64(seed), rows: BTreeMap::new() };
    let [first, second] = clients;
    let writing = tokio::spawn(writer.work(history.clone(), [ingest, first, second]));
    for round in 0..rounds {
        let place = round % troubles.len();
        if place == 0 {
            troubles.shuffle(&mut rng);
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..600))).await;
        let time = Duration::from_millis(rng.random_range(50..1200));
        println!("round {round}: {:?} for {time:?}", troubles[place]);
        plant.make(troubles[place], time, rng.random()).await;
    }
    history.is_over.store(true, Ordering::SeqCst);

    let writer = writing.await.expect("the writer met no wrong answer");
    let mut answers = [0; 2];
    for reader in reading {
        let counts = reader.await.expect("the reader met no wrong answer");
        answers = [answers[0] + counts[0], answers[1] + counts[1]];
    }
    let requests = history.acknowledged.load(Ordering::SeqCst);
    println!("{requests} requests, {answers:?} answers");
    assert!(requests > 0 && answers.iter().all(|count| *count > 0), "{requests}, {answers:?}");
    let own = writer.rows.iter().map(|(second, value)| ((stream, *second), *value as f64));
    let expected = own.chain([((idle, NOON), 0.0)]).collect();
    let [first, second] = [0, 1].map(|node| &plant.nodes[node].server);
    settle(first).await;
    settle(second).await;
    wait_for_tasks(first, second).await;
    wait_for_tasks(second, first).await;
    check_end(&mut plant, &history, &expected).await;
}

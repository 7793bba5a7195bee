//! Many clients at once that do everything, some of it wrong: nothing fails on our side, and no write that was
//! acknowledged is lost, also when the process is killed right afterwards.

use std::collections::BTreeMap;
use std::time::Instant;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::stream_of;
use crate::support::{Client, Server, sized};

const CONNECTIONS: usize = 64;
const SEED: u64 = 4;
/// Seconds since 1970 of the first value.
const START: i64 = 1_777_377_600;

/// Ten thousand in a whole case.
fn requests() -> usize {
    sized(4_000, 10_000)
}

/// One connection: its requests one after another, and what it was told.
struct Worker {
    client: Client,
    rng: StdRng,
    device: i64,
    stream: i64,
    /// Values acknowledged, by second. A connection has a stream of its own, so that the last write is known.
    values: BTreeMap<i64, f64>,
    events: Vec<i64>,
    /// How often which status was answered.
    statuses: BTreeMap<u16, usize>,
    malformed: usize,
}

impl Worker {
    async fn run(mut self) -> Worker {
        for _ in 0..requests().div_ceil(CONNECTIONS) {
            match self.rng.random_range(0..100) {
                0 => self.ask_wrong().await,
                1..45 => self.post_value().await,
                45..52 => self.ingest().await,
                52..56 => self.post_event().await,
                56..60 => self.patch().await,
                _ => self.ask().await,
            }
        }
        self
    }

    /// A request that must succeed; its answer.
    async fn expect_ok(&mut self, method: &str, path: &str, media: &str, body: String) -> Value {
        let (status, answer) =
            self.client.send(method, path, &[("content-type", media)], body).await.outcome();
        *self.statuses.entry(status).or_default() += 1;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    async fn expect_ok_json(&mut self, method: &str, path: &str, body: Value) -> Value {
        self.expect_ok(method, path, "application/json", body.to_string()).await
    }

    fn any_value(&mut self) -> (i64, f64) {
        // Few seconds, so that values are overwritten too.
        (START + self.rng.random_range(0..100), f64::from(self.rng.random_range(-1000..1000)))
    }

    async fn post_value(&mut self) {
        let (second, value) = self.any_value();
        let path = format!("/api/data/{}/value/", self.stream);
        self.expect_ok_json("POST", &path, json!({"timestamp": second, "value": value})).await;
        self.values.insert(second, value);
    }

    async fn ingest(&mut self) {
        let rows: BTreeMap<i64, f64> = (0..20).map(|_| self.any_value()).collect();
        let line = |(second, value): (&i64, &f64)| {
            format!("{{\"stream_id\":{},\"ts\":{second},\"value\":{value}}}\n", self.stream)
        };
        let body: String = rows.iter().map(line).collect();
        let answer = self.expect_ok("POST", "/ingest", "application/x-ndjson", body).await;
        assert_eq!(answer, json!({"rows": rows.len()}));
        self.values.extend(rows);
    }

    async fn post_event(&mut self) {
        let event = json!({"device": self.device, "data": self.stream, "kind": "mixed"});
        let answer = self.expect_ok_json("POST", "/api/event-log/", event).await;
        self.events.push(answer["id"].as_i64().expect("an id"));
    }

    async fn patch(&mut self) {
        let unit = format!("u{}", self.rng.random_range(0..10));
        let path = format!("/api/data/{}/", self.stream);
        assert_eq!(self.expect_ok_json("PATCH", &path, json!({ "unit": unit })).await["unit"], unit);
    }

    async fn ask(&mut self) {
        let (device, stream) = (self.device, self.stream);
        let paths = [
            format!("/api/data/{stream}/value/?from={START}"),
            format!("/api/data/{stream}/value/?limit=1"),
            format!("/api/data/{stream}/statistic/?from={START}"),
            format!("/api/value/?data={stream}&limit=50"),
            format!("/api/device/{device}/"),
            "/api/device/?limit=10".to_owned(),
            "/api/data/?limit=10".to_owned(),
            "/api/event-log/?limit=10".to_owned(),
            "/healthz/".to_owned(),
            format!("/sql?q=SELECT%20count(*)%20AS%20n%20FROM%20readings%20WHERE%20stream_id%3D{stream}"),
        ];
        let which = self.rng.random_range(0..paths.len());
        let answer = self.expect_ok("GET", &paths[which], "application/json", String::new()).await;
        match which {
            0 => assert_eq!(
                answer.as_array().map(Vec::len),
                Some(self.values.len()),
                "what was written is read"
            ),
            9 => assert_eq!(answer, json!([{"n": self.values.len()}])),
            _ => {}
        }
    }

    /// A request nobody can make sense of: refused, with a status that says whose mistake it is.
    async fn ask_wrong(&mut self) {
        let value = format!("/api/data/{}/value/", self.stream);
        let (json, ndjson) = ("application/json", "application/x-ndjson");
        let cases: [(&str, &str, &str, Vec<u8>); 12] = [
            ("POST", &value, json, b"{".to_vec()),
            ("POST", &value, json, b"{\"value\": NaN}".to_vec()),
            ("POST", &value, json, b"\xff\xfe\x00".to_vec()),
            ("POST", &value, json, vec![b'['; 50_000]),
            ("POST", &value, "text/plain", b"{\"value\": 1}".to_vec()),
            ("POST", &value, json, b"{\"value\": \"x\", \"timestamp\": \"y\"}".to_vec()),
            ("GET", "/api/data/99999999999999999999/value/", json, Vec::new()),
            ("GET", "/api/value/?from=yesterday&limit=-1", json, Vec::new()),
            ("GET", "/api/%FF/%00/", json, Vec::new()),
            ("DELETE", "/api/value/", json, Vec::new()),
            ("POST", "/sql", json, b"{\"query\": \"SELEC 1\"}".to_vec()),
            ("POST", "/ingest", ndjson, b"{\"stream_id\": 1, \"ts\": \"x\"}\n{".to_vec()),
        ];
        let (method, path, media, body) = cases[self.rng.random_range(0..cases.len())].clone();
        let (status, answer) =
            self.client.send(method, path, &[("content-type", media)], body).await.outcome();
        *self.statuses.entry(status).or_default() += 1;
        self.malformed += 1;
        assert!((400..500).contains(&status), "{method} {path}: {status} {answer}");
    }
}

async fn check(server: &Server, workers: &[Worker]) {
    let client = server.client();
    let query = "SELECT stream_id, CAST(ts AS BIGINT) AS us, value FROM readings ORDER BY stream_id, ts";
    let rows = client.sql(query).await;
    let stored = rows.iter().map(|row| {
        let key = (row["stream_id"].as_i64().unwrap(), row["us"].as_i64().unwrap() / 1_000_000);
        (key, row["value"].as_f64().unwrap())
    });
    let acknowledged = workers
        .iter()
        .flat_map(|worker| worker.values.iter().map(|(second, value)| ((worker.stream, *second), *value)));
    let (stored, acknowledged): (BTreeMap<_, _>, BTreeMap<_, _>) = (stored.collect(), acknowledged.collect());
    assert!(stored == acknowledged, "{} rows stored, {} acknowledged", stored.len(), acknowledged.len());
    let events = client.get("/api/event-log/?from=0").await.body;
    let mut ids: Vec<i64> = events.as_array().unwrap().iter().map(|e| e["id"].as_i64().unwrap()).collect();
    let mut acknowledged: Vec<i64> = workers.iter().flat_map(|worker| worker.events.clone()).collect();
    ids.sort_unstable();
    acknowledged.sort_unstable();
    assert_eq!(ids, acknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_mixed_requests_lose_nothing_and_fail_nothing() {
    let mut server = Server::start(&[]).await;
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut workers = Vec::new();
    for n in 0..CONNECTIONS {
        let (device, stream) = stream_of(&server.client(), &format!("s{n}"), "fp64").await;
        workers.push(Worker {
            // A client of its own is a connection of its own.
            client: server.client(),
            rng: StdRng::seed_from_u64(rng.random()),
            device,
            stream,
            values: BTreeMap::new(),
            events: Vec::new(),
            statuses: BTreeMap::new(),
            malformed: 0,
        });
    }
    let started = Instant::now();
    let workers = join_all(workers.into_iter().map(|worker| tokio::spawn(worker.run()))).await;
    let elapsed = started.elapsed();
    let workers: Vec<Worker> = workers.into_iter().map(|worker| worker.expect("no request failed")).collect();

    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for (status, count) in workers.iter().flat_map(|worker| &worker.statuses) {
        *statuses.entry(*status).or_default() += count;
    }
    let malformed: usize = workers.iter().map(|worker| worker.malformed).sum();
    println!("{statuses:?}, {malformed} malformed, {elapsed:.1?}");
    assert!(statuses.values().sum::<usize>() >= requests() && statuses.keys().all(|status| *status < 500));
    assert!((requests() / 250..requests() / 40).contains(&malformed), "about one in a hundred: {malformed}");

    check(&server, &workers).await;
    server.crash().await;
    check(&server, &workers).await;
}

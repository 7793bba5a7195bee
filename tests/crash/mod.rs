//! `kill -9` while eight writers post and a backup is written: every acknowledged row is there exactly once, every other one at most
//! once, and what looks like a backup is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use basalt::domain::progress::Progress;
use basalt::store::backup::{stored_backups, verify_stored};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::{Client, DataDir, Server, sized};

const WRITERS: usize = 8;
const NDJSON: &str = "application/x-ndjson";

/// A row: its stream and second.
pub type Key = (i64, i64);

/// A request: rows of one stream, by second.
#[derive(Clone)]
pub struct WriteRequest {
    pub stream: i64,
    pub rows: BTreeMap<i64, f64>,
    pub key: Option<String>,
}

impl WriteRequest {
    pub fn body(&self) -> String {
        let line = |(second, value): (&i64, &f64)| {
            format!("{{\"stream_id\":{},\"ts\":{second},\"value\":{value}}}\n", self.stream)
        };
        self.rows.iter().map(line).collect()
    }

    /// Posts it: `None` when the connection failed, else whether the answer is that of an earlier time.
    async fn send(&self, client: &Client) -> Option<bool> {
        let mut headers = vec![("content-type", NDJSON)];
        headers.extend(self.key.iter().map(|key| ("idempotency-key", key.as_str())));
        let answer = client.try_send_bytes("POST", "/ingest", &headers, self.body()).await.ok()?;
        let (status, headers, body) = answer.into_parts();
        let body = String::from_utf8_lossy(&body);
        assert_eq!((status, body.as_ref()), (200, format!("{{\"rows\":{}}}", self.rows.len()).as_str()));
        Some(headers.contains_key("idempotency-replayed"))
    }
}

/// One writer: a stream of its own, requests one after another.
struct CrashWriter {
    stream: i64,
    uses_keys: bool,
    rng: StdRng,
    second: i64,
    number: u32,
    /// Values that must be there.
    acked: BTreeMap<i64, f64>,
    /// Rows of requests that were never answered: one of these values may be there.
    unacknowledged: BTreeMap<i64, Vec<f64>>,
    unanswered: Option<WriteRequest>,
}

impl CrashWriter {
    fn request(&mut self) -> WriteRequest {
        self.number += 1;
        let mut rows = BTreeMap::new();
        for _ in 0..self.rng.random_range(1..8) {
            self.second += 1;
            // Some are written again, with another value.
            let again = self.second > 1_777_300_100 && self.rng.random_bool(0.2);
            let second = if again { self.rng.random_range(1_777_300_000..self.second) } else { self.second };
            rows.insert(second, f64::from(self.number) + self.rng.random_range(0..1000) as f64 / 1024.0);
        }
        let key = self.uses_keys.then(|| format!("writer-{}-{}", self.stream, self.number));
        WriteRequest { stream: self.stream, rows, key }
    }

    fn ack(&mut self, request: &WriteRequest) {
        for (second, value) in &request.rows {
            self.acked.insert(*second, *value);
            self.unacknowledged.remove(second);
        }
    }

    /// Posts until the server is gone.
    async fn work(&mut self, client: &Client) {
        loop {
            let request = self.request();
            if request.send(client).await.is_none() {
                self.unanswered = Some(request);
                return;
            }
            self.ack(&request);
        }
    }

    /// After the restart: with a key, the unanswered request again; without, it stays unknown what became of it.
    async fn resume(&mut self, client: &Client) {
        let Some(request) = self.unanswered.take() else { return };
        if request.key.is_none() {
            for (second, value) in request.rows {
                self.unacknowledged.entry(second).or_default().push(value);
            }
            return;
        }
        request.send(client).await.expect("the server runs");
        self.ack(&request);
        // Once more after one of its rows was overwritten: a replay must not bring the old value back.
        let mut newer = self.request();
        let (second, value) = request.rows.first_key_value().expect("a request has rows");
        newer.rows.insert(*second, value + 0.5);
        newer.send(client).await.expect("the server runs");
        self.ack(&newer);
        assert_eq!(request.send(client).await, Some(true), "it is a replay");
    }
}

/// Every reading that a client sees, each of which must be there once.
pub async fn rows(client: &Client) -> BTreeMap<Key, f64> {
    let query = "SELECT stream_id, CAST(ts AS BIGINT) / 1000000 AS second, value FROM readings";
    let listed = client.sql(query).await;
    let count = listed.len();
    let number = |row: &Value, name: &str| row[name].as_i64().expect("an integer");
    let row = |row: Value| {
        ((number(&row, "stream_id"), number(&row, "second")), row["value"].as_f64().expect("a number"))
    };
    let found: BTreeMap<Key, f64> = listed.into_iter().map(row).collect();
    assert_eq!(found.len(), count, "a row is there twice");
    found
}

fn check(writer: &mut CrashWriter, found: &BTreeMap<Key, f64>, place: &str) {
    let own: BTreeMap<i64, f64> = found
        .range((writer.stream, 0)..(writer.stream + 1, 0))
        .map(|((_, second), v)| (*second, *v))
        .collect();
    let is_unsure =
        |second: &i64, value: &f64| writer.unacknowledged.get(second).is_some_and(|v| v.contains(value));
    for (second, value) in &writer.acked {
        let there = own.get(second);
        let is_there = there == Some(value) || there.is_some_and(|v| is_unsure(second, v));
        assert!(
            is_there,
            "{place}: stream {} at {second}: {value} was acknowledged, {there:?} is there",
            writer.stream
        );
    }
    for (second, value) in own.iter().filter(|(second, value)| writer.acked.get(second) != Some(value)) {
        let stream = writer.stream;
        assert!(
            is_unsure(second, value),
            "{place}: stream {stream} at {second}: {value} was not written last"
        );
    }
    // What was there once has to stay.
    writer.acked = own;
    writer.unacknowledged.clear();
}

async fn streams(client: &Client) -> Vec<i64> {
    let device = json!({"name": "writers", "protocol": "virtual"});
    let device = client.post("/api/device/", &device).await.created();
    let mut ids = Vec::new();
    for n in 0..WRITERS {
        let stream = json!({"name": format!("writer {n}"), "device": device["id"], "type": "fp64"});
        let stream = client.post("/api/data/", &stream).await.created();
        ids.push(stream["id"].as_i64().expect("an id"));
    }
    ids
}

/// Checks what kills have left of backups, and that the next one is whole and takes away what they left in the data directory.
async fn check_backups(server: &Server, dir: &Path) {
    for found in stored_backups(dir).await.expect("a list") {
        let whole = verify_stored(dir, &found.name, &Progress::default()).await;
        whole.unwrap_or_else(|e| panic!("the backup {}: {e}", found.name));
    }
    let last = dir.join("last").display().to_string();
    server.basalt(&["backup", &last]).await.expect_success();
    let run = std::fs::read_dir(server.data_dir.path().join("run")).expect("a directory");
    let left: Vec<_> = run.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("backup-")), "{left:?}");
    let restored = DataDir::new();
    restored.basalt(&["restore", &last]).await.expect_success();
    restored.basalt(&["verify"]).await.expect_success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_it_keeps_what_it_acknowledged() {
    // Small segments and frequent flushes, so that kills meet them.
    let backups = DataDir::new();
    let env = [
        ("BASALT_WAL__SEGMENT", "64KB"),
        ("BASALT_WAL__KEEP", "1"),
        ("BASALT_FLUSH__AGE", "100ms"),
        ("BASALT_BACKUP__DIR", backups.path().to_str().expect("a UTF-8 path")),
    ];
    let (mut server, client) = Server::with_client(&env).await;
    let mut rng = StdRng::seed_from_u64(7);
    let mut writers: Vec<CrashWriter> = (streams(&client).await.into_iter().enumerate())
        .map(|(n, stream)| CrashWriter {
            stream,
            uses_keys: n % 2 == 0,
            rng: StdRng::seed_from_u64(n as u64),
            second: 1_777_300_000,
            number: 0,
            acked: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            unanswered: None,
        })
        .collect();
    let rounds = sized(8, 50);
    for round in 0..rounds {
        let wait = Duration::from_millis(rng.random_range(1..300));
        client.post("/api/backup/", &json!({})).await.expect(202);
        let (_, ()) = tokio::join!(join_all(writers.iter_mut().map(|w| w.work(&client))), async {
            tokio::time::sleep(wait).await;
            server.kill();
        });
        server.start_again().await;
        let place = format!("round {round}, killed after {wait:?}");
        join_all(writers.iter_mut().map(|w| w.resume(&client))).await;
        let found = rows(&client).await;
        writers.iter_mut().for_each(|w| check(w, &found, &place));
    }
    assert!(writers.iter().all(|w| w.number > rounds), "every writer wrote");
    server.restart().await;
    let found = rows(&client).await;
    writers.iter_mut().for_each(|w| check(w, &found, "after an orderly end"));
    check_backups(&server, backups.path()).await;
}

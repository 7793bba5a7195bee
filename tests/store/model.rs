//! Random writes, flushes, compactions and restarts against a map in which the last write wins: every way of asking agrees with it.

use std::collections::BTreeMap;

use basalt::domain::reading::{Quality, Reading, Readings};
use basalt::domain::{Micros, StreamId};
use basalt::query::list_query::ListQuery;
use basalt::query::readings_list::ValuesQuery;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::reopen;
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::support::{rows, seeds};

const STEPS: usize = 32;
/// Streams 1 to 4 are numbers, 5 is a text.
const STREAMS: i32 = 5;

type Key = (i32, i64);

struct ReadingsModel {
    rows: BTreeMap<Key, Reading>,
    rng: StdRng,
    /// Minutes gone by: most rows are newer than those before.
    minute: i64,
}

impl ReadingsModel {
    fn time(&mut self) -> i64 {
        let start = NOW - 2 * DAY;
        let minute = match self.rng.random_range(0..10) {
            0..6 => self.minute + self.rng.random_range(0..3),
            6..9 => self.rng.random_range(0..=self.minute),
            // Exactly at the edges of a day.
            _ => {
                return start - start.rem_euclid(DAY) + DAY * self.rng.random_range(0..3)
                    - i64::from(self.rng.random_bool(0.5));
            }
        };
        start + minute * MINUTE
    }

    fn reading(&mut self) -> Reading {
        let (stream, ts) = (StreamId(self.rng.random_range(1..=STREAMS)), Micros(self.time()));
        let number = f64::from(self.rng.random_range(-1000..1000_i32));
        match self.rng.random_range(0..10) {
            0 => Reading::lost(stream, ts),
            _ if stream.0 == STREAMS => Reading {
                text: Some(format!("text {number}").into()),
                value: None,
                ..Reading::good(stream, ts, 0.0)
            },
            1 => Reading { quality: Quality::Uncertain, ..Reading::good(stream, ts, number) },
            _ => Reading::good(stream, ts, number),
        }
    }

    async fn write(&mut self, env: &TestEnv, db: &TestDb) {
        self.minute += self.rng.random_range(0..30);
        let count = if self.rng.random_bool(0.2) { 400 } else { self.rng.random_range(1..12) };
        let mut request: Vec<Reading> = (0..count).map(|_| self.reading()).collect();
        if self.rng.random_bool(0.3) {
            // The same key again in one request: the later row wins.
            let again = Reading { ts: request[0].ts, stream: request[0].stream, ..self.reading() };
            let fits = again.quality == Quality::Bad || again.text.is_some() == (again.stream.0 == STREAMS);
            request.extend(fits.then_some(again));
        }
        db.store.write(&env.owner, request.iter().cloned().collect::<Readings>()).await.unwrap();
        for reading in request {
            self.rows.insert((reading.stream.0, reading.ts.0), reading);
        }
    }

    fn list(&self, query: &ValuesQuery) -> Vec<Reading> {
        let list = &query.list;
        let wanted = |r: &&Reading| {
            list.streams.as_ref().is_none_or(|s| s.contains(&r.stream))
                && list.from.is_none_or(|t| r.ts >= t)
                && list.to.is_none_or(|t| r.ts <= t)
                && (query.include_bad || r.quality != Quality::Bad)
        };
        let mut rows: Vec<Reading> = self.rows.values().filter(wanted).cloned().collect();
        rows.sort_by_key(|r| (if list.newest_first { -r.ts.0 } else { r.ts.0 }, r.stream));
        rows.into_iter().skip(list.offset).take(list.limit.unwrap_or(usize::MAX)).collect()
    }

    fn query(&mut self) -> ValuesQuery {
        let streams = match self.rng.random_range(0..3) {
            0 => None,
            1 => Some(vec![StreamId(self.rng.random_range(1..=STREAMS))]),
            _ => Some(vec![StreamId(1), StreamId(self.rng.random_range(2..=STREAMS + 1))]),
        };
        let (a, b) = (self.time(), self.time());
        let is_ranged = self.rng.random_bool(0.6);
        let list = ListQuery {
            streams,
            from: is_ranged.then_some(Micros(a.min(b))),
            to: (is_ranged && self.rng.random_bool(0.7)).then_some(Micros(a.max(b))),
            newest_first: self.rng.random_bool(0.5),
            offset: if self.rng.random_bool(0.7) { 0 } else { self.rng.random_range(0..60) },
            limit: self.rng.random_bool(0.6).then(|| self.rng.random_range(0..50)),
        };
        ValuesQuery { list, include_bad: self.rng.random_bool(0.5) }
    }

    async fn check(&mut self, env: &TestEnv, db: &TestDb, place: &str) {
        let all = ValuesQuery { include_bad: true, ..ValuesQuery::default() };
        for query in [all].into_iter().chain((0..6).map(|_| self.query()).collect::<Vec<_>>()) {
            let found = db.values(&env.owner, query.clone()).await;
            let expected = self.list(&query);
            assert!(found == expected, "{place}: {query:?}\n  got      {found:?}\n  expected {expected:?}");
        }
        for _ in 0..3 {
            let (stream, ts) = (StreamId(self.rng.random_range(1..=STREAMS)), Micros(self.time()));
            let found = db.engine.value(&env.owner, stream, ts).await.unwrap();
            assert_eq!(found.as_ref(), self.rows.get(&(stream.0, ts.0)), "{place}: {stream} at {ts}");
        }
        let shown = db.sql(&env.owner, "SELECT stream_id, ts, value, quality FROM latest").await;
        for stream in 1..=STREAMS {
            let newest = self.rows.range((stream, i64::MIN)..=(stream, i64::MAX)).next_back().map(|(_, r)| r);
            let by_time = db.store.newest_by_time(&env.owner, StreamId(stream));
            assert_eq!(by_time.as_ref(), newest, "{place}: the last of stream {stream}");
            let list = ListQuery {
                streams: Some(vec![StreamId(stream)]),
                newest_first: true,
                limit: Some(1),
                ..ListQuery::default()
            };
            let valued = ValuesQuery { list, include_bad: false };
            let found = db.values(&env.owner, valued.clone()).await;
            assert_eq!(found, self.list(&valued), "{place}: the newest value of stream {stream}");
            let row = shown.iter().find(|row| row["stream_id"] == stream);
            let column = |name| row.map_or(&Value::Null, |row| &row[name]);
            // What is current is another question: tests/store/current_values.rs.
            let latest = db.store.latest(&env.owner, StreamId(stream));
            let current = latest.as_ref().map(|latest| &latest.newest);
            assert_eq!(current.is_some(), newest.is_some(), "{place}: {stream}");
            let shown_ts = column("ts").as_str().map(str::to_owned);
            assert_eq!(shown_ts, current.map(|r| r.ts.to_string()), "{place}");
            assert_eq!(column("value").as_f64(), current.and_then(|r| r.value), "{place}: {stream}");
            assert_eq!(column("quality").as_str(), current.map(|r| r.quality.name()), "{place}: {stream}");
            for reading in
                latest.iter().flat_map(|latest| [Some(&latest.newest), latest.valued.as_ref()]).flatten()
            {
                let stored = self.rows.get(&(stream, reading.ts.0));
                assert_eq!(
                    Some(reading),
                    stored,
                    "{place}: an overwritten value of stream {stream} came back"
                );
            }
        }
        self.check_sql(env, db, place).await;
    }

    async fn check_sql(&mut self, env: &TestEnv, db: &TestDb, place: &str) {
        let (a, b) = (self.time(), self.time());
        let (from, to) = (Micros(a.min(b)), Micros(a.max(b)));
        let least = f64::from(self.rng.random_range(-1000..1000_i32));
        let by_stream = |wanted: &dyn Fn(&Reading) -> bool| -> Vec<Value> {
            let mut groups: BTreeMap<i32, Vec<&Reading>> = BTreeMap::new();
            let rows = self.rows.values().filter(|r| wanted(r));
            rows.for_each(|r| groups.entry(r.stream.0).or_default().push(r));
            let row = |(stream, rows): (i32, Vec<&Reading>)| {
                let values: Vec<f64> = rows.iter().filter_map(|r| r.value).collect();
                let mut row = json!({
                    "stream_id": stream,
                    "n": rows.len(),
                    "values": values.len(),
                    "texts": rows.iter().filter(|r| r.text.is_some()).count(),
                    "first": rows.iter().map(|r| r.ts.0).min(),
                    "last": rows.iter().map(|r| r.ts.0).max(),
                });
                if !values.is_empty() {
                    row["total"] = json!(values.iter().sum::<f64>());
                    row["most"] = json!(values.iter().copied().fold(f64::MIN, f64::max));
                }
                row
            };
            groups.into_iter().map(row).collect()
        };
        let cases = rows![
            "TRUE".to_owned(), by_stream(&|_| true);
            format!("ts >= '{from}' AND ts < '{to}'"), by_stream(&|r| from <= r.ts && r.ts < to);
            format!("ts BETWEEN '{from}' AND '{to}' AND stream_id IN (1, 3, 5)"),
                { by_stream(&|r| from <= r.ts && r.ts <= to && r.stream.0 % 2 == 1) };
            format!("value > {least} OR text IS NOT NULL"),
                { by_stream(&|r| r.value.is_some_and(|v| v > least) || r.text.is_some()) };
            format!("value > {least} AND ts >= '{from}'"), { by_stream(&|r| r.value.is_some_and(|v| v > least) && r.ts >= from) };
            format!("value BETWEEN {least} AND {least} + 200 AND stream_id < 4"),
                { by_stream(&|r| r.value.is_some_and(|v| v >= least && v <= least + 200.0) && r.stream.0 < 4) };
            format!("{least} >= value"), by_stream(&|r| r.value.is_some_and(|v| v <= least));
            "quality = 'bad' AND stream_id <> 2".to_owned(), { by_stream(&|r| r.quality == Quality::Bad && r.stream.0 != 2) };
            format!("stream_id = 4 AND (ts < '{from}' OR ts > '{to}')"),
                { by_stream(&|r| r.stream.0 == 4 && (r.ts < from || r.ts > to)) };
        ];
        for (condition, expected) in cases {
            let query = format!(
                "SELECT stream_id, count(*) AS n, count(value) AS \"values\", count(text) AS texts, \
                 CAST(min(ts) AS BIGINT) AS first, CAST(max(ts) AS BIGINT) AS last, sum(value) AS total, \
                 max(value) AS most FROM readings WHERE {condition} GROUP BY stream_id ORDER BY stream_id"
            );
            let found = db.sql(&env.owner, &query).await;
            assert!(found == expected, "{place}: {query}\n  got      {found:?}\n  expected {expected:?}");
        }
        let count = db.sql(&env.owner, "SELECT count(*) AS n FROM readings").await;
        assert_eq!(count, [json!({"n": self.rows.len()})], "{place}");
        let page = db.sql(&env.owner, "SELECT stream_id, value FROM readings LIMIT 7").await;
        assert_eq!(page.len(), self.rows.len().min(7), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_asking_agrees_with_a_map_in_which_the_last_write_wins() {
    let env = TestEnv::new(STREAMS).await;
    for seed in seeds(1, 6) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = env.open_local(dir.path()).await;
        let mut model = ReadingsModel { rows: BTreeMap::new(), rng: StdRng::seed_from_u64(seed), minute: 0 };
        for step in 0..STEPS {
            let place = format!("seed {seed}, step {step}");
            match model.rng.random_range(0..13) {
                0..8 => model.write(&env, &db).await,
                8..10 => db.store.flush().await.unwrap(),
                12 => drop(db.compact().await.unwrap()),
                10 => db = reopen(&env, db).await,
                _ => {
                    db.store.close().await.unwrap();
                    db = reopen(&env, db).await;
                }
            }
            if step % 4 == 3 {
                model.check(&env, &db, &place).await;
            }
        }
    }
}

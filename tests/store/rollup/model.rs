//! Random writes, late rows, flushes, statistics, compactions, restarts and changed intervals against a map: the table
//! `statistics` and aggregates that use it agree with what is computed from the map.

use std::collections::BTreeMap;

use basalt::domain::reading::{Quality, Reading, Readings};
use basalt::domain::statistic::Statistic;
use basalt::domain::window::Windows;
use basalt::domain::{Micros, StreamId};
use basalt::store::statistics::rows;
use basalt::store::table::Table;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::store::plain_statistics::{PlainStatistics, compute_plain, is_near};
use crate::store::reopen;
use crate::support::{posted_minute, rows, seeds};

const STEPS: usize = 40;
/// Streams 1 to 3 are numbers, 4 is a text.
pub const STREAMS: i32 = 4;
pub const HOUR: i64 = 60 * MINUTE;

pub struct RollupModel {
    pub rows: BTreeMap<(i32, i64), Reading>,
    pub posted: BTreeMap<(i32, i64), Statistic>,
    pub rng: StdRng,
    /// Microseconds gone by since the first row.
    gone: i64,
    now: i64,
}

/// Two hours before a midnight.
const START: i64 = NOW - 14 * HOUR;

impl RollupModel {
    pub fn time(&mut self) -> i64 {
        START
            + match self.rng.random_range(0..10) {
                0..7 => self.gone + self.rng.random_range(0..4 * MINUTE),
                _ => self.rng.random_range(0..=self.gone + MINUTE),
            }
    }

    fn reading(&mut self, ts: i64) -> Reading {
        let stream = StreamId(self.rng.random_range(1..=STREAMS));
        let number = f64::from(self.rng.random_range(-1000..1000_i32)) / 4.0 + 1e6;
        let good = Reading::good(stream, Micros(ts), number);
        match self.rng.random_range(0..12) {
            0 => Reading::lost(stream, Micros(ts)),
            _ if stream.0 == STREAMS => {
                Reading { text: Some(format!("text {number}").into()), value: None, ..good }
            }
            1 => Reading { quality: Quality::Uncertain, ..good },
            _ => good,
        }
    }

    async fn write(&mut self, env: &TestEnv, db: &TestDb) {
        let step = self.rng.random_range(0..2 * HOUR);
        self.gone = (self.gone + step).min(self.now - START);
        let count = if self.rng.random_bool(0.3) { 600 } else { self.rng.random_range(1..20) };
        let request: Vec<Reading> = (0..count)
            .map(|_| {
                let ts = self.time();
                self.reading(ts)
            })
            .collect();
        db.store.write(&env.owner, request.iter().cloned().collect::<Readings>()).await.unwrap();
        for reading in request {
            self.rows.insert((reading.stream.0, reading.ts.0), reading);
        }
    }

    async fn post(&mut self, env: &TestEnv, db: &TestDb) {
        let window = if self.rng.random_bool(0.7) { MINUTE } else { 1 };
        let ts = self.time() / window * window;
        let stream = StreamId(self.rng.random_range(1..STREAMS));
        let mean = f64::from(self.rng.random_range(-50..50_i32));
        let has_ends = self.rng.random_bool(0.5);
        let row = Statistic {
            count: self.rng.random_range(1..5),
            min: has_ends.then_some(mean - 1.0),
            max: has_ends.then_some(mean + 1.0),
            q3: Some(mean + 0.5),
            ..posted_minute(stream, Micros(ts), mean)
        };
        db.store.upsert(&env.owner, rows::posted_rows(std::slice::from_ref(&row))).await.unwrap();
        self.posted.insert((stream.0, ts), row);
    }

    async fn change_interval(&mut self, env: &TestEnv) {
        let stream = StreamId(self.rng.random_range(1..=STREAMS));
        let interval = [None, Some(20), Some(300), Some(2400), Some(3600)][self.rng.random_range(0..5)];
        let change = |spec: &mut basalt::domain::stream::StreamSpec| spec.statistics_interval_s = interval;
        env.catalog.streams.update_stream(&env.owner, stream, change).await.unwrap();
    }

    fn values(&self, stream: i32, (from, to): (i64, i64)) -> Vec<f64> {
        self.rows.range((stream, from)..(stream, to)).filter_map(|(_, reading)| reading.value).collect()
    }

    /// Windows that are over and hold a value.
    fn windows(&self, env: &TestEnv, now: i64) -> BTreeMap<(i32, i64), (i64, PlainStatistics)> {
        let all = env.catalog.streams.all_windows();
        let mut found = BTreeMap::new();
        for (stream, ts) in self.rows.keys() {
            let windows: &Windows = &all[stream];
            let (start, end) = windows.window_containing(*ts);
            if end <= now && !found.contains_key(&(*stream, start)) {
                let plain = compute_plain(&self.values(*stream, (start, end)));
                found.extend(plain.map(|plain| ((*stream, start), ((end - start) / 1_000_000, plain))));
            }
        }
        found
    }

    async fn check_table(&self, env: &TestEnv, db: &TestDb, place: &str) {
        let query = "SELECT stream_id, CAST(ts AS BIGINT) AS ts, window_s, count, mean, rms, median, min, max, \
            q1, q3, origin FROM statistics ORDER BY origin, stream_id, ts";
        let found = db.sql(&env.owner, query).await;
        let (computed, posted): (Vec<&Value>, Vec<&Value>) =
            found.iter().partition(|row| row["origin"] == "computed");
        let expected = self.windows(env, self.now);
        assert_eq!(computed.len(), expected.len(), "{place}: windows");
        for (row, ((stream, ts), (seconds, of))) in computed.iter().zip(&expected) {
            let key = json!([stream, ts, seconds, of.count]);
            assert_eq!(json!([row["stream_id"], row["ts"], row["window_s"], row["count"]]), key, "{place}");
            let [q1, median, q3] = of.quartiles;
            let numbers = [
                ("mean", of.mean),
                ("rms", of.rms),
                ("min", of.min),
                ("max", of.max),
                ("q1", q1),
                ("median", median),
                ("q3", q3),
            ];
            for (name, expected) in numbers {
                assert!(is_near(&row[name], expected, of.rms), "{place}: {name} is {expected} in {row}");
            }
        }
        let expected: Vec<Value> = self.posted.values().map(as_json).collect();
        assert_eq!(posted.into_iter().cloned().collect::<Vec<_>>(), expected, "{place}: posted");
    }

    async fn check_aggregates(&mut self, env: &TestEnv, db: &TestDb, place: &str) {
        for _ in 0..8 {
            let (a, b) = (self.time(), self.time());
            let (from, to) = (a.min(b), a.max(b));
            let (time, range) = match self.rng.random_range(0..4) {
                0 => ("TRUE".to_owned(), (i64::MIN, i64::MAX)),
                1 => {
                    let hour = from / HOUR * HOUR;
                    (format!("ts >= '{}'", Micros(hour)), (hour, i64::MAX))
                }
                2 => (format!("ts BETWEEN '{}' AND '{}'", Micros(from), Micros(to)), (from, to + 1)),
                _ => (format!("ts >= '{}' AND ts < '{}'", Micros(from), Micros(to)), (from, to)),
            };
            let (which, streams): (&str, Vec<i32>) = [
                ("TRUE", (1..=STREAMS).collect()),
                ("stream_id = 2", vec![2]),
                ("stream_id IN (1, 4)", vec![1, 4]),
                ("stream_id > 1 AND stream_id <> 3", vec![2, 4]),
            ][self.rng.random_range(0..4)]
            .clone();
            let (bucket, width) = BUCKETS[self.rng.random_range(0..BUCKETS.len())];
            let by_stream = self.rng.random_bool(0.6);
            let condition = format!("{which} AND {time}");
            self.check_one(
                env,
                db,
                place,
                AggregateQuery { condition, bucket, width, by_stream, range, streams },
            )
            .await;
        }
    }

    async fn check_one(&self, env: &TestEnv, db: &TestDb, place: &str, of: AggregateQuery<'_>) {
        let stream = if of.by_stream { "stream_id" } else { "0" };
        let keys = [of.by_stream.then_some("stream_id"), (!of.bucket.is_empty()).then_some(of.bucket)];
        let keys: Vec<&str> = keys.into_iter().flatten().collect();
        let group = if keys.is_empty() { String::new() } else { format!("GROUP BY {}", keys.join(", ")) };
        let bucket = if of.bucket.is_empty() {
            "CAST(NULL AS BIGINT)".to_owned()
        } else {
            format!("CAST({} AS BIGINT)", of.bucket)
        };
        let query = format!(
            "SELECT {stream} AS stream, {bucket} AS bucket, count(*) AS n, count(value) AS c, avg(value) AS mean, \
             rms(value) AS rms, sum(value) AS total, min(value) AS low, max(value) AS high \
             FROM readings WHERE {} {group} ORDER BY 1, 2",
            of.condition
        );
        let found = db.sql(&env.owner, &query).await;
        let mut groups: BTreeMap<(i32, Option<i64>), Vec<&Reading>> = BTreeMap::new();
        if keys.is_empty() {
            groups.insert((0, None), Vec::new());
        }
        for ((stream, ts), reading) in &self.rows {
            if of.streams.contains(stream) && (of.range.0..of.range.1).contains(ts) {
                let bucket = (!of.bucket.is_empty()).then(|| (of.width)(*ts));
                let stream = if of.by_stream { *stream } else { 0 };
                groups.entry((stream, bucket)).or_default().push(reading);
            }
        }
        assert_eq!(found.len(), groups.len(), "{place}: {query}");
        for (row, ((stream, bucket), readings)) in found.iter().zip(&groups) {
            let values: Vec<f64> = readings.iter().filter_map(|r| r.value).collect();
            let exact = json!([stream, bucket, readings.len(), values.len()]);
            assert_eq!(json!([row["stream"], row["bucket"], row["n"], row["c"]]), exact, "{place}: {query}");
            match compute_plain(&values) {
                None => {
                    let is_null = |name: &str| row[name].is_null();
                    let are_null = ["mean", "rms", "total", "low", "high"].into_iter().all(is_null);
                    assert!(are_null, "{place}: {row}");
                }
                Some(all) => {
                    let size = all.rms;
                    let is_right = is_near(&row["mean"], all.mean, size)
                        && is_near(&row["rms"], all.rms, size)
                        && is_near(&row["total"], all.mean * all.count as f64, size * all.count as f64)
                        && row["low"] == json!(all.min)
                        && row["high"] == json!(all.max);
                    assert!(is_right, "{place}: {query}\n  {row} is not {all:?}");
                }
            }
        }
    }
}

struct AggregateQuery<'a> {
    condition: String,
    bucket: &'a str,
    width: fn(i64) -> i64,
    by_stream: bool,
    range: (i64, i64),
    streams: Vec<i32>,
}

/// Widths that windows divide, that windows cross, local ones, and none.
const BUCKETS: [(&str, BucketStartFn); 9] = rows![
    "", |_| 0;
    "time_bucket('1 minute', ts)", |ts| ts / MINUTE * MINUTE;
    "time_bucket('1 hour', ts)", |ts| ts / HOUR * HOUR;
    "time_bucket('2 hours', ts)", |ts| ts / (2 * HOUR) * (2 * HOUR);
    // Counted from 2000-01-03, which a day divides.
    "time_bucket('90 seconds', ts)", |ts| ts / (MINUTE * 3 / 2) * (MINUTE * 3 / 2);
    "time_bucket('7 seconds', ts)", |ts| { (ts - 946_857_600_000_000).div_euclid(7_000_000) * 7_000_000 + 946_857_600_000_000 };
    "date_trunc('day', ts)", |ts| ts / DAY * DAY;
    // Half an hour past every hour of UTC.
    "time_bucket('1 hour', ts, 'Asia/Kolkata')", |ts| (ts - HOUR / 2) / HOUR * HOUR + HOUR / 2;
    "time_bucket('1 month', ts)", |_| 1_775_001_600_000_000;
];

/// The beginning of the bucket that holds a time.
pub type BucketStartFn = fn(i64) -> i64;

fn as_json(row: &Statistic) -> Value {
    let mut object = json!({
        "stream_id": row.stream.0, "ts": row.ts.0, "window_s": row.window_s, "count": row.count,
        "origin": "posted",
    });
    let numbers = [
        ("mean", row.mean),
        ("rms", row.rms),
        ("median", row.median),
        ("min", row.min),
        ("max", row.max),
        ("q1", row.q1),
        ("q3", row.q3),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            object[name] = json!(number);
        }
    }
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_and_aggregates_that_use_them_agree_with_a_map() {
    for seed in seeds(1, 4) {
        let (env, _dir, mut db) = TestEnv::open_new(STREAMS).await;
        let mut model = RollupModel {
            rows: BTreeMap::new(),
            posted: BTreeMap::new(),
            rng: StdRng::seed_from_u64(seed),
            gone: 0,
            now: NOW,
        };
        for step in 0..STEPS {
            let place = format!("seed {seed}, step {step}");
            match model.rng.random_range(0..19) {
                0..7 => model.write(&env, &db).await,
                7..9 => model.post(&env, &db).await,
                9..12 => db.store.flush().await.unwrap(),
                12..14 => drop(db.store.compute_statistics().await.unwrap()),
                14 => drop(db.compact().await.unwrap()),
                15 => model.change_interval(&env).await,
                18 => {
                    let step = model.rng.random_range(0..40 * MINUTE);
                    env.clock.advance(step);
                    model.now += step;
                }
                16 => db = reopen(&env, db).await,
                _ => {
                    db.store.close().await.unwrap();
                    db = reopen(&env, db).await;
                }
            }
            if step % 4 == 3 {
                model.check_table(&env, &db, &place).await;
                model.check_aggregates(&env, &db, &place).await;
                model.check_steps(&env, &db, &place).await;
            }
        }
        let hours = db.store.snapshot().upsert_tables[Table::HourlyStatistics].lake.clone();
        assert!(hours.files().count() > 0, "seed {seed}: there are hours to read");
    }
}

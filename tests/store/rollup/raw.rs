//! Aggregates of whole values by statistics against the same aggregates of the readings themselves: equal to the last bit.
//!
//! A condition on `seq` that every reading meets keeps statistics from being used.

use basalt::domain::reading::{Quality, Reading, Readings};
use basalt::domain::{Micros, StreamId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::model::HOUR;
use crate::in_process::{NOW, TestDb, TestEnv};
use crate::support::{seeds, sized};

/// Streams of numbers; the last one of the environment has texts.
const STREAMS: i32 = 3;
/// Readings of two days.
const SPAN: i64 = 48 * HOUR;
const RAW: &str = "seq >= 0";

const BUCKETS: [&str; 8] = [
    "",
    "time_bucket('1 minute', ts)",
    "time_bucket('7 seconds', ts)",
    "time_bucket('1 hour', ts)",
    "time_bucket('90 minutes', ts, 'Asia/Kolkata')",
    "time_bucket('1 day', ts, 'Europe/Berlin')",
    "date_trunc('day', ts)",
    "date_trunc('month', ts)",
];
const SELECTIONS: [&str; 4] = ["true", "stream_id = 2", "stream_id IN (1, 3)", "stream_id > 1"];
const HAVINGS: [&str; 4] = ["", "", " HAVING sum(value) > 0", " HAVING count(*) > 2 AND max(value) < 900000"];

fn readings(rng: &mut StdRng, count: usize) -> Readings {
    let reading = |rng: &mut StdRng| {
        let stream = StreamId(rng.random_range(1..=STREAMS));
        let ts = Micros(NOW - rng.random_range(1..SPAN / 1000) * 1000);
        let value = f64::from(rng.random_range(-1_000_000..1_000_000_i32));
        match rng.random_range(0..10) {
            0 => Reading::lost(stream, ts),
            1 => Reading { quality: Quality::Uncertain, ..Reading::good(stream, ts, value) },
            _ => Reading::good(stream, ts, value),
        }
    };
    (0..count).map(|_| reading(rng)).collect()
}

/// An aggregate with a place for another condition.
fn statement(rng: &mut StdRng) -> String {
    let mut one_of = |texts: &[&'static str]| *texts.choose(rng).expect("a choice");
    let (bucket, selection, having) = (one_of(&BUCKETS), one_of(&SELECTIONS), one_of(&HAVINGS));
    let stream = one_of(&["", "stream_id"]);
    let from = one_of(&["readings WHERE", "(SELECT value, ts, stream_id, seq FROM readings) AS r WHERE"]);
    let time = |rng: &mut StdRng| Micros(NOW - rng.random_range(0..SPAN));
    let range = match rng.random_range(0..4) {
        0 => String::new(),
        1 => format!(" AND ts >= '{}'", time(rng)),
        2 => format!(" AND ts < '{}'", time(rng)),
        _ => {
            let (one, other) = (time(rng), time(rng));
            format!(" AND ts BETWEEN '{}' AND '{}'", one.min(other), one.max(other))
        }
    };
    let keys: Vec<&str> = [stream, bucket].into_iter().filter(|key| !key.is_empty()).collect();
    let shown: String = keys.iter().zip(1..).map(|(key, place)| format!("{key} AS k{place}, ")).collect();
    let places: Vec<String> = (1..=keys.len()).map(|place| place.to_string()).collect();
    let (group, order) = match places.is_empty() {
        true => (String::new(), String::new()),
        false => (format!(" GROUP BY {}", places.join(", ")), format!(" ORDER BY {}", places.join(", "))),
    };
    format!(
        "SELECT {shown}count(*) AS n, count(value) AS c, sum(value) AS total, avg(value) AS mean, min(value) AS low, \
         max(value) AS high FROM {from} {selection}{range} AND $raw{group}{having}{order}"
    )
}

async fn check(env: &TestEnv, db: &TestDb, rng: &mut StdRng, place: &str) {
    for _ in 0..sized(8, 40) {
        let statement = statement(rng);
        let (fast, raw) = (statement.replace(" AND $raw", ""), statement.replace("$raw", RAW));
        let of_statistics = db.sql(&env.owner, &fast).await;
        let of_readings = db.sql(&env.owner, &raw).await;
        assert!(
            of_statistics == of_readings,
            "{place}: {fast}{}",
            first_difference(&of_statistics, &of_readings)
        );
        for (text, is_rewritten) in [(fast, true), (raw, false)] {
            let plan = json!(db.sql(&env.owner, &format!("EXPLAIN {text}")).await).to_string();
            assert_eq!(plan.contains("Rollup"), is_rewritten, "{text}\n{plan}");
        }
    }
}

fn first_difference(one: &[Value], other: &[Value]) -> String {
    let pair = one.iter().zip(other).find(|(one, other)| one != other);
    format!("\n  {} and {} rows, first {pair:?}", one.len(), other.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_values_have_the_same_aggregates_from_statistics_and_from_readings() {
    for seed in seeds(1, 4) {
        let (env, _dir, db) = TestEnv::open_new(STREAMS + 1).await;
        let mut rng = StdRng::seed_from_u64(seed);
        for stage in ["computed", "late rows", "computed again"] {
            let count = if stage == "late rows" { 40 } else { sized(1_500, 6_000) };
            let rows = readings(&mut rng, count);
            db.store.write(&env.owner, rows).await.unwrap();
            if stage != "late rows" {
                db.store.flush().await.unwrap();
                db.store.compute_statistics().await.unwrap();
            }
            check(&env, &db, &mut rng, &format!("seed {seed}, {stage}")).await;
        }
    }
}

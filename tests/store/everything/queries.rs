//! The questions of `everything`: each answer is compared with what a map of the rows says.

use std::collections::BTreeMap;
use std::ops::Range;

use basalt::domain::statistic::BucketFields;
use basalt::domain::statistic::BucketSeries;
use basalt::domain::{Kind, Micros, StreamId};
use basalt::query::step::Step;
use basalt::query::step_query::StepQuery;
use futures::TryStreamExt;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{ReadingKey, STREAMS, StoreModel};
use crate::in_process::{DAY, MINUTE, TestDb, TestEnv};
use crate::store::plain_statistics::{PlainStatistics, compute_plain, is_near};

const HOUR: i64 = 60 * MINUTE;

/// A predicate on values and a LIMIT, with an order and without.
pub async fn some_rows(
    env: &TestEnv,
    db: &TestDb,
    shown: &BTreeMap<ReadingKey, f64>,
    rng: &mut StdRng,
    place: &str,
) {
    let (over, limit) = (f64::from(rng.random_range(-500..500_i32)), rng.random_range(1..60_usize));
    let expected = shown.iter().filter(|(_, value)| **value > over);
    let expected: Vec<Value> = expected.map(|((id, ts), v)| json!({"id": id, "ts": ts, "v": v})).collect();
    for order in ["ORDER BY stream_id, ts", "ORDER BY stream_id DESC, ts DESC", ""] {
        let query = format!(
            "SELECT stream_id AS id, CAST(ts AS BIGINT) AS ts, value AS v FROM readings \
             WHERE value > {over} {order} LIMIT {limit}"
        );
        let found = db.sql(&env.owner, &query).await;
        let count = limit.min(expected.len());
        match order {
            "" => {
                assert_eq!(found.len(), count, "{place}: {query}");
                let known = found.iter().all(|row| expected.contains(row));
                let twice = found.iter().enumerate().any(|(i, row)| found[..i].contains(row));
                assert!(known && !twice, "{place}: {query}: {found:?}");
            }
            "ORDER BY stream_id, ts" => assert_eq!(found, expected[..count], "{place}: {query}"),
            _ => {
                let last: Vec<Value> = expected.iter().rev().take(count).cloned().collect();
                assert_eq!(found, last, "{place}: {query}");
            }
        }
    }
}

/// The rows of one stream by time, which are not sorted for it: they lie so.
pub async fn one_stream(
    env: &TestEnv,
    db: &TestDb,
    shown: &BTreeMap<ReadingKey, f64>,
    (rng, now): (&mut StdRng, i64),
    place: &str,
) {
    let (stream, least) = (rng.random_range(1..=STREAMS), f64::from(rng.random_range(-1000..0_i32)));
    let (a, b) = (now - rng.random_range(0..4 * DAY), now + HOUR - rng.random_range(0..4 * DAY));
    let (from, to) = if rng.random_bool(0.3) { (0, now + DAY) } else { (a.min(b), a.max(b)) };
    let wanted =
        |key: &ReadingKey, value: f64| key.0 == stream && (from..to).contains(&key.1) && value > least;
    let expected = shown.iter().filter(|(key, value)| wanted(key, **value));
    let expected: Vec<Value> = expected.map(|((_, ts), v)| json!({"at": ts, "v": v})).collect();
    let from_where = format!(
        "FROM readings WHERE stream_id = {stream} AND ts >= '{}' AND ts < '{}' AND value > {least}",
        Micros(from),
        Micros(to)
    );
    let limit = rng.random_range(1..60_usize);
    for (order, limit) in [("ts", usize::MAX), ("stream_id, ts", limit), ("ts, value DESC", limit)] {
        let query = format!(
            "SELECT CAST(ts AS BIGINT) AS at, value AS v {from_where} ORDER BY {order} LIMIT {}",
            limit.min(1_000_000)
        );
        let found = db.sql(&env.owner, &query).await;
        assert_eq!(found, expected[..limit.min(expected.len())], "{place}: {query}");
    }
    newest_first(env, db, (shown, stream, from..to), limit, place).await;
}

/// Reads the rows from the newest back, whatever their values.
async fn newest_first(
    env: &TestEnv,
    db: &TestDb,
    (shown, stream, times): (&BTreeMap<ReadingKey, f64>, i32, Range<i64>),
    limit: usize,
    place: &str,
) {
    let wanted = shown.range((stream, times.start)..(stream, times.end)).rev();
    let expected: Vec<Value> = wanted.map(|((_, ts), v)| json!({"at": ts, "v": v})).collect();
    for limit in [limit, 1_000_000] {
        let query = format!(
            "SELECT CAST(ts AS BIGINT) AS at, value AS v FROM readings WHERE stream_id = {stream} \
             AND ts >= '{}' AND ts < '{}' ORDER BY ts DESC LIMIT {limit}",
            Micros(times.start),
            Micros(times.end)
        );
        let found = db.sql(&env.owner, &query).await;
        assert_eq!(found, expected[..limit.min(expected.len())], "{place}: {query}");
    }
}

/// An aggregate of readings by stream and time: what has expired does not count.
pub async fn buckets(
    env: &TestEnv,
    db: &TestDb,
    shown: &BTreeMap<ReadingKey, f64>,
    rng: &mut StdRng,
    place: &str,
) {
    let (name, width) = [("1 minute", MINUTE), ("1 hour", HOUR), ("1 day", DAY), ("50 seconds", 50_000_000)]
        [rng.random_range(0..4)];
    let query = format!(
        "SELECT stream_id AS id, CAST(time_bucket('{name}', ts) AS BIGINT) AS b, count(*) AS n, \
         avg(value) AS mean, min(value) AS low, max(value) AS high FROM readings GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let found = db.sql(&env.owner, &query).await;
    let expected = by_bucket(shown, width);
    assert_eq!(found.len(), expected.len(), "{place}: {query}");
    for (row, ((id, start), of)) in found.iter().zip(&expected) {
        let exact = json!([id, start, of.count, of.min, of.max]);
        assert_eq!(
            json!([row["id"], row["b"], row["n"], row["low"], row["high"]]),
            exact,
            "{place}: {query}"
        );
        assert!(is_near(&row["mean"], of.mean, of.rms), "{place}: {query}: {row} is not {of:?}");
    }
}

/// Weeks begin on the origin of `time_bucket`, and days divide them: widths of whole seconds count from there.
fn by_bucket(rows: &BTreeMap<ReadingKey, f64>, width: i64) -> BTreeMap<ReadingKey, PlainStatistics> {
    const ORIGIN: i64 = 946_857_600_000_000;
    let mut values: BTreeMap<ReadingKey, Vec<f64>> = BTreeMap::new();
    for ((stream, ts), value) in rows {
        let start = (ts - ORIGIN).div_euclid(width) * width + ORIGIN;
        values.entry((*stream, start)).or_default().push(*value);
    }
    values.into_iter().filter_map(|(key, values)| Some((key, compute_plain(&values)?))).collect()
}

/// Steps: statistics of what has expired count, and quantiles that would need its rows are refused. Returns whether they
/// were.
pub async fn steps(
    env: &TestEnv,
    db: &TestDb,
    (model, now): (&StoreModel, i64),
    rng: &mut StdRng,
    place: &str,
) -> bool {
    let (step, width) = [("PT1M", MINUTE), ("PT1H", HOUR), ("P1D", DAY)][rng.random_range(0..3)];
    let hour = |rng: &mut StdRng| (now - rng.random_range(0..4 * DAY)).div_euclid(HOUR) * HOUR;
    let (a, b) = (hour(rng), if rng.random_bool(0.5) { now + 1 } else { hour(rng) });
    let (from, to) = (a.min(b), a.max(b));
    let quantiles = rng.random_bool(0.5);
    let query = StepQuery {
        streams: (1..=STREAMS).map(StreamId).collect(),
        from: Micros(from),
        to: Micros(to),
        step: Step::parse(step).unwrap(),
        timezone: None,
        fields: BucketFields { mean: true, rms: true, min: true, max: true, quantiles },
        overlay_posted: false,
        max_buckets: 100_000,
    };
    let place = format!("{place}: {query:?} at {now} {:?}", model.policies);
    let rows = model.rows.iter().filter(|((_, ts), _)| (from..to).contains(ts));
    let rows: BTreeMap<ReadingKey, f64> = rows.map(|(key, value)| (*key, *value)).collect();
    let needs_gone = rows.keys().any(|(stream, ts)| *ts < model.kept_from(*stream, now));
    let answer = match db.engine.query_steps(&env.owner, query).await {
        Ok(series) => series.try_collect::<Vec<Vec<BucketSeries>>>().await,
        Err(error) => Err(error),
    };
    // Expired rows of a window whose statistics are stale after a crash are still there: then the answer is exact.
    let may_be_refused = quantiles && width != MINUTE && needs_gone;
    let series = match answer {
        Ok(series) => series,
        Err(error) if may_be_refused => {
            assert_eq!((error.kind, error.fields.len()), (Kind::Invalid, 1), "{place}: {error}");
            return true;
        }
        Err(error) => panic!("{place}: {error}: {:?}", error.source),
    };
    let series = series.into_iter().flatten();
    let found: BTreeMap<ReadingKey, _> =
        series.flat_map(|one| one.buckets.into_iter().map(move |b| ((one.stream.0, b.start.0), b))).collect();
    let expected = by_bucket(&rows, width);
    let missing: Vec<&ReadingKey> = expected.keys().filter(|key| !found.contains_key(key)).collect();
    let invented: Vec<&ReadingKey> = found.keys().filter(|key| !expected.contains_key(key)).collect();
    assert!(missing.is_empty() && invented.is_empty(), "{place}: without {missing:?}, with {invented:?}");
    for (key, of) in expected {
        let bucket = found[&key];
        let exact = (bucket.count, bucket.min, bucket.max);
        assert_eq!(exact, (of.count as u64, Some(of.min), Some(of.max)), "{place} at {key:?}");
        let mut numbers = vec![(bucket.mean, of.mean), (bucket.rms, of.rms)];
        if quantiles {
            numbers.extend([bucket.q1, bucket.median, bucket.q3].into_iter().zip(of.quartiles));
        }
        let is_right = numbers.iter().all(|(number, expected)| is_near(&json!(number), *expected, of.rms));
        assert!(is_right, "{place} at {key:?}: {bucket:?} is not {of:?}");
    }
    false
}

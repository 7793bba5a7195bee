//! Tests gap filling through SQL, and against a model.

use std::collections::BTreeMap;

use arrow::array::{AsArray, Float64Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use crate::query::functions::tests::{query_rows, session};
use basalt_fuzz::rows;

const DAY: &str = "ts >= '2024-01-01T00:00:00Z' AND ts < '2024-01-01T06:00:00Z'";

/// Expands the abbreviations of a query.
fn spelled(query: &str) -> String {
    let one = "SELECT time_bucket_gapfill('2 hours', ts) b, max(value) FROM r WHERE stream_id = 2 AND";
    query
        .replace("{one}", one)
        .replace("{gapfill}", "time_bucket_gapfill('1 hour', ts)")
        .replace("{DAY}", DAY)
}

/// Expands the times of rows: `@` is the day at a one-digit hour, `#` a one-digit day of the month.
fn hours(rows: &[&str]) -> Result<Vec<String>, String> {
    Ok(rows.iter().map(|row| row.replace('@', "2024-01-01T0").replace('#', "2024-01-0")).collect())
}

#[tokio::test]
async fn every_bucket_of_every_group_has_a_row() {
    let session = session().await;
    let query = format!(
        "SELECT stream_id, time_bucket_gapfill('1 hour', ts) AS hour, avg(value), locf(avg(value)),
            interpolate(avg(value)), count(*) FROM r WHERE {DAY} GROUP BY stream_id, hour ORDER BY stream_id, hour"
    );
    let expected = hours(&[
        "1,@0:00:00,4.0,4.0,4.0,2",
        "1,@1:00:00,,4.0,4.0,",
        "1,@2:00:00,,4.0,4.0,",
        "1,@3:00:00,4.0,4.0,4.0,1",
        "1,@4:00:00,,4.0,,",
        "1,@5:00:00,,4.0,,1",
        "2,@0:00:00,,,,",
        "2,@1:00:00,,,,",
        "2,@2:00:00,20.0,20.0,20.0,1",
        "2,@3:00:00,,20.0,15.0,",
        "2,@4:00:00,10.0,10.0,10.0,1",
        "2,@5:00:00,,10.0,,",
    ]);
    assert_eq!(query_rows(&session, &query).await, expected);
}

const FORMS: &[(&str, &str, &[&str])] = &rows![
    "between", "{one} ts BETWEEN '2024-01-01' AND '2024-01-01T02:00:00Z' GROUP BY b",
        &["@0:00:00,", "@2:00:00,20.0"];
    "an_end_is_not_in_it", "{one} ts > '2024-01-01' AND '2024-01-01T02:00:00Z' > ts GROUP BY b", &["@0:00:00,"];
    "a_start_within_a_bucket", "{one} ts >= '2024-01-01T03:00:00Z' AND ts < '2024-01-01T04:00:00Z' GROUP BY 1",
        &["@2:00:00,"];
    "the_narrowest_counts", "{one} ts >= '2023-01-01' AND ts > '2024-01-01' AND ts <= '2024-01-01T01:00:00Z' AND ts < '2025-01-01' GROUP BY 1",
        &["@0:00:00,"];
    "computed_bounds", "{one} ts >= TIMESTAMP '2024-01-02T02:00:00' - INTERVAL '1 day' AND ts < to_timestamp('2024-01-01T04:00:00Z') GROUP BY 1",
        &["@2:00:00,20.0"];
    "an_instant", "{one} ts = '2024-01-01T02:00:00Z' GROUP BY b", &["@2:00:00,20.0"];
    "an_empty_range", "{one} ts >= '2024-01-02' AND ts < '2024-01-01' GROUP BY b", &[];
    "no_rows_are_all_gaps", "{one} ts >= '2024-01-01T06:00:00Z' AND ts < '2024-01-01T09:00:00Z' GROUP BY b",
        &["@6:00:00,", "@8:00:00,"];
    "but_not_of_no_group", "SELECT stream_id, time_bucket_gapfill('1 hour', ts) b FROM r WHERE ts >= '2025-01-01' AND ts < '2025-01-02' GROUP BY 1, 2",
        &[];
    "having_makes_gaps", "SELECT time_bucket_gapfill('3 hours', ts) b, count(value) FROM r WHERE {DAY} GROUP BY b HAVING count(value) > 2 ORDER BY b",
        &["@0:00:00,3", "@3:00:00,"];
    "in_a_subquery", "SELECT count(*) FROM (SELECT time_bucket_gapfill('1 minute', ts) b FROM r WHERE {DAY} GROUP BY b)",
        &["360"];
    "of_a_subquery", "SELECT time_bucket_gapfill('4 hours', t.at) b, min(v) FROM (SELECT ts AS at, value AS v, stream_id AS s FROM r WHERE ts < '2024-01-01T08:00:00Z') t WHERE at >= '2024-01-01' AND s = 2 GROUP BY b",
        &["@0:00:00,20.0", "@4:00:00,10.0"];
    "of_a_join", "SELECT time_bucket_gapfill('4 hours', a.ts) b, count(*) FROM r a JOIN r c ON a.ts = c.ts WHERE a.ts >= '2024-01-01' AND a.ts < '2024-01-01T09:00:00Z' GROUP BY b ORDER BY b",
        &["@0:00:00,4", "@4:00:00,2", "@8:00:00,"];
    "in_a_zone", "SELECT time_bucket_gapfill('1 day', ts, 'Europe/Berlin') b, count(*) FROM r WHERE ts >= '2024-01-01' AND ts < '2024-01-02' GROUP BY b ORDER BY b",
        &["2023-12-31T23:00:00,6", "#1T23:00:00,"];
    "months", "SELECT time_bucket_gapfill('1 month', ts) b, locf(count(*)) FROM r WHERE ts >= '2023-12-15' AND ts < '2024-02-15' GROUP BY b ORDER BY b",
        &["2023-12-01T00:00:00,", "#1T00:00:00,6", "2024-02-01T00:00:00,6"];
    "fills_within_expressions", "SELECT time_bucket_gapfill('3 hours', ts) b, round(locf(max(value)) / 2, 1) + 1 AS x, coalesce(max(value), 0) FROM r WHERE {DAY} AND stream_id = 2 AND value > 15 GROUP BY b ORDER BY b",
        &["@0:00:00,11.0,20.0", "@3:00:00,11.0,0.0"];
    "fills_of_expressions", "SELECT time_bucket_gapfill('2 hours', ts) b, interpolate(sum(value) * 2), locf(last(text, ts)) FROM r WHERE {DAY} AND stream_id = 1 GROUP BY b ORDER BY b",
        &["@0:00:00,16.0,b", "@2:00:00,8.0,c", "@4:00:00,,d"];
    "a_line_through_whole_numbers", "SELECT time_bucket_gapfill('1 hour', ts) b, interpolate(count(*)) FROM r WHERE {DAY} AND stream_id = 2 AND ts > '2024-01-01T01:00:00Z' GROUP BY b ORDER BY b LIMIT 3",
        &["@1:00:00,", "@2:00:00,1.0", "@3:00:00,1.0"];
    "under_window_functions", "SELECT time_bucket_gapfill('3 hours', ts) b, lag(locf(max(value))) OVER (ORDER BY time_bucket_gapfill('3 hours', ts)), locf(max(value)) FROM r WHERE {DAY} GROUP BY b ORDER BY b",
        &["@0:00:00,,20.0", "@3:00:00,20.0,10.0"];
    "backwards", "SELECT time_bucket_gapfill('3 hours', ts) b, max(value) FROM r WHERE {DAY} GROUP BY b ORDER BY b DESC",
        &["@3:00:00,10.0", "@0:00:00,20.0"];
    "filtered_above", "SELECT b FROM (SELECT time_bucket_gapfill('1 hour', ts) b, max(value) m FROM r WHERE {DAY} GROUP BY b) WHERE m IS NULL ORDER BY b",
        &["@1:00:00", "@5:00:00"];
    "only_the_first_of_very_many", "SELECT time_bucket_gapfill('1 microsecond', ts) b FROM r WHERE ts >= '2024-01-01' AND ts < '2025-01-01' GROUP BY b ORDER BY b LIMIT 2",
        &["#1T00:00:00", "#1T00:00:00.000001"];
];

#[tokio::test]
async fn forms_of_the_query() {
    let session = session().await;
    for (name, query, expected) in FORMS {
        assert_eq!(query_rows(&session, &spelled(query)).await, hours(expected), "{name}");
    }
}
const REFUSALS: &[(&str, &str)] = &rows![
    "SELECT {gapfill} b, avg(value) FROM r GROUP BY b",
        "time_bucket_gapfill needs the range to fill: WHERE has no start of it";
    "SELECT {gapfill} b FROM r WHERE ts >= '2024-01-01' GROUP BY b", "WHERE has no end of it";
    "SELECT {gapfill} b FROM r WHERE ts >= '2024-01-01' OR ts < '2024-01-02' GROUP BY b",
        "WHERE has no start of it";
    "SELECT {gapfill} b FROM r WHERE ts >= (SELECT min(ts) FROM r) AND ts < '2024-01-02' GROUP BY b",
        "WHERE has no start of it";
    "SELECT {gapfill} b FROM r WHERE ts >= NULL AND ts < '2024-01-02' GROUP BY b",
        "must not begin or end with NULL";
    "SELECT {gapfill} FROM r WHERE {DAY}", "time_bucket_gapfill can only be used in the GROUP BY of a SELECT";
    "SELECT date_trunc('day', {gapfill}) b FROM r WHERE {DAY} GROUP BY b",
        "must be a GROUP BY expression of its own";
    "SELECT {gapfill} b, time_bucket_gapfill('2 hours', ts) c FROM r WHERE {DAY} GROUP BY b, c",
        "can group by only one time_bucket_gapfill";
    "SELECT {gapfill} b, stream_id FROM r WHERE {DAY} GROUP BY ROLLUP (b, stream_id)",
        "must be a GROUP BY expression of its own";
    "SELECT time_bucket_gapfill('1 day', ts, text) b FROM r WHERE {DAY} GROUP BY b",
        "interval and timezone must be constants";
    "SELECT time_bucket_gapfill('1 day 1 month', ts) b FROM r WHERE {DAY} GROUP BY b",
        "time_bucket_gapfill: the interval mixes months";
    "SELECT time_bucket_gapfill('1 day', ts, 'Nowhere') b FROM r WHERE {DAY} GROUP BY b",
        "time_bucket_gapfill: there is no timezone `Nowhere`";
    "SELECT time_bucket_gapfill(NULL, ts) b FROM r WHERE {DAY} GROUP BY b",
        "interval and timezone must not be NULL";
    "SELECT locf(value) FROM r",
        "locf fills gaps of time_bucket_gapfill: the same SELECT must have it in its GROUP BY";
    "SELECT interpolate(avg(value)) FROM r", "interpolate fills gaps of time_bucket_gapfill";
    "SELECT {gapfill} b, locf(interpolate(avg(value))) FROM r WHERE {DAY} GROUP BY b",
        "locf cannot be used inside another filling function";
    "SELECT {gapfill} b FROM r WHERE {DAY} GROUP BY b HAVING locf(avg(value)) > 1",
        "locf and interpolate can only be used in the list of a SELECT";
    "SELECT {gapfill} b, interpolate(max(text)) FROM r WHERE {DAY} GROUP BY b",
        "`interpolate(aggregate)` takes a number, not Utf8";
    "SELECT {gapfill} b, locf(avg(value), 1) FROM r WHERE {DAY} GROUP BY b",
        "`locf(aggregate)` was given 2 arguments";
    "SELECT time_bucket_gapfill('1 hour') FROM r",
        "`time_bucket_gapfill(interval, ts [, timezone])` was given 1 arguments";
];

#[tokio::test]
async fn refusals_say_what_is_missing() {
    let session = session().await;
    for (query, words) in REFUSALS {
        let refusal = query_rows(&session, &spelled(query)).await.expect_err(query);
        assert!(refusal.contains(words), "{query}: {refusal}");
    }
}

#[tokio::test]
async fn explain_shows_the_operator_above_an_ordinary_aggregation() {
    let session = session().await;
    let query = format!(
        "EXPLAIN SELECT time_bucket_gapfill('1 hour', ts) b, locf(avg(value)) FROM r WHERE {DAY} GROUP BY b"
    );
    let plan = query_rows(&session, &query).await.unwrap().join("\n");
    for part in [
        "GapFill: ",
        "GapFillExec: ",
        "from=2024-01-01T00:00:00Z, until=2024-01-01T06:00:00Z",
        "time_bucket(",
    ] {
        assert!(plan.contains(part), "{part} in\n{plan}");
    }
}

#[tokio::test]
async fn gaps_without_end_take_no_memory_and_can_be_stopped() {
    let session = session().await;
    let pool = session.runtime_env().memory_pool.clone();
    let query =
        "SELECT count(*) FROM (SELECT time_bucket_gapfill('1 microsecond', ts) b, locf(max(value)) FROM r
        WHERE ts >= '2024-01-01' AND ts < '2025-01-01' GROUP BY b)";
    let endless = session.sql(query).await.unwrap().collect();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(300), endless).await.is_err());
    // The runtime drops aborted tasks of the plan when it next polls them.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.reserved(), 0);
}

const MINUTE: i64 = 60_000_000;
/// 2024-01-01 in minutes.
const START: i64 = 28_401_120;

fn table(rows: &BTreeMap<(i32, i64), Option<f64>>) -> SessionContext {
    let session = SessionContext::new_with_state(
        crate::query::functions::register(
            datafusion::execution::session_state::SessionStateBuilder::new_with_default_features(),
        )
        .with_config(datafusion::prelude::SessionConfig::new().with_batch_size(7).with_target_partitions(2))
        .build(),
    );
    let streams: Int32Array = rows.keys().map(|k| Some(k.0)).collect();
    let times: TimestampMicrosecondArray = rows.keys().map(|k| Some((START + k.1) * MINUTE)).collect();
    let values: Float64Array = rows.values().copied().collect();
    let batch = RecordBatch::try_from_iter([
        ("s", std::sync::Arc::new(streams) as arrow::array::ArrayRef),
        ("ts", std::sync::Arc::new(times)),
        ("v", std::sync::Arc::new(values)),
    ]);
    session.register_batch("t", batch.unwrap()).unwrap();
    session
}

type BucketRow = (i32, i64, Option<f64>, Option<f64>, Option<f64>);

/// Every minute of every stream that has a row in the range: value, carried value, interpolated value.
fn model(rows: &BTreeMap<(i32, i64), Option<f64>>, (from, until): (i64, i64)) -> Vec<BucketRow> {
    let mut filled = Vec::new();
    for stream in 0..3 {
        let known = |minute: i64| rows.get(&(stream, minute)).copied().flatten();
        if !(from..until).any(|m| rows.contains_key(&(stream, m))) {
            continue;
        }
        for minute in from..until {
            let before = (from..=minute).rev().find_map(|m| known(m).map(|v| (m, v)));
            let after = (minute..until).find_map(|m| known(m).map(|v| (m, v)));
            let line = before.zip(after).map(|((m0, v0), (m1, v1))| match m1 - m0 {
                0 => v0,
                minutes => v0 + (v1 - v0) * (minute - m0) as f64 / minutes as f64,
            });
            filled.push((stream, minute, known(minute), before.map(|b| b.1), line));
        }
    }
    filled
}

async fn query_filled(session: &SessionContext, (from, until): (i64, i64)) -> Vec<BucketRow> {
    let at = |minute: i64| crate::domain::Micros((START + minute) * MINUTE).to_iso();
    let query = format!(
        "SELECT s, time_bucket_gapfill('1 minute', ts) b, max(v), locf(max(v)), interpolate(max(v)) FROM t
         WHERE ts >= '{}' AND ts < '{}' GROUP BY s, b ORDER BY s, b",
        at(from),
        at(until)
    );
    let batches = session.sql(&query).await.unwrap().collect().await.unwrap();
    let rows = |batch: &RecordBatch| {
        let streams = batch.column(0).as_primitive::<Int32Type>().values().to_vec();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values().to_vec();
        let [value, carried, line] =
            [2, 3, 4].map(|i| batch.column(i).as_primitive::<Float64Type>().iter().collect::<Vec<_>>());
        let row = |i: usize| (streams[i], times[i] / MINUTE - START, value[i], carried[i], line[i]);
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    };
    batches.iter().flat_map(rows).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_rows_and_any_range_are_filled_as_the_model_says(
        rows in prop::collection::btree_map((0i32..3, 0i64..60), prop::option::of(-9i32..9), 0..40),
        from in 0i64..50,
        minutes in 1i64..60,
    ) {
        let rows: BTreeMap<_, _> = rows.into_iter().map(|(k, v)| (k, v.map(f64::from))).collect();
        let range = (from, from + minutes);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let got = runtime.block_on(async { query_filled(&table(&rows), range).await });
        let expected = model(&rows, range);
        prop_assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            prop_assert_eq!((got.0, got.1, got.2, got.3), (expected.0, expected.1, expected.2, expected.3));
            let near = got.4.zip(expected.4).map_or(got.4 == expected.4, |(a, b)| (a - b).abs() < 1e-9);
            prop_assert!(near, "{:?} {:?}", got, expected);
        }
    }
}

//! Tests the functions through SQL, over a small table in several partitions.

use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

const TABLE: &str = "CREATE TABLE r AS SELECT * FROM (VALUES
    (1, TIMESTAMP '2024-01-01T00:00:00Z', 1.0, 'a'), (1, TIMESTAMP '2024-01-01T00:10:00Z', 7.0, 'b'),
    (1, TIMESTAMP '2024-01-01T03:30:00Z', 4.0, 'c'), (1, TIMESTAMP '2024-01-01T05:00:00Z', NULL, 'd'),
    (2, TIMESTAMP '2024-01-01T02:00:00Z', 20.0, 'e'), (2, TIMESTAMP '2024-01-01T04:00:00Z', 10.0, NULL))
    AS t(stream_id, ts, value, text)";

pub async fn session() -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(3).with_batch_size(2);
    let builder = SessionStateBuilder::new_with_default_features().with_config(config);
    let session = SessionContext::new_with_state(register(builder).build());
    session.sql(TABLE).await.unwrap().collect().await.unwrap();
    session
}

/// Returns the rows of a result, cells joined by a comma, or the error message.
pub async fn query_rows(session: &SessionContext, query: &str) -> Result<Vec<String>, String> {
    let words = |e: datafusion::error::DataFusionError| crate::query::error::from_datafusion(e).message;
    let batches = session.sql(query).await.map_err(words)?.collect().await.map_err(words)?;
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let cells = |line: &str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",");
    Ok(table.lines().skip(3).filter(|l| l.starts_with('|')).map(cells).collect())
}

const ANSWERS: &[(&str, &str, &[&str])] = &[
    ("bucket", "SELECT time_bucket('1 hour', TIMESTAMP '2024-05-05T10:59:00')", &["2024-05-05T10:00:00"]),
    (
        "bucket_of_an_interval",
        "SELECT time_bucket(INTERVAL '15 minutes', TIMESTAMP '2024-05-05T10:59:00')",
        &["2024-05-05T10:45:00"],
    ),
    (
        "bucket_of_a_text",
        "SELECT time_bucket('1 day', '2024-05-05T10:59:00+02:00')",
        &["2024-05-05T00:00:00Z"],
    ),
    (
        "bucket_in_a_zone",
        "SELECT time_bucket('1 day', '2024-05-05T23:00:00Z', 'Europe/Berlin')",
        &["2024-05-05T22:00:00Z"],
    ),
    ("bucket_of_a_date", "SELECT time_bucket('1 month', DATE '2024-05-05')", &["2024-05-01T00:00:00Z"]),
    (
        "bucket_of_nothing",
        "SELECT time_bucket('1 day', NULL), time_bucket(NULL, now()), time_bucket('1 day', now(), NULL)",
        &[",,"],
    ),
    (
        "bucket_of_a_column",
        "SELECT time_bucket('2 hours', ts) b, count(*) FROM r GROUP BY b ORDER BY b",
        &["2024-01-01T00:00:00,2", "2024-01-01T02:00:00,2", "2024-01-01T04:00:00,2"],
    ),
    (
        "rms",
        "SELECT stream_id, rms(value), rms(value) FILTER (WHERE value > 9) FROM r GROUP BY stream_id ORDER BY 1",
        &["1,4.69041575982343,", "2,15.811388300841896,15.811388300841896"],
    ),
    ("rms_of_all", "SELECT rms(value * 1e200) / 1e200 FROM r WHERE stream_id = 1", &["4.69041575982343"]),
    ("rms_of_whole_numbers", "SELECT rms(stream_id) FROM r WHERE stream_id = 2", &["2.0"]),
    (
        "rms_of_nothing",
        "SELECT rms(value), first(value, ts), delta(value, ts), lttb(ts, value, 3) FROM r WHERE stream_id = 9",
        &[",,,"],
    ),
    (
        "rms_in_a_window",
        "SELECT rms(value) OVER (ORDER BY ts) FROM r WHERE stream_id = 2",
        &["20.0", "15.811388300841896"],
    ),
    (
        "first_and_last",
        "SELECT stream_id, first(value, ts), last(value, ts), first(text, ts), last(text, ts) FROM r GROUP BY stream_id ORDER BY 1",
        &["1,1.0,,a,d", "2,20.0,10.0,e,"],
    ),
    (
        "last_that_is_known",
        "SELECT last(value, ts) FILTER (WHERE value IS NOT NULL) FROM r WHERE stream_id = 1",
        &["4.0"],
    ),
    ("last_by_a_number", "SELECT last(text, stream_id) FROM r WHERE stream_id <> 2 OR text = 'e'", &["e"]),
    (
        "delta_and_rate",
        "SELECT stream_id, delta(value, ts), rate(value, ts) * 3600 FROM r GROUP BY stream_id ORDER BY 1",
        &["1,10.0,2.857142857142857", "2,10.0,5.0"],
    ),
    (
        "lttb",
        "SELECT p['ts'], p['value'] FROM (SELECT unnest(lttb(ts, value, 3)) AS p FROM r)",
        &["2024-01-01T00:00:00,1.0", "2024-01-01T02:00:00,20.0", "2024-01-01T04:00:00,10.0"],
    ),
    (
        "lttb_of_few",
        "SELECT stream_id, cardinality(lttb(ts, value, 100)) FROM r GROUP BY stream_id ORDER BY 1",
        &["1,3", "2,2"],
    ),
];

#[tokio::test]
async fn answers() {
    let session = session().await;
    for (name, query, expected) in ANSWERS {
        let expected = expected.iter().map(|row| (*row).to_owned()).collect();
        assert_eq!(query_rows(&session, query).await, Ok(expected), "{name}");
    }
}

const REFUSALS: &[(&str, &str)] = &[
    ("SELECT time_bucket('1 hour')", "`time_bucket(interval, ts [, timezone])` was given 1 arguments"),
    (
        "SELECT time_bucket('1 hour', 5)",
        "`time_bucket(interval, ts [, timezone])`: ts must be a timestamp, not Int64",
    ),
    (
        "SELECT time_bucket(5, now())",
        "`time_bucket(interval, ts [, timezone])`: interval must be an interval, such as '1 hour', not Int64",
    ),
    ("SELECT time_bucket('1 hour', now(), 5)", "timezone must be a text, not Int64"),
    (
        "SELECT time_bucket('1 hour', ts, text) FROM r",
        "time_bucket: timezone must be a constant, not a column",
    ),
    (
        "SELECT time_bucket('soon', ts) FROM r",
        "time_bucket: the interval `soon` cannot be read; write it as `1 hour`",
    ),
    ("SELECT time_bucket('0 days', ts) FROM r", "time_bucket: the interval must be longer than zero"),
    (
        "SELECT time_bucket('1 day', ts, 'Mars/Olympus') FROM r",
        "time_bucket: there is no timezone `Mars/Olympus`; names are as in `Europe/Berlin`",
    ),
    ("SELECT rms(text) FROM r", "`rms(value)`: value must be a number, not Utf8"),
    ("SELECT rms(DISTINCT value), rms(value) FROM r", "rms does not take DISTINCT"),
    ("SELECT first(value) FROM r", "`first(value, ts)` was given 1 arguments"),
    (
        "SELECT last(value, value) FROM r",
        "`last(value, ts)`: ts must be a timestamp or a whole number, not Float64",
    ),
    ("SELECT rate(value, text) FROM r", "Error parsing timestamp from 'a'"),
    ("SELECT delta(text, ts) FROM r", "`delta(value, ts)`: value must be a number, not Utf8"),
    ("SELECT lttb(ts, value, 2) FROM r", "`lttb(ts, value, n)`: n must be at least 3, not 2"),
    ("SELECT lttb(ts, value, stream_id) FROM r", "`lttb(ts, value, n)`: n must be a constant whole number"),
    ("SELECT lttb(ts, value, 2.5) FROM r", "n must be a whole number, not Float64"),
];

#[tokio::test]
async fn refusals_name_function_and_argument() {
    let session = session().await;
    for (query, words) in REFUSALS {
        let refusal = query_rows(&session, query).await.expect_err(query);
        assert!(refusal.contains(words), "{query}: {refusal}");
    }
}

//! Plans of aggregates: computed rows of whole windows, readings at the edges, and which questions are rewritten.

use basalt::domain::reading::Reading;
use basalt::domain::{Micros, StreamId};
use basalt::store::statistics::rows;
use serde_json::json;

use crate::in_process::{MINUTE, NOW, TestEnv};
use crate::support::rows;

const HOUR: i64 = 60 * MINUTE;

/// A computed row that says something else than the readings shows that it is what an aggregate reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_windows_are_read_from_computed_rows_and_edges_from_readings() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let start = NOW - HOUR;
    let rows = (0..30 * 60).map(|s| Reading::good(StreamId(1), Micros(start + s * 1_000_000), 1.0));
    db.store.write(&env.owner, rows.collect()).await.unwrap();
    db.store.flush().await.unwrap();
    db.store.compute_statistics().await.unwrap();
    // The window at 10 minutes, forged.
    let forged = rows::WindowRow {
        stream: 1,
        start: start + 10 * MINUTE,
        length: MINUTE,
        rows: 60,
        summary: basalt::store::statistics::window_summary::WindowSummary::of(&mut [1000.0; 60]),
    };
    let forged = rows::computed_batch(&[forged], 0);
    let table = basalt::store::table::Table::Statistics;
    let forged = basalt::store::upsert_rows::UpsertRows::new(table, forged).unwrap();
    db.store.upsert(&env.owner, forged).await.unwrap();
    for stage in ["in memory", "in the lake", "compacted"] {
        for (from, to, bucket, expected) in [
            (0, 30 * 60, "30 minutes", 1000.0),
            (600, 660, "1 hour", 1000.0),
            (601, 660, "1 hour", 1.0),
            (600, 659, "1 hour", 1.0),
            (0, 30 * 60, "7 seconds", 1.0),
        ] {
            let at = |seconds: i64| Micros(start + seconds * 1_000_000);
            let query = format!(
                "SELECT max(high) AS high FROM (SELECT time_bucket('{bucket}', ts) AS b, max(value) AS high \
                 FROM readings WHERE stream_id = 1 AND ts >= '{}' AND ts < '{}' GROUP BY b)",
                at(from),
                at(to)
            );
            let found = db.sql(&env.owner, &query).await;
            assert_eq!(found, [json!({"high": expected})], "{stage}: {query}");
        }
        match stage {
            "in memory" => db.store.flush().await.unwrap(),
            _ => drop(db.compact().await.unwrap()),
        }
    }
    // A row written into the window makes it raw again.
    let late = Reading::good(StreamId(1), Micros(start + 10 * MINUTE + 1), 2.0);
    db.store.write(&env.owner, [late].into_iter().collect()).await.unwrap();
    let found = db.sql(&env.owner, "SELECT max(value) AS high FROM readings").await;
    assert_eq!(found, [json!({"high": 2.0})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_questions_that_statistics_answer_exactly_are_rewritten() {
    let (env, _dir, db) = TestEnv::open_new(2).await;
    let hour = "time_bucket('1 hour', ts)";
    for (query, expected) in rows![
        "SELECT count(*) FROM readings".to_owned(), true;
        "SELECT count(1), count(value), count(ts) FROM readings r WHERE r.stream_id = 1".to_owned(), true;
        format!("SELECT {hour} AS h, avg(value) FROM readings GROUP BY h ORDER BY h LIMIT 3"), true;
        format!("SELECT {hour} AS h, avg(value) AS m FROM readings GROUP BY h HAVING avg(value) > 1"), true;
        "SELECT stream_id, max(v) FROM (SELECT stream_id, value AS v FROM readings) x GROUP BY 1".to_owned(), true;
        "SELECT date_trunc('week', ts), rms(value) FROM readings WHERE ts > now() - INTERVAL '1 day' GROUP BY 1".to_owned(), true;
        "SELECT time_bucket_gapfill('1 hour', ts) AS h, locf(avg(value)) FROM readings \
             WHERE ts >= '2026-04-01' AND ts < '2026-04-02' GROUP BY h".to_owned(),
            true;
        "SELECT DISTINCT stream_id FROM readings".to_owned(), true;
        "SELECT a, b, count(*) FROM (SELECT stream_id AS a, stream_id AS b FROM readings) x GROUP BY a, b".to_owned(), true;
        "SELECT stream_id, avg(value) FROM readings GROUP BY stream_id, ts".to_owned(), false;
        "SELECT stream_id, avg(value) FROM (SELECT -stream_id AS stream_id, value FROM readings) x GROUP BY 1".to_owned(), false;
        "SELECT count(text) FROM readings".to_owned(), false;
        "SELECT max(ts) FROM readings".to_owned(), false;
        "SELECT avg(value * 2) FROM readings".to_owned(), false;
        "SELECT avg(DISTINCT value) FROM readings".to_owned(), false;
        "SELECT avg(value) FILTER (WHERE value > 1) FROM readings".to_owned(), false;
        "SELECT avg(value) FROM readings WHERE value > 1".to_owned(), false;
        "SELECT avg(value) FROM readings WHERE quality = 'good'".to_owned(), false;
        "SELECT avg(value) FROM readings WHERE ts < '2026-04-01' OR ts > '2026-04-02'".to_owned(), false;
        "SELECT avg(value) FROM readings WHERE date_part('hour', ts) = 3".to_owned(), false;
        "SELECT quality, count(*) FROM readings GROUP BY quality".to_owned(), false;
        "SELECT avg(value) FROM (SELECT value FROM readings LIMIT 5) x".to_owned(), false;
        format!("SELECT {hour} AS h, stream_id, avg(value) FROM readings GROUP BY ROLLUP (h, stream_id)"), false;
    ] {
        db.sql(&env.owner, &query).await;
        let plan = db.sql(&env.owner, &format!("EXPLAIN {query}")).await;
        let text = json!(plan).to_string();
        let text = text.replace("\\n", "\n");
        assert_eq!(text.contains("Rollup"), expected, "{query}\n{text}");
        assert_eq!(text.contains("VisibleRows"), !expected, "{query}\n{text}");
    }
}

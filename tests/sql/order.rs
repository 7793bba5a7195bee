//! What a plan knows of the order of rows: those of one stream lie by time and are not sorted for it.

use basalt::domain::reading::Reading;
use basalt::domain::{Micros, StreamId};
use serde_json::json;

use crate::inside::{DAY, Ground, NOW};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_one_stream_are_sorted_only_for_another_order() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    // Two days in files, one of them with late rows, and a day in memory.
    let start = NOW - 3 * DAY;
    for (from, count) in [(start, 20), (start - 5, 3), (start + DAY, 20), (start + 2 * DAY, 20)] {
        let rows =
            (0..count).flat_map(|i| [1, 2].map(|s| Reading::good(StreamId(s), Micros(from + i), i as f64)));
        inside.store.write(&ground.owner, rows.collect()).await.unwrap();
        if from < start + 2 * DAY {
            inside.store.flush().await.unwrap();
        }
    }
    for (question, is_sorted) in [
        ("SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts", false),
        (
            "SELECT value FROM readings WHERE stream_id = 1 AND ts > '2020-01-01' ORDER BY stream_id, ts",
            false,
        ),
        ("SELECT * FROM readings r WHERE r.stream_id = 1 ORDER BY r.ts, r.value LIMIT 7", true),
        ("SELECT ts FROM readings WHERE stream_id IN (1) ORDER BY ts", false),
        ("SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts DESC", true),
        ("SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY value", true),
        ("SELECT ts, value FROM readings WHERE stream_id IN (1, 2) ORDER BY ts", true),
        ("SELECT ts, value FROM readings ORDER BY stream_id, ts", true),
    ] {
        let plan = json!(inside.sql(&ground.owner, &format!("EXPLAIN {question}")).await).to_string();
        assert_eq!(plan.contains("SortExec"), is_sorted, "{question}: {plan}");
    }
    let by_time = "SELECT CAST(ts AS BIGINT) AS ts FROM readings WHERE stream_id = 2 ORDER BY ts";
    let found: Vec<_> = inside.sql(&ground.owner, by_time).await;
    let days = [(start - 5, 3), (start, 20), (start + DAY, 20), (start + 2 * DAY, 20)]
        .into_iter()
        .flat_map(|(from, n)| from..from + n);
    assert_eq!(found, days.map(|ts| json!({"ts": ts})).collect::<Vec<_>>());
}

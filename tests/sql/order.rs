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
    // A day in files with late rows, one in two files without, and a day in memory.
    let start = NOW - 3 * DAY;
    let in_memory = 2 * DAY;
    let row = |stream, at: i64| Reading::good(StreamId(stream), Micros(start + at), at as f64);
    for (from, count) in [(0, 20), (-5, 3), (DAY, 20), (DAY + 50, 20), (in_memory, 20)] {
        let rows = (from..from + count).flat_map(|at| [row(1, at), row(2, at)]);
        inside.store.write(&ground.owner, rows.collect()).await.unwrap();
        if from != in_memory {
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
    let by_time = "SELECT value FROM readings WHERE stream_id = 2 ORDER BY ts";
    let found = inside.sql(&ground.owner, by_time).await;
    let times = [(-5, 3), (0, 20), (DAY, 20), (DAY + 50, 20), (in_memory, 20)];
    let times = times.into_iter().flat_map(|(from, count)| from..from + count);
    assert_eq!(found, times.map(|at| json!({"value": at as f64})).collect::<Vec<_>>());
}

//! Commits of which nobody knows whether they were made: what they hold counts once, however often it is written again.

use basalt::domain::Micros;
use serde_json::json;

use super::faults::{open, readings, rows};
use super::faulty_steps::FaultySteps;
use super::last_contact::message;
use super::lossy::LossyDisk;
use crate::in_process::{MINUTE, NOW, TestDb, TestEnv};

/// Minutes with a reading of each of two streams: they are whole hours and parts of hours, all of them over.
const MINUTES: i64 = 100;

async fn flush_and_compute(db: &TestDb) -> basalt::domain::Result<()> {
    db.store.flush().await?;
    db.store.compute_statistics().await.map(drop)
}

/// Every kind of row once: readings as they are stored and by their statistics of windows and of hours, and messages.
async fn check(env: &TestEnv, db: &TestDb, place: &str) {
    for (query, expected) in [
        ("SELECT count(*) AS n FROM messages", vec![1]),
        ("SELECT count(value) AS n FROM readings WHERE value > 0", vec![2 * MINUTES]),
        ("SELECT count(*) AS n FROM statistics", vec![2 * MINUTES]),
        ("SELECT count(*) AS n FROM readings GROUP BY stream_id", vec![MINUTES; 2]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|n| json!({ "n": n })).collect();
        assert_eq!(db.sql(&env.owner, query).await, expected, "{place}: {query}");
    }
}

/// Failures in a row take the attempts to mend the first one too, so that the outcome stays unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_although_it_failed_is_counted_once_in_every_table() {
    let env = TestEnv::new(3).await;
    let ts = Micros(NOW - 200 * MINUTE);
    for (way, count) in [2, 4].into_iter().enumerate() {
        let FaultySteps { first, stride } = FaultySteps::new(way, 4);
        for n in (first..).step_by(stride) {
            let disk = LossyDisk::new();
            let db = open(&env, &disk, "fresh").await;
            let written = readings(&rows(0..MINUTES, 1.0));
            db.store.write_messages(&env.owner, &[message(ts, ts)], written).await.unwrap();
            disk.fail_steps(n, count);
            let done = flush_and_compute(&db).await;
            let Some((op, path)) = disk.failed() else {
                done.expect("no step failed");
                assert!(n > 40, "it has more steps than {n}");
                break;
            };
            let place = format!("{count} from step {n}, {op:?} of `{}`", path.display());
            for _ in 0..2 {
                flush_and_compute(&db).await.unwrap_or_else(|e| panic!("{place}: {e}"));
            }
            check(&env, &db, &place).await;
            // As the Delta logs have it, which is what other readers see.
            drop(db);
            let disk = disk.process_end();
            let place = format!("{place}, after a restart");
            check(&env, &open(&env, &disk, &place).await, &place).await;
        }
    }
}

//! Compaction changes files, never answers, and takes nothing from under a running query.

use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Micros, StreamId};
use basalt::query::list::List;
use basalt::query::values::ValuesQuery;
use futures::TryStreamExt;
use serde_json::json;

use crate::inside::{Ground, Inside, MINUTE, NOW};

const COUNT: &str = "SELECT count(*) AS n, sum(value) AS total FROM readings";

/// `rows` minutes of two streams from `first` on, all of one value.
fn rows(first: i64, rows: i64, value: f64) -> Readings {
    let minutes = first..first + rows;
    let reading = |m, s| Reading::good(StreamId(s), Micros(NOW - MINUTE * 1000 + m * MINUTE), value);
    minutes.flat_map(|m| [reading(m, 1), reading(m, 2)]).collect()
}

/// Parquet files on disk, by name.
fn files(inside: &Inside) -> Vec<std::path::PathBuf> {
    let snapshot = inside.store.snapshot();
    let days = std::fs::read_dir(snapshot.lake_dir.as_ref()).unwrap().map(|e| e.unwrap().path());
    let days = days.filter(|d| d.file_name().unwrap().to_str().unwrap().starts_with("date="));
    days.flat_map(|day| std::fs::read_dir(day).unwrap().map(|e| e.unwrap().path())).collect()
}

fn live(inside: &Inside) -> usize {
    inside.store.snapshot().lake.files().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_become_one_a_day_and_answers_stay() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    for n in 0..20 {
        inside.store.write(&ground.owner, rows(n * 10, 10, 1.0)).await.unwrap();
        inside.store.flush().await.unwrap();
    }
    // Overwritten, in files of their own.
    inside.store.write(&ground.owner, rows(50, 20, 5.0)).await.unwrap();
    inside.store.flush().await.unwrap();
    let before = inside.sql(&ground.owner, COUNT).await;
    assert_eq!(before, [json!({"n": 400, "total": 400.0 + 4.0 * 40.0})]);
    let days = inside.store.snapshot().lake.days().len();

    assert!(inside.store.compact().await.unwrap() > 20);
    assert_eq!(live(&inside), days);
    assert!(inside.store.snapshot().lake.files().all(|f| !f.is_late));
    assert_eq!(inside.sql(&ground.owner, COUNT).await, before);
    assert_eq!(inside.store.compact().await.unwrap(), 0, "there is nothing left to merge");
    assert_eq!(files(&inside).len(), days, "replaced files are gone");

    // What is written after wins over what was merged.
    inside.store.write(&ground.owner, rows(50, 1, 7.0)).await.unwrap();
    let after = [json!({"n": 400, "total": 560.0 + 2.0 * 2.0})];
    assert_eq!(inside.sql(&ground.owner, COUNT).await, after);
    inside.store.compact().await.unwrap();
    assert_eq!(inside.sql(&ground.owner, COUNT).await, after);
    drop(inside);
    let inside = ground.open_local(dir.path()).await;
    assert_eq!(inside.sql(&ground.owner, COUNT).await, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_keeps_its_files() {
    let ground = Ground::new(3).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    for n in 0..4 {
        inside.store.write(&ground.owner, rows(n * 250, 250, 1.0)).await.unwrap();
        inside.store.flush().await.unwrap();
    }
    let pinned = inside.store.snapshot();
    let old: Vec<_> = pinned.lake.files().map(|f| pinned.lake_dir.join(&f.path)).collect();
    let query = ValuesQuery { list: List { from: Some(Micros(0)), ..List::default() }, bad: false };
    let listed = inside.engine.values(&ground.owner, query).await.unwrap();
    inside.store.compact().await.unwrap();
    inside.store.compact().await.unwrap();
    assert!(old.iter().all(|path| path.exists()), "a pinned file is gone");
    let listed: Vec<Readings> = listed.try_collect().await.unwrap();
    assert_eq!(listed.iter().map(Readings::len).sum::<usize>(), 2000);
    drop(pinned);
    // The query's own pin goes with its task, a moment after its last row.
    for _ in 0..200 {
        inside.store.compact().await.unwrap();
        if old.iter().all(|path| !path.exists()) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("replaced files stay although nothing pins them");
}

//! Compaction changes files, never answers, and takes nothing from under a running query.

use std::sync::Arc;
use std::time::Duration;

use basalt::domain::progress::{Progress, ProgressStep};
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Micros, StreamId};
use basalt::query::list_query::ListQuery;
use basalt::query::readings_list::ValuesQuery;
use basalt::store::disk::LocalDisk;
use futures::TryStreamExt;
use serde_json::json;

use super::reopen;
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::support::eventually;

const COUNT: &str = "SELECT count(*) AS n, sum(value) AS total FROM readings";

/// `rows` minutes of two streams from `first` on, all of one value.
fn rows(first: i64, rows: i64, value: f64) -> Readings {
    let minutes = first..first + rows;
    let reading = |m, s| Reading::good(StreamId(s), Micros(NOW - MINUTE * 1000 + m * MINUTE), value);
    minutes.flat_map(|m| [reading(m, 1), reading(m, 2)]).collect()
}

/// Parquet files on disk, by name.
fn files(db: &TestDb) -> Vec<std::path::PathBuf> {
    let snapshot = db.store.snapshot();
    let days = std::fs::read_dir(snapshot.lake_dir.as_ref()).unwrap().map(|e| e.unwrap().path());
    let days = days.filter(|d| d.file_name().unwrap().to_str().unwrap().starts_with("date="));
    days.flat_map(|day| std::fs::read_dir(day).unwrap().map(|e| e.unwrap().path())).collect()
}

fn live(db: &TestDb) -> usize {
    db.store.snapshot().lake.files().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_become_one_a_day_and_answers_stay() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    for n in 0..20 {
        db.store.write(&env.owner, rows(n * 10, 10, 1.0)).await.unwrap();
        db.store.flush().await.unwrap();
    }
    // Overwritten, in files of their own.
    db.store.write(&env.owner, rows(50, 20, 5.0)).await.unwrap();
    db.store.flush().await.unwrap();
    let before = db.sql(&env.owner, COUNT).await;
    assert_eq!(before, [json!({"n": 400, "total": 400.0 + 4.0 * 40.0})]);
    let days = db.store.snapshot().lake.days().len();

    assert!(db.compact().await.unwrap() > 20);
    assert_eq!(live(&db), days);
    assert!(db.store.snapshot().lake.files().all(|f| !f.is_late));
    assert_eq!(db.sql(&env.owner, COUNT).await, before);
    assert_eq!(db.compact().await.unwrap(), 0, "there is nothing left to merge");
    assert_eq!(files(&db).len(), days, "replaced files are gone");

    // What is written after wins over what was merged.
    db.store.write(&env.owner, rows(50, 1, 7.0)).await.unwrap();
    let after = [json!({"n": 400, "total": 560.0 + 2.0 * 2.0})];
    assert_eq!(db.sql(&env.owner, COUNT).await, after);
    db.compact().await.unwrap();
    assert_eq!(db.sql(&env.owner, COUNT).await, after);
    let db = reopen(&env, db).await;
    assert_eq!(db.sql(&env.owner, COUNT).await, after);
}

/// Versions of the Delta table of readings.
fn commits(db: &TestDb) -> u64 {
    db.store.snapshot().lake.version
}

/// Rows of `days` days of a stream in the order of time, a few an hour.
fn history(stream: i32, days: i64) -> Readings {
    let times = (0..days * 96).map(|quarter| NOW - days * DAY + quarter * 15 * MINUTE);
    times.map(|ts| Reading::good(StreamId(stream), Micros(ts), f64::from(stream))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_over_many_days_costs_few_commits_and_ends_in_a_file_a_day() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    for stream in [1, 2, 1] {
        db.store.write(&env.owner, history(stream, 365)).await.unwrap();
        db.store.flush().await.unwrap();
    }
    let flushed = commits(&db);
    assert!(flushed <= 4, "{flushed} commits for three flushes");
    let days = db.store.snapshot().lake.days().len();
    assert!((365..=366).contains(&days), "{days} days");
    assert_eq!(live(&db), 3 * days);
    let before = db.sql(&env.owner, COUNT).await;
    let count = 2 * 365 * 96;
    assert_eq!(before, [json!({"n": count, "total": 1.5 * f64::from(count)})]);

    assert_eq!(db.compact().await.unwrap(), 3 * days);
    assert!(commits(&db) <= flushed + 2, "{} commits to merge {days} days", commits(&db) - flushed);
    assert_eq!((live(&db), files(&db).len()), (days, days));
    assert_eq!(db.sql(&env.owner, COUNT).await, before);
    let db = reopen(&env, db).await;
    assert_eq!(db.sql(&env.owner, COUNT).await, before);
}

/// By itself: what nothing is written to any more at one of the next looks; and at once what is many files, whose days
/// are still written to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_days_of_a_backfill_are_merged_in_the_background() {
    for (interval, flushes, days) in [(Duration::from_millis(20), 2, 20), (Duration::from_secs(3600), 8, 260)]
    {
        let env = TestEnv::new(3).await;
        let dir = tempfile::tempdir().unwrap();
        let mut options = crate::in_process::store_options(dir.path());
        options.compaction.interval = interval;
        let disk = Arc::new(LocalDisk);
        let db = TestDb::open(options, env.catalog.clone(), disk, env.clock.clone()).await.unwrap();
        for n in 0..flushes {
            let day = |d: i64| Reading::good(StreamId(1), Micros(NOW - (d + 2) * DAY + n * MINUTE), 1.0);
            db.store.write(&env.owner, (0..days).map(day).collect()).await.unwrap();
            db.store.flush().await.unwrap();
        }
        let before = db.sql(&env.owner, COUNT).await;
        assert_eq!(before, [json!({"n": flushes * days, "total": (flushes * days) as f64})]);
        let mut looks = 0;
        while live(&db) > days as usize {
            looks += 1;
            assert!(looks < 6000, "{flushes} flushes: {} files are left of {days} days", live(&db));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(db.sql(&env.owner, COUNT).await, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_how_far_it_is_and_ends_when_nobody_waits() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    for stream in [1, 2] {
        db.store.write(&env.owner, history(stream, 40)).await.unwrap();
        db.store.flush().await.unwrap();
    }
    let before = db.sql(&env.owner, COUNT).await;
    let cancelled = Progress::default();
    cancelled.cancel();
    assert!(db.store.compact(&cancelled).await.is_err());
    assert_eq!(db.sql(&env.owner, COUNT).await, before);

    let days = db.store.snapshot().lake.days().len();
    let (progress, rows) = (Progress::default(), 2 * 40 * 96);
    db.store.compact(&progress).await.unwrap();
    let ProgressStep { what, done, total, said } = progress.snapshot();
    assert_eq!((what.as_str(), done, total), ("merging readings", rows, rows));
    assert_eq!(said, format!("{days} of {days} days, {rows} rows of {} files", 2 * days));
    assert_eq!(live(&db), days);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_keeps_its_files() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    for n in 0..4 {
        db.store.write(&env.owner, rows(n * 250, 250, 1.0)).await.unwrap();
        db.store.flush().await.unwrap();
    }
    let pinned = db.store.snapshot();
    let old: Vec<_> = pinned.lake.files().map(|f| pinned.lake_dir.join(&f.path)).collect();
    let query =
        ValuesQuery { list: ListQuery { from: Some(Micros(0)), ..ListQuery::default() }, include_bad: false };
    let listed = db.engine.values(&env.owner, query).await.unwrap();
    db.compact().await.unwrap();
    db.compact().await.unwrap();
    assert!(old.iter().all(|path| path.exists()), "a pinned file is gone");
    let listed: Vec<Readings> = listed.try_collect().await.unwrap();
    assert_eq!(listed.iter().map(Readings::len).sum::<usize>(), 2000);
    drop(pinned);
    // The query's own pin goes with its task, a moment after its last row.
    eventually("replaced files that nothing pins are gone", Duration::from_secs(60), || async {
        db.compact().await.unwrap();
        old.iter().all(|path| !path.exists()).then_some(())
    })
    .await;
}

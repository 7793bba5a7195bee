//! Statistics and the raw rows they were computed from go each by their own policy.

use std::collections::BTreeMap;
use std::path::Path;

use basalt::domain::policy::PolicyTable;
use basalt::domain::stream::StreamSpec;
use basalt::domain::window::Windows;
use basalt::domain::{Micros, StreamId};
use basalt::store::statistics::rows::posted_rows;
use serde_json::json;

use super::{
    FileRows, HOUR, count, minutes, policy_change, read_file_rows, seal_windows, set_clock, set_retention,
    stream_extent, wait_for_cleanup,
};
use crate::in_process::{DAY, MINUTE, NOW, TestEnv};
use crate::store::reopen;
use crate::support::posted_minute;
fn computed(dir: &Path, stream: i32) -> FileRows {
    let rows = read_file_rows(dir, "statistics").into_iter();
    rows.filter(|((id, _, origin), _)| *id == stream && origin == "computed").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_outlive_the_raw_rows_they_were_computed_from() {
    let env = TestEnv::new(3).await;
    seal_windows(&env);
    let dir = tempfile::tempdir().unwrap();
    let mut db = env.open_local(dir.path()).await;
    db.store.write(&env.owner, minutes(1, 300, 300)).await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, HOUR).await;
    // Neither flushed nor computed before the cycle.
    assert_eq!(db.store.run_retention().await.unwrap().rows, 240);
    assert_eq!(stream_extent(&read_file_rows(dir.path(), "readings"), 1), (60, Some(60)));
    let rows = computed(dir.path(), 1);
    assert_eq!(stream_extent(&rows, 1), (300, Some(300)));
    assert!(rows.iter().all(|((_, ts, _), (_, mean))| {
        *mean == Some((1000.0 + ((ts - NOW) / MINUTE + 300) as f64).to_bits())
    }));
    // Late rows of others make every window of the day suspect after a restart; what has no raw rows stays as it is.
    db.store.write(&env.owner, minutes(2, 300, 300)).await.unwrap_err();
    set_retention(&env, Some(2), PolicyTable::Readings, DAY).await;
    db.store.write(&env.owner, minutes(2, 300, 300)).await.unwrap();
    db.store.write(&env.owner, minutes(1, 30, 1)).await.unwrap();
    db.store.flush().await.unwrap();
    db = reopen(&env, db).await;
    db.compact().await.unwrap();
    let means =
        |rows: &FileRows| rows.iter().map(|(key, row)| (key.clone(), row.1)).collect::<BTreeMap<_, _>>();
    let mut expected = means(&rows);
    expected.insert((1, NOW - 30 * MINUTE, "computed".to_owned()), Some(1000_f64.to_bits()));
    assert_eq!(means(&computed(dir.path(), 1)), expected);
    // Readers take the windows without raw rows from statistics, and no others that changed.
    let snapshot = db.store.snapshot();
    let raw =
        |from, to| snapshot.raw_windows(1, &Windows::default(), (NOW - from * MINUTE, NOW - to * MINUTE));
    assert!(raw(300, 60).is_empty(), "{:?}", raw(300, 60));
    assert_eq!(env.catalog.retention.raw_from([StreamId(1)])[&1], Micros(NOW - HOUR));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_statistics_are_gone_readers_take_raw_rows() {
    let mut env = TestEnv::new(3).await;
    seal_windows(&env);
    let dir = tempfile::tempdir().unwrap();
    let mut db = env.open_local(dir.path()).await;
    db.store.write(&env.owner, minutes(1, 300, 300)).await.unwrap();
    let by_hand =
        |before: i64| posted_rows(&[posted_minute(StreamId(1), Micros(NOW - before * MINUTE), 5.0)]);
    for before in [200, 121, 120, 10] {
        db.store.upsert(&env.owner, by_hand(before)).await.unwrap();
    }
    db.compact().await.unwrap();
    set_retention(&env, None, PolicyTable::Statistics, 2 * HOUR).await;
    set_retention(&env, None, PolicyTable::Readings, 4 * HOUR).await;
    let dry_run = db
        .store
        .dry_run_retention(&env.owner, &policy_change(None, PolicyTable::Statistics, 2 * HOUR))
        .await
        .unwrap();
    assert_eq!(dry_run.amount.rows, 180 + 2);
    assert_eq!(db.store.run_retention().await.unwrap().rows, 60 + 180 + 2);
    let rows = read_file_rows(dir.path(), "statistics");
    assert_eq!(rows.keys().filter(|(_, _, origin)| origin == "posted").count(), 2);
    assert_eq!(stream_extent(&computed(dir.path(), 1), 1), (120, Some(120)));
    env.catalog.retention.remove_policy(&env.owner, PolicyTable::Statistics, None).await.unwrap();
    for place in ["at once", "after a restart"] {
        let snapshot = db.store.snapshot();
        let raw = snapshot.raw_windows(1, &Windows::default(), (NOW - 5 * HOUR, NOW - 30 * MINUTE));
        let expected = [(NOW - 4 * HOUR, NOW - 2 * HOUR)];
        assert_eq!(raw.iter().collect::<Vec<_>>(), expected, "{place}");
        let error = db.store.upsert(&env.owner, by_hand(121)).await.unwrap_err();
        assert!(error.message.ends_with("nothing older is kept"), "{place}: {error}");
        db.store.upsert(&env.owner, by_hand(120)).await.unwrap();
        drop(db);
        env.reload().await;
        db = env.open_local(dir.path()).await;
        db.compact().await.unwrap();
    }
    // A late row where statistics are gone counts, as raw.
    db.store.write(&env.owner, minutes(1, 200, 1)).await.unwrap();
    db.compact().await.unwrap();
    assert_eq!(count(&db, &env.owner, 1).await, 240);
    let snapshot = db.store.snapshot();
    let raw = snapshot.raw_windows(1, &Windows::default(), (NOW - 5 * HOUR, NOW - 30 * MINUTE));
    assert!(raw.contains(NOW - 200 * MINUTE) && !raw.contains(NOW - 100 * MINUTE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_longer_than_a_minute_is_removed_whole_and_shown_to_the_minute() {
    let (env, dir, db) = TestEnv::open_new(2).await;
    let hourly = |spec: &mut StreamSpec| spec.statistics_interval_s = Some(3600);
    env.catalog.streams.update_stream(&env.owner, StreamId(1), hourly).await.unwrap();
    // The interval holds from the next hour on.
    set_clock(&env, 3 * HOUR + 30 * MINUTE);
    db.store.write(&env.owner, minutes(1, -60, 120)).await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, 2 * HOUR).await;
    // Two hours back it was half past: the minutes before are not shown, and stay as long as their window does.
    assert_eq!(count(&db, &env.owner, 1).await, 90);
    db.store.run_retention().await.unwrap();
    assert_eq!(stream_extent(&read_file_rows(dir.path(), "readings"), 1), (120, Some(-60)));
    // Nor does the computed row of the whole window count in an aggregate of readings.
    let query =
        "SELECT count(*) AS n, min(value) AS least, max(value) AS most FROM readings WHERE stream_id = 1";
    let shown = json!({"n": 90, "least": 1030.0, "most": 1119.0});
    assert_eq!(db.sql(&env.owner, query).await, [shown], "a part of a window is read from raw rows");
    // Half an hour later it is over.
    env.clock.advance(30 * MINUTE);
    db.store.run_retention().await.unwrap();
    wait_for_cleanup(&db).await;
    assert_eq!(stream_extent(&read_file_rows(dir.path(), "readings"), 1), (60, Some(-120)));
}

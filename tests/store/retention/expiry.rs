//! Expired rows are shown to nobody, a dry run says what goes, and nothing comes back.

use std::path::PathBuf;
use std::time::Duration;

use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::stream::StreamSpec;
use basalt::domain::{Micros, Principal, StreamId};
use basalt::query::list_query::ListQuery;
use basalt::query::readings_list::ValuesQuery;
use basalt::store::retention::purge_stats::PurgeStats;
use futures::TryStreamExt;
use serde_json::json;

use super::{
    HOUR, count, expect_refusal, minutes, policy_change, read_file_rows, set_clock, set_retention,
    stream_extent, wait_for_cleanup,
};
use crate::in_process::{DAY, MINUTE, NOW, TestEnv};
use crate::store::reopen;
use crate::support::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_expires_is_shown_to_nobody_from_that_second_on() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    db.store.write(&env.owner, minutes(1, 120, 61)).await.unwrap();
    db.store.write(&env.owner, minutes(2, 120, 61)).await.unwrap();
    set_retention(&env, Some(1), PolicyTable::Readings, HOUR).await;
    let oldest = Micros(NOW - HOUR);
    let at = |ts| db.engine.value(&env.owner, StreamId(1), ts);
    for place in ["in memory", "in the lake"] {
        // One row of the stream is left, and with the next minute none.
        set_clock(&env, 0);
        assert_eq!(count(&db, &env.owner, 1).await, 1, "{place}");
        let listed = db.values(
            &env.owner,
            ValuesQuery {
                list: ListQuery { streams: Some(vec![StreamId(1)]), ..ListQuery::default() },
                include_bad: false,
            },
        );
        assert_eq!(listed.await.iter().map(|r| r.ts).collect::<Vec<_>>(), [oldest], "{place}");
        assert!(
            at(oldest).await.unwrap().is_some() && at(Micros(oldest.0 - MINUTE)).await.unwrap().is_none()
        );
        assert_eq!(db.store.latest(&env.owner, StreamId(1)).unwrap().newest.ts, oldest);
        set_clock(&env, MINUTE - 1000);
        assert_eq!(count(&db, &env.owner, 1).await, 1, "{place}: within its minute");
        set_clock(&env, MINUTE);
        assert_eq!(count(&db, &env.owner, 1).await, 0, "{place}");
        assert!(at(oldest).await.unwrap().is_none(), "{place}");
        let are_gone = db.values(&env.owner, ValuesQuery::default()).await.iter().all(|r| r.stream.0 == 2);
        assert!(are_gone, "{place}");
        assert_eq!(db.store.latest(&env.owner, StreamId(1)), None, "{place}");
        assert_eq!(count(&db, &env.owner, 2).await, 61, "{place}: the neighbour");
        db.store.flush().await.unwrap();
    }
    // Nothing was removed yet: a longer policy shows it again.
    set_retention(&env, Some(1), PolicyTable::Readings, DAY).await;
    assert_eq!(count(&db, &env.owner, 1).await, 61);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_of_a_stream_goes_before_that_of_its_organization() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    let other = env.catalog.orgs.create_org(&env.owner, "other", "Other").await.unwrap();
    let theirs = Principal::system(other.id);
    let device = env.catalog.devices.create_device(
        &theirs,
        basalt::domain::device::DeviceSpec::new("d", basalt::domain::device::Protocol::Virtual),
    );
    let device = device.await.unwrap().id;
    let foreign = env.catalog.streams.create_stream(&theirs, StreamSpec::new("s", device)).await.unwrap().id;
    for stream in [1, 2] {
        db.store.write(&env.owner, minutes(stream, 300, 300)).await.unwrap();
    }
    db.store.write(&theirs, minutes(foreign.0, 300, 300)).await.unwrap();
    // Hours kept by the organization and by stream 1; hours then shown of stream 1, of stream 2, of the other's.
    for (name, org, own, expected) in [
        ("no_policy", None, None, [5, 5, 5]),
        ("of_the_organization", Some(2), None, [2, 2, 5]),
        ("a_shorter_one", Some(2), Some(1), [1, 2, 5]),
        ("a_longer_one", Some(2), Some(4), [4, 2, 5]),
        ("only_its_own", None, Some(3), [3, 5, 5]),
    ] {
        for (stream, hours) in [(None, org), (Some(1), own)] {
            match hours {
                Some(hours) => set_retention(&env, stream, PolicyTable::Readings, hours * HOUR).await,
                None => drop(
                    env.catalog
                        .retention
                        .remove_policy(&env.owner, PolicyTable::Readings, stream.map(StreamId))
                        .await
                        .unwrap(),
                ),
            }
        }
        set_clock(&env, 0);
        let shown = [
            count(&db, &env.owner, 1).await,
            count(&db, &env.owner, 2).await,
            count(&db, &theirs, foreign.0).await,
        ];
        assert_eq!(shown, expected.map(|hours| hours * 60), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_a_cycle_then_removes_and_neighbours_stay() {
    let (env, dir, db) = TestEnv::open_new(4).await;
    // Two whole days before the edge in files of stream 1 alone; at the edge, and in older files, others as well.
    for (stream, before, rows) in [(1, 5 * 1440, 100), (1, 4 * 1440, 100), (1, 200, 200), (3, 3 * 1440, 50)] {
        db.store.write(&env.owner, minutes(stream, before, rows)).await.unwrap();
        db.store.flush().await.unwrap();
    }
    let both: Readings = minutes(1, 3 * 1440, 50).iter().chain(minutes(2, 3 * 1440, 50).iter()).collect();
    db.store.write(&env.owner, both).await.unwrap();
    db.store.flush().await.unwrap();
    let wanted = policy_change(Some(1), PolicyTable::Readings, 2 * HOUR);
    let before = read_file_rows(dir.path(), "readings");
    let dry_run = db.store.dry_run_retention(&env.owner, &wanted).await.unwrap();
    assert_eq!(dry_run.before, Some(Micros(NOW - 2 * HOUR)));
    assert_eq!((dry_run.amount.rows, dry_run.amount.files), (100 + 100 + 80 + 50, 4));
    assert_eq!(read_file_rows(dir.path(), "readings"), before, "nothing was changed");
    assert!(env.catalog.retention.policies(&env.owner, Some(StreamId(1))).unwrap().is_empty());
    assert_eq!(count(&db, &env.owner, 1).await, 450);

    set_retention(&env, Some(1), PolicyTable::Readings, 2 * HOUR).await;
    let removed = db.store.run_retention().await.unwrap();
    assert_eq!((removed.rows, removed.files), (dry_run.amount.rows, dry_run.amount.files));
    assert!(removed.bytes > 0 && dry_run.amount.bytes > 0);
    wait_for_cleanup(&db).await;
    let after = read_file_rows(dir.path(), "readings");
    assert_eq!(stream_extent(&after, 1), (120, Some(120)), "the edge");
    let extents = (stream_extent(&after, 2), stream_extent(&after, 3));
    assert_eq!(extents, (stream_extent(&before, 2), stream_extent(&before, 3)), "neighbours");
    assert!(after.iter().all(|(key, row)| before[key] == *row), "rows keep values and seq");
    let cycle = db.store.run_retention().await.unwrap();
    assert_eq!(cycle, PurgeStats::default(), "there is nothing left to do");
    let again = db.store.dry_run_retention(&env.owner, &wanted).await.unwrap();
    assert_eq!(again.amount, PurgeStats::default());
    assert_eq!([count(&db, &env.owner, 1).await, count(&db, &env.owner, 2).await], [120, 50]);
    // An overwritten row does not come back from what was written again, nor is a late one lost.
    let late = minutes(2, 3 * 1440, 1).iter().map(|r| Reading { value: Some(-1.0), ..r }).collect();
    db.store.write(&env.owner, late).await.unwrap();
    db.compact().await.unwrap();
    let db = reopen(&env, db).await;
    let query = "SELECT min(value) AS least, count(*) AS n FROM readings WHERE stream_id = 2";
    assert_eq!(db.sql(&env.owner, query).await, [json!({"least": -1.0, "n": 50})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_in_memory_count_in_a_dry_run_and_go_with_the_cycle() {
    let (env, dir, db) = TestEnv::open_new(2).await;
    db.store.write(&env.owner, minutes(1, 180, 180)).await.unwrap();
    let wanted = policy_change(None, PolicyTable::Readings, HOUR);
    let dry_run = db.store.dry_run_retention(&env.owner, &wanted).await.unwrap();
    assert_eq!(dry_run.amount, PurgeStats { rows: 120, bytes: 0, files: 0 });
    set_retention(&env, None, PolicyTable::Readings, HOUR).await;
    assert_eq!(db.store.run_retention().await.unwrap().rows, 120);
    assert_eq!(stream_extent(&read_file_rows(dir.path(), "readings"), 1), (60, Some(60)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_floor_nothing_is_written_whatever_becomes_of_the_policy() {
    let (mut env, dir, mut db) = TestEnv::open_new(3).await;
    let owner = env.owner.clone();
    db.store.write(&owner, minutes(1, 180, 180)).await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, HOUR).await;
    // By the policy alone.
    let message = expect_refusal(&db, &owner, minutes(1, 61, 2)).await;
    let expected =
        "row 1: ts: `2026-04-28T10:59:00Z` lies before 2026-04-28T11:00:00Z: nothing older is kept";
    assert_eq!(message, expected);
    db.store.run_retention().await.unwrap();
    assert!(env.catalog.retention.remove_policy(&owner, PolicyTable::Readings, None).await.unwrap());
    for place in ["at once", "after a restart"] {
        let message = expect_refusal(&db, &owner, minutes(1, 61, 1)).await;
        assert!(message.ends_with("nothing older is kept"), "{place}: {message}");
        db.store.write(&owner, minutes(1, 60, 1)).await.unwrap();
        // Nothing of the other stream was removed.
        db.store.write(&owner, minutes(2, 61, 1)).await.unwrap();
        assert_eq!((count(&db, &owner, 1).await, count(&db, &owner, 2).await), (60, 1), "{place}");
        let known = env.catalog.retention.raw_from([StreamId(1), StreamId(2)]);
        assert_eq!(known, [(1, Micros(NOW - HOUR))].into(), "{place}");
        drop(db);
        env.reload().await;
        db = env.open_local(dir.path()).await;
    }
}

/// The computed rows of a stream on disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_keeps_its_files_until_it_ends() {
    let (env, dir, db) = TestEnv::open_new(3).await;
    db.store.write(&env.owner, minutes(1, 2000, 2000)).await.unwrap();
    db.store.flush().await.unwrap();
    let pinned = db.store.snapshot();
    let old: Vec<PathBuf> = pinned.lake.files().map(|f| pinned.lake_dir.join(&f.path)).collect();
    let query =
        ValuesQuery { list: ListQuery { from: Some(Micros(0)), ..ListQuery::default() }, include_bad: false };
    let listed = db.engine.values(&env.owner, query).await.unwrap();
    set_retention(&env, None, PolicyTable::Readings, HOUR).await;
    assert_eq!(db.store.run_retention().await.unwrap().rows, 1940);
    assert_eq!(count(&db, &env.owner, 1).await, 60);
    assert!(old.iter().all(|path| path.exists()), "a pinned file is gone");
    let listed: Vec<Readings> = listed.try_collect().await.unwrap();
    assert_eq!(listed.iter().map(Readings::len).sum::<usize>(), 2000, "it began before the policy");
    drop(pinned);
    // The query's own pin goes with its task, a moment after its last row.
    eventually("expired rows whose files nothing pins are gone", Duration::from_secs(60), || async {
        db.store.run_retention().await.unwrap();
        old.iter().all(|path| !path.exists()).then_some(())
    })
    .await;
    assert_eq!(stream_extent(&read_file_rows(dir.path(), "readings"), 1), (60, Some(60)));
}

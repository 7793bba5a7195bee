//! Rows of what was deleted leave the disk; rows of what is only unknown stay.

use std::sync::Arc;

use basalt::domain::policy::PolicyTable;
use basalt::domain::stream::StreamSpec;
use basalt::domain::{DeviceId, Micros, Principal, StreamId};
use basalt::store::catalog::Catalog;
use basalt::store::retention::purge_stats::PurgeStats;

use super::{minutes, read_file_rows, seal_windows, stream_extent};
use crate::in_process::{MINUTE, NOW, TestDb, TestEnv, message};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_what_was_deleted_leave_the_disk() {
    let mut env = TestEnv::new(3).await;
    seal_windows(&env);
    let dir = tempfile::tempdir().unwrap();
    let options = basalt::store::StoreOptions {
        compaction: basalt::store::compaction::CompactionOptions {
            keep_removed: std::time::Duration::from_secs(3600),
            ..crate::in_process::store_options(dir.path()).compaction
        },
        ..crate::in_process::store_options(dir.path())
    };
    let open = |env: &TestEnv| {
        let disk = Arc::new(basalt::store::disk::LocalDisk);
        TestDb::open(options.clone(), env.catalog.clone(), disk, env.clock.clone())
    };
    let db = open(&env).await.unwrap();
    let spec = basalt::domain::device::DeviceSpec::new("gone", basalt::domain::device::Protocol::Virtual);
    let device = env.catalog.devices.create_device(&env.owner, spec).await.unwrap().id;
    let own = env.catalog.streams.create_stream(&env.owner, StreamSpec::new("s", device)).await.unwrap().id;
    for stream in [1, 2, own.0] {
        db.store.write(&env.owner, minutes(stream, 3000, 50)).await.unwrap();
        db.store.flush().await.unwrap();
        db.store.write(&env.owner, minutes(stream, 50, 50)).await.unwrap();
    }
    for id in [1, device.0] {
        let message = message(DeviceId(id), Micros(NOW - 5 * MINUTE), "");
        db.store.upsert(&env.owner, message).await.unwrap();
    }
    // Merged files stay for readers outside; what was deleted does not.
    db.compact().await.unwrap();
    let before = read_file_rows(dir.path(), "readings");
    env.catalog.streams.delete_stream(&env.owner, StreamId(1)).await.unwrap();
    env.catalog.devices.delete_device(&env.owner, device).await.unwrap();
    drop(db);
    env.reload().await;
    let db = open(&env).await.unwrap();
    db.store.write(&env.owner, minutes(2, 2, 1)).await.unwrap();
    let removed = db.store.run_retention().await.unwrap();
    // Values, their statistics, and a message.
    assert_eq!(removed.rows, 2 * 100 + 2 * 100 + 1);
    let after = read_file_rows(dir.path(), "readings");
    let extents = (stream_extent(&after, 1), stream_extent(&after, own.0), stream_extent(&after, 2));
    assert_eq!(extents, ((0, None), (0, None), stream_extent(&before, 2)));
    let left = stream_extent(&read_file_rows(dir.path(), "statistics"), 1).0
        + stream_extent(&read_file_rows(dir.path(), "statistics"), own.0).0;
    assert_eq!(left, 0);
    let hours = read_file_rows(dir.path(), "statistics_hourly");
    assert!(!hours.is_empty() && hours.keys().all(|(stream, ..)| *stream == 2), "{hours:?}");
    assert_eq!(read_file_rows(dir.path(), "messages").len(), 1);
    assert_eq!(db.store.newest_by_time(&env.owner, StreamId(2)).unwrap().ts, Micros(NOW - MINUTE));
    // The checkpoint forgets them too; also what is deleted when nothing is written any more.
    let checkpointed = || {
        let disk = Arc::new(basalt::store::disk::LocalDisk);
        let checkpoint = basalt::store::checkpoint::Checkpoint::load(disk, dir.path()).unwrap();
        checkpoint.latest_values.streams()
    };
    assert_eq!(checkpointed(), [StreamId(2)]);
    env.catalog.streams.delete_stream(&env.owner, StreamId(2)).await.unwrap();
    db.store.forget(&[StreamId(2)]);
    db.store.run_retention().await.unwrap();
    assert_eq!(checkpointed(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_this_catalog_has_never_heard_of_keep_their_rows() {
    let (env, dir, db) = TestEnv::open_new(3).await;
    db.store.write(&env.owner, minutes(1, 300, 300)).await.unwrap();
    db.store.close().await.unwrap();
    drop(db);
    // Someone starts it with another catalog, whose ids begin later.
    let other = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", other.path().join("catalog.sqlite").display());
    let catalog = Arc::new(Catalog::open(&url, env.clock.clone()).await.unwrap());
    let owner = Principal::system(catalog.orgs.default_org());
    catalog.retention.set_policy(&owner, PolicyTable::Readings, None, 60).await.unwrap();
    let disk = Arc::new(basalt::store::disk::LocalDisk);
    let db = TestDb::open(crate::in_process::store_options(dir.path()), catalog, disk, env.clock.clone())
        .await
        .unwrap();
    assert_eq!(db.store.run_retention().await.unwrap(), PurgeStats::default());
    assert_eq!(stream_extent(&read_file_rows(dir.path(), "readings"), 1).0, 300);
}

//! A disk that fails one step: nothing is acknowledged that is not durable, nothing that was is lost, and the next
//! flush or the next start heals.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Clock, Kind, Micros, StreamId};
use basalt::query::readings_list::ValuesQuery;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::all_values;
use super::faulty_steps::FaultySteps;
use super::lossy::{DiskOp, LossyDisk};
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};

pub type Rows = BTreeMap<(i32, i64), f64>;

pub fn readings(rows: &Rows) -> Readings {
    rows.iter().map(|((stream, ts), value)| Reading::good(StreamId(*stream), Micros(*ts), *value)).collect()
}

/// `value` in every row: two days, two streams.
pub fn rows(minutes: std::ops::Range<i64>, value: f64) -> Rows {
    let keys = minutes.flat_map(|m| [(1, NOW - 200 * MINUTE + m * MINUTE), (2, NOW - DAY + m * MINUTE)]);
    keys.map(|key| (key, value)).collect()
}

pub async fn open(env: &TestEnv, disk: &LossyDisk, place: &str) -> TestDb {
    let opened = env.open(disk.path(), Arc::new(disk.clone())).await;
    opened.unwrap_or_else(|e| panic!("{place}: it does not start: {e}"))
}

pub async fn check(env: &TestEnv, db: &TestDb, expected: &Rows, place: &str) {
    let found = all_values(env, db, place).await;
    assert!(found == *expected, "{place}: {} rows, expected {}", found.len(), expected.len());
}

/// A lake that holds `known`, and in memory rows that are new, late and of another day.
pub async fn before_a_flush(env: &TestEnv, disk: &LossyDisk) -> (TestDb, Rows) {
    let db = open(env, disk, "fresh").await;
    // Each request fills a segment of the log, so that a flush cuts what came before.
    let mut known = rows(0..100, 1.0);
    db.store.write(&env.owner, readings(&known)).await.unwrap();
    db.store.flush().await.unwrap();
    let more = rows(50..150, 2.0);
    db.store.write(&env.owner, readings(&more)).await.unwrap();
    known.extend(more);
    (db, known)
}

#[derive(Debug, Clone, Copy)]
enum Recovery {
    Retry,
    Restart,
}

/// Work that is made to fail.
#[derive(Debug, Clone, Copy)]
enum FaultyWork {
    Flush,
    /// With a flush before it.
    Compaction,
}

impl FaultyWork {
    async fn run(self, db: &TestDb) -> basalt::domain::Result<()> {
        match self {
            FaultyWork::Flush => db.store.flush().await,
            FaultyWork::Compaction => db.compact().await.map(drop),
        }
    }
}

/// Fails `count` steps of the work from the `n`-th on; `false` once it has fewer steps. Failures in a row take the
/// attempts to mend the first one too.
async fn run_with_fault(
    env: &TestEnv,
    (n, count): (usize, usize),
    work: FaultyWork,
    after: Recovery,
) -> bool {
    let mut disk = LossyDisk::new();
    let (mut db, mut known) = before_a_flush(env, &disk).await;
    disk.fail_steps(n, count);
    let done = work.run(&db).await;
    let Some((op, path)) = disk.failed() else {
        done.expect("no step failed");
        return false;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let place = format!("{work:?}, {count} from step {n}, {op:?} of `{name}`, then {after:?}");
    check(env, &db, &known, &place).await;
    let late = rows(120..121, 3.0);
    db.store.write(&env.owner, readings(&late)).await.expect("the log is well");
    known.extend(late);
    match after {
        Recovery::Retry => work.run(&db).await.unwrap_or_else(|e| panic!("{place}: {e}")),
        Recovery::Restart => {
            drop(db);
            disk = disk.process_end();
            db = open(env, &disk, &place).await;
        }
    }
    check(env, &db, &known, &place).await;
    drop(db);
    let disk = disk.power_loss(&mut StdRng::seed_from_u64(n as u64));
    let db = open(env, &disk, &format!("{place}, power gone")).await;
    check(env, &db, &known, &format!("{place}, power gone")).await;
    db.store.flush().await.unwrap_or_else(|e| panic!("{place}, power gone: {e}"));
    check(env, &db, &known, &format!("{place}, power gone, flushed")).await;
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_or_compaction_that_fails_at_any_step_loses_nothing_and_heals() {
    let env = TestEnv::new(3).await;
    for (work, least) in [(FaultyWork::Flush, 10), (FaultyWork::Compaction, 20)] {
        let ways = [(1, Recovery::Retry), (1, Recovery::Restart), (4, Recovery::Retry)];
        for (way, (count, after)) in ways.into_iter().enumerate() {
            let FaultySteps { first: mut n, stride } = FaultySteps::new(way, ways.len());
            while run_with_fault(&env, (n, count), work, after).await {
                n += stride;
            }
            assert!(n > least, "{work:?} has more steps than {n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_sync_of_the_log_nothing_is_acknowledged_until_a_restart() {
    let env = TestEnv::new(3).await;
    for (op, in_new_segment) in [(DiskOp::Sync, false), (DiskOp::Sync, true), (DiskOp::SyncDir, true)] {
        let disk = LossyDisk::new();
        let (mut db, mut known) = before_a_flush(&env, &disk).await;
        if in_new_segment {
            // The next record begins a segment.
            let filler = rows(160..300, 1.0);
            db.store.write(&env.owner, readings(&filler)).await.unwrap();
            known.extend(filler);
        }
        disk.fail_on(op, "wal");
        let refused = rows(151..152, 9.0);
        let error = db.store.write(&env.owner, readings(&refused)).await.unwrap_err();
        assert!(disk.failed().is_some(), "{op:?}");
        assert_eq!(error.kind, Kind::Unavailable, "{op:?}: {error}");
        let error = db.store.write(&env.owner, readings(&rows(30..31, 9.0))).await.unwrap_err();
        let is_refused = error.kind == Kind::Unavailable && error.message.contains("until a restart");
        assert!(is_refused, "{op:?}: {error}");
        check(&env, &db, &known, &format!("{op:?}: refused rows are not shown")).await;
        db.store.flush().await.expect("what is in memory can still be flushed");

        drop(db);
        let disk = disk.process_end();
        db = open(&env, &disk, &format!("{op:?}")).await;
        // The request can have reached the file; then it stays.
        let listed = db.values(&env.owner, ValuesQuery::default()).await;
        if listed.iter().any(|r| r.value == Some(9.0)) {
            known.extend(refused);
        }
        check(&env, &db, &known, &format!("{op:?}, restarted")).await;
        let more = rows(40..45, 4.0);
        db.store.write(&env.owner, readings(&more)).await.expect("a restart heals");
        known.extend(more);

        drop(db);
        let disk = disk.power_loss(&mut StdRng::seed_from_u64(1));
        db = open(&env, &disk, &format!("{op:?}, power gone")).await;
        check(&env, &db, &known, &format!("{op:?}, power gone")).await;
    }
}

/// Writers that fail by the dozen must not use up the memory that the others wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_writes_hold_no_memory() {
    let env = TestEnv::new(3).await;
    let disk = LossyDisk::new();
    let options = basalt::store::StoreOptions {
        memtable_cap_bytes: 8192,
        write_deadline: std::time::Duration::from_millis(200),
        ..crate::in_process::store_options(disk.path())
    };
    let db =
        TestDb::open(options, env.catalog.clone(), Arc::new(disk.clone()), env.clock.clone()).await.unwrap();
    disk.fail_on(DiskOp::Sync, "wal");
    for n in 0..40 {
        let error = db.store.write(&env.owner, readings(&rows(n..n + 10, 1.0))).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unavailable, "write {n}: {error}");
    }
}

/// A commit of the lake that was never made durable can be there in part after a loss of power.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_commit_of_the_lake_counts_as_never_made() {
    let env = TestEnv::new(3).await;
    for kept in [0.0, 0.3, 0.7, 0.99] {
        let disk = LossyDisk::new();
        let (db, known) = before_a_flush(&env, &disk).await;
        // The commit is written; making it durable fails, and so does everything after it.
        disk.fail_on(DiskOp::Sync, "_delta_log");
        let log = disk.path().join("lake/readings/_delta_log");
        let second = log.join(format!("{:020}.json", 2));
        let failed = db.store.flush().await;
        drop((db, failed));
        let whole = std::fs::read(&second).unwrap();
        let end = (whole.len() as f64 * kept) as usize;
        let disk = disk.power_loss(&mut StdRng::seed_from_u64(1));
        std::fs::write(
            disk.path().join("lake/readings/_delta_log").join(second.file_name().unwrap()),
            &whole[..end],
        )
        .unwrap();
        let place = format!("{end} of {} bytes", whole.len());
        let db = open(&env, &disk, &place).await;
        check(&env, &db, &known, &place).await;
        db.store.flush().await.unwrap_or_else(|e| panic!("{place}: {e}"));
        drop(db);
        let db = open(&env, &disk, &place).await;
        check(&env, &db, &known, &format!("{place}, flushed")).await;
    }
}

/// A commit can have been made although it failed. Made again, each of its rows would be in two files; no row here is
/// late, so nothing but the count would tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_although_it_failed_is_not_committed_again() {
    let env = TestEnv::new(3).await;
    let ways = [
        (FaultyWork::Flush, 2),
        (FaultyWork::Flush, 4),
        (FaultyWork::Compaction, 2),
        (FaultyWork::Compaction, 4),
    ];
    for (way, (work, count)) in ways.into_iter().enumerate() {
        let FaultySteps { first, stride } = FaultySteps::new(way % 2, 2);
        for n in (first..).step_by(stride) {
            let disk = LossyDisk::new();
            let db = open(&env, &disk, "fresh").await;
            for minutes in [0..50, 50..100] {
                db.store.write(&env.owner, readings(&rows(minutes, 1.0))).await.unwrap();
                db.store.flush().await.unwrap();
            }
            db.store.write(&env.owner, readings(&rows(100..150, 1.0))).await.unwrap();
            disk.fail_steps(n, count);
            let done = work.run(&db).await;
            let Some((op, path)) = disk.failed() else {
                done.expect("no step failed");
                break;
            };
            let place = format!("{work:?}, {count} from step {n}, {op:?} of `{}`", path.display());
            work.run(&db).await.unwrap_or_else(|e| panic!("{place}: {e}"));
            // As the Delta log has it, which is what other readers see.
            drop(db);
            let disk = disk.process_end();
            let db = open(&env, &disk, &place).await;
            let counted = db.sql(&env.owner, "SELECT count(*) AS n FROM readings").await;
            assert_eq!(counted, [serde_json::json!({"n": 300})], "{place}");
        }
    }
}

/// A full or read-only disk refuses writes and no more: what was acknowledged is answered meanwhile, and once the disk
/// takes writes again so does the store, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_writes_for_a_while_costs_only_those_writes() {
    let env = TestEnv::new(3).await;
    for (why, in_new_segment) in [
        (io::ErrorKind::StorageFull, false),
        (io::ErrorKind::StorageFull, true),
        (io::ErrorKind::ReadOnlyFilesystem, false),
        (io::ErrorKind::ReadOnlyFilesystem, true),
    ] {
        let place = format!("{why:?}, in a new segment: {in_new_segment}");
        let disk = LossyDisk::new();
        let (mut db, mut known) = before_a_flush(&env, &disk).await;
        if in_new_segment {
            let filler = rows(160..300, 1.0);
            db.store.write(&env.owner, readings(&filler)).await.unwrap();
            known.extend(filler);
        }
        disk.refuse(Some(why));
        for n in 0..3 {
            let refused = readings(&rows(151..155, 9.0 + f64::from(n)));
            let error = db.store.write(&env.owner, refused).await.unwrap_err();
            assert_eq!(error.kind, Kind::Unavailable, "{place}: {error}");
            assert!(error.message.contains("the log cannot be written ("), "{place}: {error}");
            assert!(db.store.flush().await.is_err() && db.compact().await.is_err(), "{place}");
            check(&env, &db, &known, &format!("{place}, meanwhile")).await;
        }
        disk.refuse(None);
        let more = rows(152..160, 4.0);
        db.store.write(&env.owner, readings(&more)).await.unwrap_or_else(|e| panic!("{place}: {e}"));
        known.extend(more);
        db.store.flush().await.unwrap_or_else(|e| panic!("{place}: {e}"));
        db.compact().await.unwrap_or_else(|e| panic!("{place}: {e}"));
        let more = rows(300..310, 5.0);
        db.store.write(&env.owner, readings(&more)).await.unwrap();
        known.extend(more);
        check(&env, &db, &known, &format!("{place}, over")).await;

        drop(db);
        let disk = disk.power_loss(&mut StdRng::seed_from_u64(1));
        db = open(&env, &disk, &place).await;
        check(&env, &db, &known, &format!("{place}, power gone")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_directory_refuses_the_start_and_is_named() {
    let env = TestEnv::new(3).await;
    let disk = LossyDisk::new();
    disk.refuse(Some(io::ErrorKind::ReadOnlyFilesystem));
    let refused = env.open(disk.path(), Arc::new(disk.clone())).await;
    let error = refused.err().expect("it does not start");
    assert_eq!(error.kind, Kind::Unavailable, "{error}");
    assert!(error.message.contains(&disk.path().display().to_string()), "{error}");
    disk.refuse(None);
    let (db, known) = before_a_flush(&env, &disk).await;
    check(&env, &db, &known, "writable again").await;
}

/// The wall clock jumps back by hours: times the server assigns still grow, what was written stays the newest, and
/// statistics and merging go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_back_loses_nothing_and_no_time_is_assigned_twice() {
    let env = TestEnv::new(3).await;
    let disk = LossyDisk::new();
    let (db, mut known) = before_a_flush(&env, &disk).await;
    let mut assigned = Vec::new();
    for hours in [0, -5, -5, 1] {
        env.clock.jump(hours * 60 * MINUTE);
        for _ in 0..3 {
            let ts = db.store.assign_ts(StreamId(1), env.clock.now());
            db.store
                .write(&env.owner, [Reading::good(StreamId(1), ts, 7.0)].into_iter().collect())
                .await
                .unwrap();
            known.insert((1, ts.0), 7.0);
            assigned.push(ts);
            let newest = db.store.latest(&env.owner, StreamId(1)).unwrap().newest.ts;
            assert_eq!(newest, ts, "{hours} hours");
        }
        db.store.flush().await.unwrap();
        db.compact().await.unwrap();
        check(&env, &db, &known, &format!("{hours} hours")).await;
    }
    let distinct: std::collections::BTreeSet<_> = assigned.iter().collect();
    assert_eq!(distinct.len(), assigned.len(), "{assigned:?}");
    assert!(assigned.chunks(3).all(|times| times.is_sorted_by(|a, b| a < b)), "{assigned:?}");
    drop(db);
    let db = open(&env, &disk.process_end(), "restarted").await;
    check(&env, &db, &known, "restarted").await;
}

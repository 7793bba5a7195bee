//! Loss of power and kills at random points of a random workload, in a third of them on a disk that has filled up before:
//! acknowledged rows are there exactly once, the others at most once, and what was seen after a restart never goes away.
//! Flushes, merges, retention and backups run meanwhile.

mod backups;
mod mqtt;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use basalt::domain::policy::PolicyTable;
use basalt::domain::progress::Progress;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::{Micros, StreamId};
use basalt::store::ClaimOutcome;
use basalt::store::disk::Disk;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

use super::all_values;
use super::faults::open;
use super::lossy::LossyDisk;
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::support::seeds;
use backups::{PlannedBackup, TakenBackup};

const LIVES: usize = 5;
const WRITERS: i32 = 3;

type Key = (i32, i64);

/// Rows of requests that were acknowledged, of all writers.
type AckedRows = Arc<Mutex<BTreeMap<Key, f64>>>;

/// A request that was sent and not acknowledged.
#[derive(Debug, Clone)]
struct UnackedRequest {
    rows: BTreeMap<Key, f64>,
    idempotency_key: Option<String>,
}

/// One writer: its own streams, its requests one after another, and what must be there.
struct PowerLossWriter {
    streams: [i32; 2],
    rng: StdRng,
    /// The number of the last request. A value is between it and the next one, so the newer of two is the larger.
    number: u32,
    known: BTreeMap<Key, f64>,
    unacked: Option<UnackedRequest>,
    acked: AckedRows,
    /// Rows before this time are not kept, and not written.
    kept_from: i64,
}

impl PowerLossWriter {
    fn new(n: i32, seed: u64, acked: AckedRows) -> PowerLossWriter {
        PowerLossWriter {
            streams: [2 * n + 1, 2 * n + 2],
            rng: StdRng::seed_from_u64(seed * 100 + n as u64),
            number: 0,
            known: BTreeMap::new(),
            unacked: None,
            acked,
            kept_from: i64::MIN,
        }
    }

    /// Few keys, so that many are written again; mostly new ones, some late within the day, some of days before.
    fn request(&mut self) -> UnackedRequest {
        self.number += 1;
        let rows = if self.rng.random_bool(0.1) { 200 } else { self.rng.random_range(1..6) };
        let mut request = BTreeMap::new();
        for i in 0..rows {
            let days = if self.rng.random_bool(0.8) { 0 } else { self.rng.random_range(1..3) };
            let newest = i64::from(self.number) + i;
            let minute = if self.rng.random_bool(0.6) { newest } else { self.rng.random_range(0..=newest) };
            let stream = self.streams[self.rng.random_range(0..2)];
            let value = f64::from(self.number) + self.rng.random_range(0.0..1.0);
            let today = NOW - 600 * MINUTE + minute * MINUTE;
            let ts = if today - days * DAY < self.kept_from { today } else { today - days * DAY };
            request.insert((stream, ts), value);
        }
        let key = format!("{}-{}", self.streams[0], self.number);
        UnackedRequest { rows: request, idempotency_key: self.rng.random_bool(0.5).then_some(key) }
    }

    /// Sends until the disk fails.
    async fn work(mut self, db: TestDb, who: basalt::domain::Principal) -> PowerLossWriter {
        loop {
            let request = self.request();
            self.unacked = Some(request.clone());
            if send(&db, &who, &request).await.is_err() {
                return self;
            }
            self.acked.lock().extend(request.rows.clone());
            self.known.extend(request.rows);
            self.unacked = None;
        }
    }

    /// Checks what is there after the restart: the known rows, and of the unsure request all or nothing.
    fn check(&mut self, found: &BTreeMap<Key, f64>, place: &str) -> bool {
        let own: BTreeMap<Key, f64> =
            found.iter().filter(|(key, _)| self.streams.contains(&key.0)).map(|(k, v)| (*k, *v)).collect();
        let kept_from = self.kept_from;
        self.known.retain(|(_, ts), _| *ts >= kept_from);
        let mut with = self.known.clone();
        with.extend(self.unacked.iter().flat_map(|u| u.rows.clone()));
        let came_through = self.unacked.is_some() && own == with;
        if !came_through {
            let gone: Vec<_> = self.known.iter().filter(|(k, v)| own.get(k) != Some(v)).collect();
            assert!(own == self.known, "{place}: {} rows lost or changed: {gone:?}", gone.len());
        }
        self.known = own;
        came_through
    }

    /// Asks again with the same key: the answer of before if the request came through, else it is written now.
    async fn retry(&mut self, db: &TestDb, who: &basalt::domain::Principal, came_through: bool, place: &str) {
        let Some(request) = self.unacked.take() else { return };
        if request.idempotency_key.is_none() {
            return;
        }
        let is_replay = send(db, who, &request).await.expect("the disk is well");
        assert_eq!(is_replay, came_through, "{place}: rows and idempotency key are one record");
        self.known.extend(request.rows);
    }
}

async fn send(
    db: &TestDb,
    who: &basalt::domain::Principal,
    request: &UnackedRequest,
) -> basalt::domain::Result<bool> {
    let reading = |(key, value): (&Key, &f64)| Reading::good(StreamId(key.0), Micros(key.1), *value);
    let rows: Readings = request.rows.iter().map(reading).collect();
    let Some(key) = &request.idempotency_key else {
        return db.store.write(who, rows).await.map(|_| false);
    };
    match db.store.claim("test", key, key.as_bytes()).await? {
        ClaimOutcome::Replay(answer) => {
            assert_eq!(answer, b"answer");
            Ok(true)
        }
        ClaimOutcome::First(claim) => {
            db.store.write_claimed(who, rows, claim, b"answer".to_vec()).await.map(|()| false)
        }
    }
}

/// Flushes, merges and removes what has expired until that fails, or the writers have ended: where nothing is left to be flushed, no
/// step fails any more, and on a full disk the power goes at no step.
async fn flush_until_failure(db: TestDb, writers_ended: CancellationToken, mut rng: StdRng) {
    loop {
        for _ in 0..rng.random_range(1..40) {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let done = match rng.random_range(0..10) {
            0 | 1 => db.compact().await.map(drop),
            2 => db.store.run_retention().await.map(drop),
            _ => db.store.flush().await,
        };
        if done.is_err() || writers_ended.is_cancelled() {
            return;
        }
    }
}

/// Keeps rows for a shorter time from now on, or leaves it as it is.
async fn shorten_policy(env: &TestEnv, writers: &mut [PowerLossWriter], rng: &mut StdRng) {
    let keep = [50, 30, 12][rng.random_range(0..3)] * 60 * MINUTE;
    if rng.random_bool(0.5) || writers.iter().any(|writer| writer.kept_from >= NOW - keep) {
        return;
    }
    let retention = &env.catalog.retention;
    retention.set_policy(&env.owner, PolicyTable::Readings, None, keep / 1_000_000).await.unwrap();
    writers.iter_mut().for_each(|writer| writer.kept_from = NOW - keep);
}

/// One life: the store opens, writers, flushes and perhaps a backup run until the power goes. Opening may already not succeed.
async fn live(
    env: &TestEnv,
    disk: &LossyDisk,
    writers: Vec<PowerLossWriter>,
    rng: &mut StdRng,
) -> (Vec<PowerLossWriter>, Option<TakenBackup>) {
    let opens_well = rng.random_bool(0.8);
    if !opens_well {
        disk.power_off_after(rng.random_range(0..12));
    }
    let Ok(db) = env.open(&data_dir(disk), Arc::new(disk.clone())).await else { return (writers, None) };
    if opens_well {
        let off_after = rng.random_range(0..250);
        disk.power_off_after(off_after);
        if rng.random_range(0..3) == 0 {
            disk.fill_up_after(rng.random_range(0..=off_after));
        }
    }
    let writers_ended = CancellationToken::new();
    let flushing = tokio::spawn(flush_until_failure(
        db.clone(),
        writers_ended.clone(),
        StdRng::seed_from_u64(rng.random()),
    ));
    let backing_up = PlannedBackup::new(backup_dir(disk), rng).map(|backup| {
        let acked = writers[0].acked.clone();
        tokio::spawn(backup.run(db.clone(), acked))
    });
    let working: Vec<_> =
        writers.into_iter().map(|w| tokio::spawn(w.work(db.clone(), env.owner.clone()))).collect();
    let mut after = Vec::new();
    for writer in working {
        after.push(writer.await.unwrap());
    }
    writers_ended.cancel();
    flushing.await.unwrap();
    let Some(backing_up) = backing_up else { return (after, None) };
    (after, backing_up.await.unwrap())
}

/// A disk with a data directory and a place for backups, both durable.
fn new_disk() -> LossyDisk {
    let disk = LossyDisk::new();
    for dir in [data_dir(&disk), backup_dir(&disk)] {
        disk.create_dir(&dir).unwrap();
    }
    disk.sync_dir(disk.path()).unwrap();
    disk
}

fn data_dir(disk: &LossyDisk) -> PathBuf {
    disk.path().join("data")
}

fn backup_dir(disk: &LossyDisk) -> PathBuf {
    disk.path().join("backups")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_row_is_lost_when_the_power_goes() {
    // Whole, 200 kills and 400 losses of power.
    for seed in seeds(2, 80) {
        let env = TestEnv::new(2 * WRITERS + 1).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut disk, acked) = (new_disk(), AckedRows::default());
        let writer = |n| PowerLossWriter::new(n, seed, acked.clone());
        let mut writers: Vec<PowerLossWriter> = (0..WRITERS).map(writer).collect();
        for life in 0..LIVES {
            let place = format!("seed {seed}, life {life}");
            shorten_policy(&env, &mut writers, &mut rng).await;
            let (after, taken) = live(&env, &disk, writers, &mut rng).await;
            writers = after;
            let is_full = disk.is_full();
            // Half of the crashes are of the process only: what was written and not synced is still to be read.
            if rng.random_bool(0.5) {
                disk = disk.process_end();
                disk = start_full(&env, disk, is_full).await;
                check(&env, &disk, &mut writers, &place).await;
            }
            disk = disk.power_loss(&mut rng);
            disk = start_full(&env, disk, is_full).await;
            check(&env, &disk, &mut writers, &format!("{place}, power gone")).await;
            backups::check(&env, &disk, taken, (place.as_str(), writers[0].kept_from)).await;
        }
    }
}

/// Opens a store whose log has one segment without a record: the disk was full when the first record of a start came, and what was
/// before it is flushed.
async fn with_an_empty_segment(env: &TestEnv, first: Readings, second: Readings) -> (TestDb, LossyDisk) {
    let segments = |disk: &LossyDisk| std::fs::read_dir(disk.path().join("wal")).unwrap().count();
    let disk = LossyDisk::new();
    let db = open(env, &disk, "new").await;
    db.store.write(&env.owner, first).await.unwrap();
    drop(db);
    let disk = disk.process_end();
    let db = open(env, &disk, "with a record").await;
    disk.fill_up_after(3);
    db.store.write(&env.owner, second).await.unwrap_err();
    assert_eq!(segments(&disk), 2, "the second has room for its header alone");
    disk.refuse(None);
    db.store.close().await.unwrap();
    drop(db);
    assert_eq!(segments(&disk), 1, "what is flushed is cut");
    let disk = disk.process_end();
    (open(env, &disk, "with an empty segment").await, disk)
}

/// The first write of a log begins a segment: its header is durable before a record follows, so zeros in place of the
/// record do not look like damage. It may take the place of an empty one, without which the log would be gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_follows_a_loss_of_power_in_the_first_write() {
    let env = TestEnv::new(2).await;
    let row = |minute| {
        [Reading::good(StreamId(1), Micros(NOW + minute * MINUTE), 1.0)].into_iter().collect::<Readings>()
    };
    for (step, had_segment) in (0..12).map(|case| (case / 2, case % 2 == 1)) {
        let (db, disk) = match had_segment {
            true => with_an_empty_segment(&env, row(1), row(2)).await,
            false => {
                let disk = LossyDisk::new();
                (open(&env, &disk, "new").await, disk)
            }
        };
        disk.power_off_after(step);
        let is_kept = db.store.write(&env.owner, row(0)).await.is_ok();
        let least = usize::from(is_kept) + usize::from(had_segment);
        for seed in 0..4 {
            let place = format!("step {step}, seed {seed}");
            let disk = disk.power_loss(&mut StdRng::seed_from_u64(seed));
            let db = open(&env, &disk, &place).await;
            let found = all_values(&env, &db, &place).await;
            assert!((least..=1 + usize::from(had_segment)).contains(&found.len()), "{place}: {found:?}");
            db.store.write(&env.owner, row(0)).await.unwrap();
        }
    }
}

/// Starts on a disk that is still full and runs all background work once, whether or not that succeeds: what it does there must lose
/// nothing, and leave nothing that looks like a backup. Then space is freed.
async fn start_full(env: &TestEnv, disk: LossyDisk, is_full: bool) -> LossyDisk {
    if !is_full {
        return disk;
    }
    disk.refuse(Some(io::ErrorKind::StorageFull));
    if let Ok(db) = env.open(&data_dir(&disk), Arc::new(disk.clone())).await {
        drop(db.store.run_retention().await);
        drop(db.compact().await);
        let backup = backup_dir(&disk).join("full");
        db.store.backup(&backup, &Progress::default()).await.unwrap_err();
        assert!(!backup.exists(), "a backup that does not fit takes no space");
    }
    disk.process_end()
}

async fn check(env: &TestEnv, disk: &LossyDisk, writers: &mut [PowerLossWriter], place: &str) {
    let opened = env.open(&data_dir(disk), Arc::new(disk.clone())).await;
    let db = opened.unwrap_or_else(|e| panic!("{place}: it does not start: {e}"));
    let found = all_values(env, &db, place).await;
    for writer in writers.iter_mut() {
        let came_through = writer.check(&found, place);
        writer.retry(&db, &env.owner, came_through, place).await;
    }
}

/// One acknowledged row and one whose fsync failed, as did cutting it off; the start after that fails at its `n`-th step.
/// `false` once it has fewer steps.
async fn start_twice(env: &TestEnv, n: usize) -> bool {
    let mut disk = LossyDisk::new();
    let db = env.open(disk.path(), Arc::new(disk.clone())).await.unwrap();
    let row = |minute: i64| Reading::good(StreamId(1), Micros(NOW - minute * MINUTE), minute as f64);
    db.store.write(&env.owner, [row(2)].into_iter().collect()).await.unwrap();
    db.store.flush().await.unwrap();
    db.store.write(&env.owner, [row(1)].into_iter().collect()).await.unwrap();
    disk.fail_steps(1, 2);
    db.store.write(&env.owner, [row(0)].into_iter().collect()).await.unwrap_err();
    assert!(disk.failed().is_some());
    drop(db);
    disk = disk.process_end();
    disk.fail_steps(n, 1);
    drop(env.open(disk.path(), Arc::new(disk.clone())).await);
    let has_failed = disk.failed().is_some();
    disk = disk.process_end();
    let place = format!("step {n} of the start");
    let mut seen = None;
    for _ in 0..2 {
        let db = env.open(disk.path(), Arc::new(disk.clone())).await;
        let db = db.unwrap_or_else(|e| panic!("{place}: {e}"));
        let found = all_values(env, &db, &place).await;
        assert!(found.len() >= 2, "{place}: {found:?}");
        assert_eq!(seen.get_or_insert_with(|| found.clone()), &found, "{place}: what was seen went away");
        drop(db);
        disk = disk.power_loss(&mut StdRng::seed_from_u64(n as u64));
    }
    has_failed
}

/// A kernel tells once that it lost what it was to write: the next start writes again what it shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_start_did_not_make_durable_the_next_one_does() {
    let env = TestEnv::new(2).await;
    let mut n = 0;
    while start_twice(&env, n).await {
        n += 1;
    }
    assert!(n > 5, "a start has more steps than {n}");
}

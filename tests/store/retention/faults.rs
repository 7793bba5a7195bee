//! Retention on a disk that fails one step: nothing goes that should stay, nothing comes back, the next cycle heals.

use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::stream::StreamSpec;
use basalt::domain::{DeviceId, Micros, StreamId};
use basalt::query::readings_list::ValuesQuery;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{read_file_rows, wait_for_cleanup};
use crate::in_process::{MINUTE, NOW, TestDb, TestEnv};
use crate::store::faults::open;
use crate::store::faulty_steps::FaultySteps;
use crate::store::lossy::LossyDisk;

/// Rows of a stream, ten minutes apart, over three days; so many stay.
const ROWS: i64 = 300;
const STAY: i64 = 20;

type Key = (i32, i64);

fn rows(stream: StreamId) -> Vec<Reading> {
    let at = |n| {
        Reading::good(stream, Micros(NOW - (ROWS - n) * 10 * MINUTE), (i64::from(stream.0) * 1000 + n) as f64)
    };
    (0..ROWS).map(at).collect()
}

/// A stream whose rows are about to expire but for the last ones, and one that shares its files.
#[derive(Clone, Copy)]
struct StreamPair {
    expiring: StreamId,
    other: StreamId,
}

impl StreamPair {
    async fn new(env: &TestEnv, name: &str) -> StreamPair {
        let stream = async |name: String| {
            let spec = StreamSpec::new(name, DeviceId(1));
            env.catalog.streams.create_stream(&env.owner, spec).await.unwrap().id
        };
        StreamPair { expiring: stream(format!("{name} a")).await, other: stream(format!("{name} b")).await }
    }

    fn shown(self) -> Vec<Reading> {
        let stays = rows(self.expiring).into_iter().skip((ROWS - STAY) as usize);
        stays.chain(rows(self.other)).collect()
    }

    async fn check(self, env: &TestEnv, db: &TestDb, place: &str) {
        let listed = db.values(&env.owner, ValuesQuery::default()).await;
        assert!(by_key(&listed) == by_key(&self.shown()), "{place}: other rows are shown");
    }

    /// After the trouble: a cycle removes all that has expired, and statistics are those of all rows there were.
    async fn heals(self, env: &TestEnv, db: &TestDb, place: &str) {
        db.store.run_retention().await.unwrap_or_else(|e| panic!("{place}: {e}"));
        self.check(env, db, place).await;
        wait_for_cleanup(db).await;
        let raw: Vec<Key> =
            read_file_rows(&db.dir, "readings").into_keys().map(|(id, ts, _)| (id, ts)).collect();
        let expected: Vec<Key> = by_key(&self.shown()).into_iter().map(|(key, _)| key).collect();
        assert!(raw == expected, "{place}: {} rows on disk, expected {}", raw.len(), expected.len());
        db.store.compute_statistics().await.unwrap();
        let statistics = read_file_rows(&db.dir, "statistics").into_iter();
        let means: Vec<(Key, Option<u64>)> =
            statistics.map(|((id, ts, _), (_, mean))| ((id, ts), mean)).collect();
        let all: Vec<Reading> = rows(self.expiring).into_iter().chain(rows(self.other)).collect();
        assert!(means == by_key(&all), "{place}: {} rows of statistics, expected {}", means.len(), all.len());
    }
}

fn by_key(rows: &[Reading]) -> Vec<(Key, Option<u64>)> {
    let mut rows: Vec<_> = rows.iter().map(|r| ((r.stream.0, r.ts.0), r.value.map(f64::to_bits))).collect();
    rows.sort();
    rows
}

/// Three days, each in two files that both streams share.
async fn before_a_cycle(env: &TestEnv, disk: &LossyDisk, pair: StreamPair) -> TestDb {
    let db = open(env, disk, "fresh").await;
    let all = || rows(pair.expiring).into_iter().chain(rows(pair.other));
    for part in 0..2 {
        let rows: Readings = all().filter(|r| (r.ts.0 / MINUTE / 700) % 2 == part).collect();
        db.store.write(&env.owner, rows).await.unwrap();
        db.store.flush().await.unwrap();
    }
    let keep = STAY * 10 * MINUTE / 1_000_000;
    env.catalog
        .retention
        .set_policy(&env.owner, PolicyTable::Readings, Some(pair.expiring), keep)
        .await
        .unwrap();
    db
}

/// Fails `count` steps of a cycle from the `n`-th on; `false` once it has fewer steps.
async fn fail(env: &mut TestEnv, (n, count): (usize, usize), restarts: bool) -> bool {
    let mut disk = LossyDisk::new();
    let pair = StreamPair::new(env, &format!("{n} {count} {restarts}")).await;
    let mut db = before_a_cycle(env, &disk, pair).await;
    disk.fail_steps(n, count);
    let done = db.store.run_retention().await;
    let Some((op, path)) = disk.failed() else {
        done.expect("no step failed");
        pair.heals(env, &db, "nothing failed").await;
        return false;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let place = format!("{count} from step {n}, {op:?} of `{name}`, restarts {restarts}");
    pair.check(env, &db, &place).await;
    if restarts {
        drop(db);
        disk = disk.process_end();
        env.reload().await;
        db = open(env, &disk, &place).await;
        pair.check(env, &db, &format!("{place}, restarted")).await;
    }
    pair.heals(env, &db, &place).await;
    drop(db);
    let disk = disk.power_loss(&mut StdRng::seed_from_u64(n as u64));
    let db = open(env, &disk, &format!("{place}, power gone")).await;
    pair.heals(env, &db, &format!("{place}, power gone")).await;
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cycle_that_fails_at_any_step_removes_nothing_else_and_heals() {
    let mut env = TestEnv::new(1).await;
    // Every window is over for good.
    env.clock.advance(10_000_000);
    let ways = [(1, true), (4, false)];
    for (way, (count, restarts)) in ways.into_iter().enumerate() {
        let FaultySteps { first: mut n, stride } = FaultySteps::new(way, ways.len());
        while fail(&mut env, (n, count), restarts).await {
            n += stride;
        }
        assert!(n > 20, "a cycle has more steps than {n}");
    }
}

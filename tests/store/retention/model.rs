//! Random writes, policies, time and retention, among flushes, compactions and restarts, against a map.

use std::collections::{BTreeMap, BTreeSet};

use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::stream::StreamSpec;
use basalt::domain::{Clock, Micros, StreamId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{read_file_rows, wait_for_cleanup};
use crate::in_process::{DAY, MINUTE, TestDb, TestEnv};
use crate::store::all_values;
use crate::support::seeds;

const STEPS: usize = 60;
const STREAMS: i32 = 4;
/// Seconds of a window, by stream.
const WINDOWS: [i64; 4] = [60, 10, 3600, 300];

struct RetentionModel {
    /// Every row written and not removed.
    rows: BTreeMap<(i32, i64), f64>,
    policies: BTreeMap<Option<i32>, i64>,
    floors: BTreeMap<i32, i64>,
    gone: BTreeSet<i32>,
    rng: StdRng,
}

impl RetentionModel {
    fn keep_s(&self, stream: i32) -> Option<i64> {
        self.policies.get(&Some(stream)).or_else(|| self.policies.get(&None)).copied()
    }

    /// From when on rows of a stream are shown, and from when on they stay.
    fn cut(&self, stream: i32, now: i64) -> (i64, i64) {
        let floor = self.floors.get(&stream).copied().unwrap_or(i64::MIN);
        let Some(keep) = self.keep_s(stream) else { return (floor, floor) };
        let reached = now - keep * 1_000_000;
        let window = WINDOWS[stream as usize - 1] * 1_000_000;
        let start = reached - reached.rem_euclid(window);
        let minute = reached - reached.rem_euclid(MINUTE);
        (floor.max(start).max(minute), floor.max(start))
    }

    fn shown(&self, now: i64) -> BTreeMap<(i32, i64), f64> {
        let is_shown =
            |(stream, ts): &(i32, i64)| !self.gone.contains(stream) && *ts >= self.cut(*stream, now).0;
        self.rows.iter().filter(|(key, _)| is_shown(key)).map(|(key, value)| (*key, *value)).collect()
    }

    async fn write(&mut self, env: &TestEnv, db: &TestDb) {
        let now = env.clock.now().0;
        let count = self.rng.random_range(1..40);
        let mut request = BTreeMap::new();
        for _ in 0..count {
            let back = match self.rng.random_range(0..3) {
                0 => self.rng.random_range(0..5 * MINUTE),
                1 => self.rng.random_range(0..DAY),
                _ => self.rng.random_range(0..4 * DAY),
            };
            let stream = self.rng.random_range(1..=STREAMS);
            if !self.gone.contains(&stream) {
                // Away from the edges: the clock moves on between this and the check.
                let ts = (now - back).div_euclid(10_000_000) * 10_000_000 + 5_000_000;
                request.insert((stream, ts.min(now)), f64::from(self.rng.random_range(-99..99_i32)));
            }
        }
        let late = request.keys().filter(|(stream, ts)| *ts < self.cut(*stream, now).0).count();
        let rows = |request: &BTreeMap<(i32, i64), f64>| -> Readings {
            request.iter().map(|((s, ts), v)| Reading::good(StreamId(*s), Micros(*ts), *v)).collect()
        };
        if late > 0 {
            let error = db.store.write(&env.owner, rows(&request)).await.unwrap_err();
            assert_eq!(error.fields.len(), late.min(20), "{error}");
            request.retain(|(stream, ts), _| *ts >= self.cut(*stream, now).0);
        }
        db.store.write(&env.owner, rows(&request)).await.unwrap();
        self.rows.extend(request);
    }

    async fn change_policy(&mut self, env: &TestEnv) {
        let stream = self.rng.random_bool(0.6).then(|| self.rng.random_range(1..=STREAMS));
        if stream.is_some_and(|s| self.gone.contains(&s)) {
            return;
        }
        let of = stream.map(StreamId);
        if self.rng.random_bool(0.3) {
            env.catalog.retention.remove_policy(&env.owner, PolicyTable::Readings, of).await.unwrap();
            self.policies.remove(&stream);
        } else {
            let keep = [600, 3600, 86_400, 2 * 86_400][self.rng.random_range(0..4)];
            env.catalog.retention.set_policy(&env.owner, PolicyTable::Readings, of, keep).await.unwrap();
            self.policies.insert(stream, keep);
        }
    }

    /// A cycle removes what has expired, and remembers of whom.
    fn retain(&mut self, now: i64) {
        for stream in 1..=STREAMS {
            let from = if self.gone.contains(&stream) { i64::MAX } else { self.cut(stream, now).1 };
            let before = self.rows.len();
            self.rows.retain(|(of, ts), _| *of != stream || *ts >= from);
            if self.rows.len() < before {
                self.floors.insert(stream, from);
            }
        }
    }

    async fn check(&self, env: &TestEnv, db: &TestDb, place: &str) {
        let expected = self.shown(env.clock.now().0);
        let found = all_values(env, db, place).await;
        assert!(found == expected, "{place}: {} rows, expected {}", found.len(), expected.len());
        let total: f64 = expected.values().sum();
        let totals =
            db.sql(&env.owner, "SELECT count(*) AS n, coalesce(sum(value), 0.0) AS total FROM readings");
        let totals = totals.await;
        assert_eq!(totals[0]["n"], expected.len(), "{place}");
        // Computed statistics keep means: sums from them are exact but for rounding.
        let found = totals[0]["total"].as_f64().unwrap();
        assert!((found - total).abs() < 1e-6, "{place}: {found}, expected {total}");
        for stream in 1..=STREAMS {
            let newest = expected.range((stream, i64::MIN)..=(stream, i64::MAX)).next_back();
            let last = db.store.newest_by_time(&env.owner, StreamId(stream));
            let last = last.map(|r| ((r.stream.0, r.ts.0), r.value.unwrap()));
            assert_eq!(last, newest.map(|(key, value)| (*key, *value)), "{place}: the last of {stream}");
            let floor = env.catalog.retention.raw_from([StreamId(stream)]).get(&stream).map(|ts| ts.0);
            if !self.gone.contains(&stream) {
                let from = self.cut(stream, env.clock.now().0).1;
                assert_eq!(floor.unwrap_or(i64::MIN), from, "{place}: raw rows of {stream}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_of_writes_policies_time_and_retention_equals_a_map() {
    for seed in seeds(1, 5) {
        let mut env = TestEnv::new(STREAMS + 1).await;
        for stream in 1..=STREAMS {
            let window = WINDOWS[stream as usize - 1] as u32;
            let set = |spec: &mut StreamSpec| spec.statistics_interval_s = Some(window);
            env.catalog.streams.update_stream(&env.owner, StreamId(stream), set).await.unwrap();
        }
        // Changed windows apply from the next one on: begin when all have.
        env.clock.advance(10 * DAY);
        let dir = tempfile::tempdir().unwrap();
        let mut db = env.open_local(dir.path()).await;
        let (rows, policies, floors, gone) = Default::default();
        let mut model = RetentionModel { rows, policies, floors, gone, rng: StdRng::seed_from_u64(seed) };
        for step in 0..STEPS {
            let place = format!("seed {seed}, step {step}");
            match model.rng.random_range(0..20) {
                0..7 => model.write(&env, &db).await,
                7..9 => model.change_policy(&env).await,
                9..12 => {
                    let times = [MINUTE / 4, 7 * MINUTE, 3 * 60 * MINUTE, DAY];
                    env.clock.advance(times[model.rng.random_range(0..4)]);
                }
                12..15 => {
                    let now = env.clock.now().0;
                    db.store.flush().await.unwrap();
                    db.store.run_retention().await.unwrap();
                    model.retain(now);
                    wait_for_cleanup(&db).await;
                    let found: Vec<_> =
                        read_file_rows(dir.path(), "readings").into_keys().map(|k| (k.0, k.1)).collect();
                    let expected: Vec<_> = model.rows.keys().copied().collect();
                    assert!(
                        found == expected,
                        "{place}: {} rows on disk, expected {}",
                        found.len(),
                        expected.len()
                    );
                }
                15 => db.store.flush().await.unwrap(),
                16..18 => drop(db.compact().await.unwrap()),
                18 if model.rng.random_bool(0.2) && model.gone.len() < 2 => {
                    let stream = model.rng.random_range(1..=STREAMS);
                    if model.gone.insert(stream) {
                        env.catalog.streams.delete_stream(&env.owner, StreamId(stream)).await.unwrap();
                        db.store.forget(&[StreamId(stream)]);
                        model.policies.remove(&Some(stream));
                    }
                }
                _ => {
                    if model.rng.random_bool(0.5) {
                        db.store.close().await.unwrap();
                    }
                    drop(db);
                    env.reload().await;
                    db = env.open_local(dir.path()).await;
                }
            }
            if step % 3 == 2 {
                model.check(&env, &db, &place).await;
            }
        }
    }
}

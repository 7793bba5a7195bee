//! A world: a server in this process, its streams with their rules, and what happens to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt::app::App;
use basalt::app::access::KeyRequest;
use basalt::app::alert::counters::EvaluationProgress;
use basalt::domain::alert::AlertStatus;
use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::event::{Event, EventFilter};
use basalt::domain::pagination::Pagination;
use basalt::domain::stream::{StreamKind, StreamSpec};
use basalt::domain::{AlertRuleId, Clock};
use basalt::store::StoreOptions;
use basalt::store::disk::LocalDisk;
use basalt::store::flush::FlushOptions;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::doors::{Credentials, DEVICE, IngestDoor, RouterClient, StreamWrite};
use super::plain::{Moment, PlainRule, RaisedAlert, RuleKind, SECOND, SentReading};
use crate::in_process::{TestDb, TestEnv, store_options};

const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// Most readings of a stream that wait for their time: a rule keeps 16.
const MAX_WAITING: usize = 12;
/// Longest wait for the evaluation; longer is a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most alerts of a page.
const MAX_ALERTS: usize = 1_000_000;

/// A stream, its rule, and what was sent.
struct WatchedStream {
    id: i32,
    door: IngestDoor,
    rule: AlertRuleId,
    plain: PlainRule,
    sent: Vec<SentReading>,
}

pub struct WatchingModel {
    seed: u64,
    env: TestEnv,
    dir: TempDir,
    running: Option<RunningServer>,
    watched: Vec<WatchedStream>,
    rng: StdRng,
    /// Whether the clock was set back since a server ended in order.
    is_set_back: bool,
}

/// A server that runs.
pub struct RunningServer {
    pub db: TestDb,
    pub app: Arc<App>,
    server: RouterClient,
    stop: CancellationToken,
    alerts: JoinHandle<()>,
}

impl RunningServer {
    pub fn start(db: TestDb, credentials: Credentials) -> RunningServer {
        let (app, stop) = (db.app(), CancellationToken::new());
        let alerts = tokio::spawn(app.alerts.clone().run_alerts(stop.clone()));
        let router = basalt::api::router(app.clone());
        let server = RouterClient { app: app.clone(), router, credentials };
        RunningServer { db, app, server, stop, alerts }
    }

    /// Ends it; without `in_order` as a kill does, wherever the evaluation is. Returns what clients know of it, when nothing of it
    /// runs any more.
    pub async fn end(self, in_order: bool) -> Credentials {
        let RunningServer { db, app, server, stop, alerts } = self;
        if in_order {
            stop.cancel();
            alerts.await.unwrap();
            db.store.close().await.unwrap();
        } else {
            alerts.abort();
            let _ = alerts.await;
        }
        let (store, credentials) = (Arc::downgrade(&db.store), server.credentials.clone());
        drop((db, app, server));
        let begun = Instant::now();
        while store.upgrade().is_some() {
            assert!(begun.elapsed() < PATIENCE, "something of a server that ended goes on");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        credentials
    }
}

/// Opens the data directory. The log keeps what was flushed, as that of a server does.
pub async fn open(env: &TestEnv, dir: &TempDir) -> TestDb {
    let options = store_options(dir.path());
    let flush = FlushOptions { wal_keep_bytes: 64 << 20, ..options.flush };
    let options = StoreOptions { flush, ..options };
    let disk = Arc::new(LocalDisk);
    TestDb::open(options, env.catalog.clone(), disk, env.clock.clone()).await.unwrap()
}

impl WatchingModel {
    /// A world with so many streams, each of which is a sequence.
    pub async fn new(seed: u64, streams: usize) -> WatchingModel {
        let (env, dir) = (TestEnv::new(1).await, tempfile::tempdir().unwrap());
        // Readings have times of whole seconds; the clock never shows one.
        env.clock.advance(SECOND / 4);
        let db = open(&env, &dir).await;
        let request = KeyRequest { name: "doors".to_owned(), ..KeyRequest::default() };
        let (_, key) = db.app().access.create_key(&env.owner, &request).await.unwrap();
        let spec = DeviceSpec::new(DEVICE, Protocol::Virtual);
        let device = env.catalog.devices.create_device(&env.owner, spec).await.unwrap();
        let credentials = Credentials { key, external_id: device.aliases.external_id.clone() };
        let mut watched = Vec::new();
        for nth in 0..streams {
            // The first stream is that of the environment.
            let (id, door) = (nth as i32 + 2, IngestDoor::ALL[nth % IngestDoor::ALL.len()]);
            let spec =
                StreamSpec { kind: StreamKind::Fp64, ..StreamSpec::new(door.stream_name(id), device.id) };
            let stream = env.catalog.streams.create_stream(&env.owner, spec).await.unwrap();
            assert_eq!(stream.id.0, id);
            let kind = RuleKind::nth(nth / IngestDoor::ALL.len());
            let next_seq = db.store.current_position().seq;
            let rule = env.catalog.alerts.create_alert_rule(&env.owner, kind.spec(stream.id), next_seq);
            let rule = rule.await.unwrap().id;
            let plain = PlainRule::new(kind);
            watched.push(WatchedStream { id, door, rule, plain, sent: Vec::new() });
        }
        let running = Some(RunningServer::start(db, credentials));
        let mut world = WatchingModel {
            seed,
            env,
            dir,
            running,
            watched,
            rng: StdRng::seed_from_u64(seed),
            is_set_back: false,
        };
        world.begin().await;
        world
    }

    fn now(&self) -> i64 {
        self.env.clock.now().0
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now(), passed: self.env.clock.monotonic().0 }
    }

    fn running(&self) -> &RunningServer {
        self.running.as_ref().expect("a server runs between two steps")
    }

    /// A server has started.
    async fn begin(&mut self) {
        let at = self.moment();
        self.watched.iter_mut().for_each(|watched| watched.plain.start(at));
        self.evaluate().await;
    }

    pub async fn step(&mut self, step: usize) {
        self.pass_time();
        self.evaluate().await;
        self.write().await;
        match self.rng.random_range(0..8) {
            0 => self.restart(true).await,
            // What a set clock brought about is not in the log.
            1 => self.restart(self.is_set_back).await,
            _ => {}
        }
        if step % 8 == 7 {
            self.check(&format!("after step {step}")).await;
        }
    }

    /// The clock goes on, or is set.
    fn pass_time(&mut self) {
        let (second, year) = (SECOND, 365 * DAY);
        let clock = &self.env.clock;
        match self.rng.random_range(0..10) {
            0..8 => clock.advance(*[1, 2, 5, 11, 17, 29, 43, 70].choose(&mut self.rng).unwrap() * second),
            8 => clock.advance(*[HOUR / 2, HOUR, 3 * HOUR].choose(&mut self.rng).unwrap()),
            _ => {
                let steps = [second, -second, 90 * second, -90 * second, HOUR, -HOUR, year, -year];
                let by = *steps.choose(&mut self.rng).unwrap();
                clock.jump(by);
                self.is_set_back |= by < 0;
            }
        }
    }

    /// Waits until everything that was acknowledged is evaluated, and time has been looked at.
    async fn evaluate(&mut self) {
        let wanted = self.running().db.store.current_position().seq;
        self.until(|progress| progress.next_seq >= wanted).await;
        // A look that is under way may have read the clock before.
        let looks = self.progress().looks + 2;
        self.until(|progress| progress.looks >= looks).await;
        let at = self.moment();
        self.watched.iter_mut().for_each(|watched| watched.plain.look(at));
    }

    fn progress(&self) -> EvaluationProgress {
        self.running().app.alerts.alert_evaluation(self.env.owner.org)
    }

    async fn until(&self, is_reached: impl Fn(&EvaluationProgress) -> bool) {
        let begun = Instant::now();
        while !is_reached(&self.progress()) {
            let seed = self.seed;
            assert!(
                begun.elapsed() < PATIENCE,
                "BASALT_WATCHING_SEED={seed}: stuck at {:?}",
                self.progress()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Requests arrive, each through the door of its streams.
    async fn write(&mut self) {
        for door in IngestDoor::ALL {
            let mut requests: Vec<(usize, Vec<SentReading>)> = Vec::new();
            for nth in 0..self.watched.len() {
                if self.watched[nth].door == door && self.rng.random_bool(0.7) {
                    let request = self.request(nth);
                    requests.push((nth, request));
                }
            }
            let writes: Vec<StreamWrite<'_>> = requests
                .iter()
                .map(|(nth, rows)| StreamWrite { stream: self.watched[*nth].id, rows: rows.as_slice() })
                .collect();
            if writes.is_empty() {
                continue;
            }
            self.running().server.write(door, &writes).await;
            let at = self.moment();
            for (nth, rows) in requests {
                let watched = &mut self.watched[nth];
                watched.plain.arrive(at, &rows);
                watched.sent.extend(rows);
            }
        }
    }

    /// Makes the next readings of a stream: mostly of now, some ahead, late, repeated or bad.
    fn request(&mut self, nth: usize) -> Vec<SentReading> {
        let (now, rng) = (self.now(), &mut self.rng);
        let WatchedStream { door, plain, sent, .. } = &self.watched[nth];
        let begin = now - now.rem_euclid(SECOND);
        let mut request: Vec<SentReading> = Vec::new();
        let count = if door.has_batches() { rng.random_range(1..3) } else { 1 };
        for _ in 0..count {
            let may_wait = plain.waiting() + request.len() < MAX_WAITING;
            let seconds = match rng.random_range(0..14) {
                0..6 => -rng.random_range(0..5),
                6..8 => -rng.random_range(5..40),
                8 => rng.random_range(1..60),
                9 => -rng.random_range(3000..8000),
                10 if may_wait => rng.random_range(62..200),
                11 if may_wait => rng.random_range(200..90_000),
                // Its sender repeats one.
                12 if !sent.is_empty() => {
                    request.extend(sent.choose(rng).filter(|again| again.ts <= now && !again.is_bad));
                    continue;
                }
                _ => 0,
            };
            let is_high = rng.random_bool(0.5);
            // Every value is another, so that only what is repeated is the same.
            let value = (sent.len() + request.len()) as f64 / 1024.0 + if is_high { 90.0 } else { 5.0 };
            let is_bad = door.has_quality() && rng.random_bool(0.1);
            request.push(SentReading { ts: begin + seconds * SECOND, value, is_bad });
        }
        if request.is_empty() {
            request.push(SentReading { ts: begin, value: sent.len() as f64 / 1024.0 + 5.0, is_bad: false });
        }
        request
    }

    /// The server ends, some of what it acknowledged not evaluated yet, and starts again.
    async fn restart(&mut self, in_order: bool) {
        let running = self.running.take().expect("a server runs between two steps");
        if self.rng.random_bool(0.5) {
            tokio::time::sleep(Duration::from_micros(self.rng.random_range(0..3000))).await;
        }
        let credentials = running.end(in_order).await;
        self.is_set_back &= !in_order;
        self.env.reopen_catalog().await;
        let db = open(&self.env, &self.dir).await;
        self.running = Some(RunningServer::start(db, credentials));
        self.begin().await;
    }

    /// All alerts. A page holds as many as its bytes allow.
    async fn alerts(&self) -> Vec<Event> {
        let mut alerts = Vec::new();
        loop {
            let page = Pagination { limit: MAX_ALERTS, offset: alerts.len() };
            let filter = EventFilter { is_alert: true, page, ..EventFilter::default() };
            let some = self.env.catalog.events.events(&self.env.owner, &filter).await.unwrap();
            if some.is_empty() {
                return alerts;
            }
            alerts.extend(some);
        }
    }

    /// Compares the alerts of all rules with those of the plain program.
    pub async fn check(&mut self, place: &str) {
        self.evaluate().await;
        let events = self.alerts().await;
        let mut raised: BTreeMap<AlertRuleId, Vec<RaisedAlert>> = BTreeMap::new();
        for event in &events {
            let details = event.alert.as_ref().expect("only alerts are listed");
            let is_resolved = details.lifecycle.status == AlertStatus::Resolved;
            let alert = RaisedAlert { at: event.spec.ts.0, is_resolved };
            raised.entry(details.rule.expect("no rule is deleted")).or_default().push(alert);
        }
        for WatchedStream { id, door, rule, plain, sent } in &self.watched {
            let sorted = |mut alerts: Vec<RaisedAlert>| {
                // What time brings about has the time of a look, within the second.
                alerts.iter_mut().for_each(|alert| alert.at -= alert.at.rem_euclid(SECOND));
                alerts.sort_unstable();
                alerts
            };
            let found = sorted(raised.remove(rule).unwrap_or_default());
            let expected = sorted(plain.alerts.clone());
            assert_eq!(
                found, expected,
                "BASALT_WATCHING_SEED={}, {place}: stream {id}, {door:?}, {plain:?}, sent {sent:?}",
                self.seed
            );
        }
    }

    /// Ends the server.
    pub async fn end(mut self) {
        if let Some(running) = self.running.take() {
            running.end(false).await;
        }
    }
}

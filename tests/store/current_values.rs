//! Random requests, steps of the clock and restarts against a plain program that reads the acknowledged rows in the order of
//! arrival: current values are those of the rule about time (`basalt::domain::arrival`).

use basalt::domain::reading::{Quality, Reading, Readings};
use basalt::domain::{Clock, Micros, StreamId};
use basalt::store::current_reading::LatestReadings;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::reopen;
use crate::in_process::{TestDb, TestEnv};
use crate::support::seeds;

/// Sequences of a world: each is the requests of one stream.
const STREAMS: i32 = 100;
const STEPS: usize = 60;
const SECOND: i64 = 1_000_000;
/// `ingest.max_ahead_live` of the tests.
const MAX_AHEAD: i64 = 60 * SECOND;
/// The store remembers so many readings of a stream that are ahead, and the newest.
const MAX_AHEAD_READINGS: usize = 6;

/// An acknowledged request, as far as it is of one stream.
#[derive(Clone)]
struct Request {
    arrived_at: i64,
    /// By time.
    rows: Vec<Reading>,
    is_import: bool,
}

/// A reading that may be current.
#[derive(Clone)]
struct Candidate {
    reading: Reading,
    /// The place of its request in the order of arrival.
    place: usize,
    is_import: bool,
}

/// The plain program: what is current after all requests so far.
#[derive(Default)]
struct PlainProgram {
    current: Option<Candidate>,
    valued: Option<Candidate>,
    ahead: Vec<Candidate>,
}

fn has_value(reading: &Reading) -> bool {
    reading.quality != Quality::Bad
}

impl PlainProgram {
    fn run(requests: &[Request], now: i64) -> PlainProgram {
        let mut program = PlainProgram::default();
        for (place, request) in requests.iter().enumerate() {
            program.let_time_come(request.arrived_at);
            program.take(place, request);
        }
        program.let_time_come(now);
        program
    }

    fn take(&mut self, place: usize, request: &Request) {
        let candidate =
            |reading: &Reading| Candidate { reading: reading.clone(), place, is_import: request.is_import };
        for row in &request.rows {
            // A row replaces the one of the same time.
            self.ahead.retain(|ahead| ahead.reading.ts != row.ts);
            if self.current.as_ref().is_some_and(|current| current.reading.ts == row.ts) {
                self.current = Some(candidate(row));
            }
            if self.valued.as_ref().is_some_and(|valued| valued.reading.ts == row.ts) {
                self.valued = has_value(row).then(|| candidate(row));
            }
        }
        let is_ahead = |row: &&Reading| row.ts.0 > request.arrived_at + MAX_AHEAD;
        let give_way = |known: &Option<Candidate>, row: &Reading| {
            known.as_ref().is_none_or(|known| !request.is_import || known.reading.ts <= row.ts)
        };
        let mut of_now = request.rows.iter().filter(|row| !is_ahead(row)).rev();
        let newest_value = of_now.clone().find(|row| has_value(row));
        if let Some(newest) = of_now.next().filter(|newest| give_way(&self.current, newest)) {
            self.current = Some(candidate(newest));
        }
        if let Some(newest) = newest_value.filter(|newest| give_way(&self.valued, newest)) {
            self.valued = Some(candidate(newest));
        }
        self.ahead.extend(request.rows.iter().filter(is_ahead).map(candidate));
        self.ahead.sort_by_key(|ahead| ahead.reading.ts);
    }

    /// Makes current what was ahead, unless something newer by its own time arrived after it. History is current only
    /// when it is newer.
    fn let_time_come(&mut self, now: i64) {
        while self.ahead.first().is_some_and(|ahead| ahead.reading.ts.0 <= now) {
            let come = self.ahead.remove(0);
            let stays = |known: &Candidate| {
                come.reading.ts < known.reading.ts && (come.is_import || come.place < known.place)
            };
            if !self.current.as_ref().is_some_and(stays) {
                self.current = Some(come.clone());
            }
            if has_value(&come.reading) && !self.valued.as_ref().is_some_and(stays) {
                self.valued = Some(come);
            }
        }
    }

    fn latest(self) -> Option<LatestReadings> {
        let valued = self.valued.map(|valued| valued.reading);
        Some(LatestReadings { newest: self.current?.reading, valued })
    }
}

struct ArrivalModel {
    rng: StdRng,
    requests: Vec<Vec<Request>>,
}

impl ArrivalModel {
    /// A time of a new reading, never within a second of the bound or of the clock.
    fn time(&mut self, requests: &[Request], now: i64) -> i64 {
        let known: Vec<i64> = requests.iter().flat_map(|request| &request.rows).map(|row| row.ts.0).collect();
        let waiting = known.iter().filter(|ts| **ts > now).count();
        let (begin, rng) = (now - now.rem_euclid(SECOND) + SECOND / 2, &mut self.rng);
        let seconds = match rng.random_range(0..10) {
            0..5 => -rng.random_range(1..5),
            5 => rng.random_range(1..55),
            6 => -rng.random_range(60..200_000),
            7 if waiting < MAX_AHEAD_READINGS => rng.random_range(65..200),
            8 if waiting < MAX_AHEAD_READINGS => rng.random_range(65..80_000),
            // The same time again.
            _ => return known.choose(rng).copied().filter(|ts| *ts < now).unwrap_or(begin - SECOND),
        };
        begin + seconds * SECOND
    }

    async fn write(&mut self, env: &TestEnv, db: &TestDb) {
        let is_import = self.rng.random_bool(0.15);
        let mut rows = Readings::default();
        let (now, mut requests) = (env.clock.now().0, std::mem::take(&mut self.requests));
        for (stream, requests) in requests.iter_mut().enumerate() {
            if self.rng.random_bool(0.6) {
                continue;
            }
            let mut request = Request { arrived_at: now, rows: Vec::new(), is_import };
            for _ in 0..self.rng.random_range(1..3) {
                let (stream, ts) = (StreamId(stream as i32 + 1), Micros(self.time(requests, now)));
                let value = f64::from(self.rng.random_range(0..1000_i32));
                let is_bad = self.rng.random_bool(0.1);
                let row = if is_bad { Reading::lost(stream, ts) } else { Reading::good(stream, ts, value) };
                if request.rows.iter().all(|other| other.ts != ts) {
                    rows.push(row.clone());
                    request.rows.push(row);
                }
            }
            request.rows.sort_by_key(|row| row.ts);
            requests.push(request);
        }
        self.requests = requests;
        let written = match is_import {
            true => db.store.import(&env.owner, rows).await,
            false => db.store.write(&env.owner, rows).await,
        };
        written.unwrap();
    }

    fn check(&self, env: &TestEnv, db: &TestDb, place: &str) {
        for (stream, requests) in self.requests.iter().enumerate() {
            let stream = StreamId(stream as i32 + 1);
            let found = db.store.latest(&env.owner, stream);
            let expected = PlainProgram::run(requests, env.clock.now().0).latest();
            assert_eq!(found, expected, "{place}, stream {stream}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn current_values_are_those_of_the_order_of_arrival_whatever_the_clocks_show() {
    // The last stream of an environment has texts.
    let env = TestEnv::new(STREAMS + 1).await;
    for seed in seeds(1, 100) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = env.open_local(dir.path()).await;
        let mut world =
            ArrivalModel { rng: StdRng::seed_from_u64(seed), requests: vec![Vec::new(); STREAMS as usize] };
        for step in 0..STEPS {
            match world.rng.random_range(0..12) {
                0..6 => world.write(&env, &db).await,
                6..8 => env.clock.advance(world.rng.random_range(1..300) * SECOND),
                8 => {
                    let [second, hour, year] = [1, 3600, 365 * 86_400];
                    let by = [second, -second, 30, -30, hour, -hour, 30 * hour, -30 * hour, year, -year];
                    env.clock.jump(by.choose(&mut world.rng).unwrap() * SECOND);
                }
                9 => db.store.flush().await.unwrap(),
                10 => {
                    db.store.close().await.unwrap();
                    db = reopen(&env, db).await;
                }
                _ => db = reopen(&env, db).await,
            }
            world.check(&env, &db, &format!("seed {seed}, step {step}"));
        }
    }
}

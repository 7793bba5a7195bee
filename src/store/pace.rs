//! The share of a processor that work in the background takes.

use std::time::{Duration, Instant};

/// Work shorter than this is not interrupted: sleeping has a cost of its own.
const TURN: Duration = Duration::from_millis(10);

/// Keeps one thread's work to a share of its time.
#[derive(Debug)]
pub struct Pace {
    /// 0 to 1; 1 never rests.
    share: f64,
    since: Instant,
}

impl Pace {
    pub fn new(share: f64) -> Self {
        Self { share: share.clamp(0.01, 1.0), since: Instant::now() }
    }

    /// Between two pieces of work: sleeps for as long as the share asks. Only for threads on which waiting stops
    /// nobody else.
    pub fn rest(&mut self) {
        let worked = self.since.elapsed();
        if self.share >= 1.0 || worked < TURN {
            return;
        }
        std::thread::sleep(worked.mul_f64((1.0 - self.share) / self.share));
        self.since = Instant::now();
    }
}

//! Paused clock of cases over sockets: it goes on only where an answer is withheld.
//!
//! tokio advances a paused clock whenever its runtime is idle, also while bytes are on their way, so that every request would
//! time out. So a task keeps the runtime busy and advances the clock itself. Both ends of every socket are in one thread:
//! after some rounds without an arrival at the line, whoever waits there waits for time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

/// Time by which the clock is advanced at once; a fraction of every pause, so that those who wait can act meanwhile.
const STEP: Duration = Duration::from_millis(50);
/// Rounds without an arrival before each step, while an answer is withheld.
const ROUNDS: u32 = 8;
/// Rounds without an arrival while all is answered, after which time advances: nothing should wait then, and a wait must not hang.
const PATIENT_ROUNDS: u32 = 50_000;

/// Clock of a line.
#[derive(Default)]
pub struct LineClock {
    arrivals: AtomicU64,
    is_withheld: AtomicBool,
}

impl LineClock {
    /// Starts to keep the paused clock of the runtime, for as long as the handle lives.
    pub fn start() -> (Arc<LineClock>, AbortOnDropHandle<()>) {
        let clock = Arc::new(LineClock::default());
        let keeping = tokio::spawn(Arc::clone(&clock).run());
        (clock, AbortOnDropHandle::new(keeping))
    }

    /// Records that something arrived at the line, or left it late.
    pub fn record_arrival(&self) {
        self.arrivals.fetch_add(1, Ordering::Relaxed);
        self.is_withheld.store(false, Ordering::Relaxed);
    }

    /// Records that the client waits for time, or may.
    pub fn record_withheld(&self) {
        self.is_withheld.store(true, Ordering::Relaxed);
    }

    async fn run(self: Arc<Self>) {
        let (mut seen, mut rounds) = (0, 0);
        loop {
            tokio::task::yield_now().await;
            let arrivals = self.arrivals.load(Ordering::Relaxed);
            rounds = if arrivals == seen { rounds + 1 } else { 0 };
            seen = arrivals;
            let needed = if self.is_withheld.load(Ordering::Relaxed) { ROUNDS } else { PATIENT_ROUNDS };
            if rounds >= needed {
                rounds = 0;
                self.record_withheld();
                tokio::time::advance(STEP).await;
            }
        }
    }
}

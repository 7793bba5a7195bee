//! The share of a processor that work in the background takes, and the thread it takes it on.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::domain::{Error, Result};

/// Work shorter than this is not interrupted: sleeping has a cost of its own.
const TURN: Duration = Duration::from_millis(10);
/// How far work in the background stands behind requests for a processor (nice(2)): where all are busy it gets about a
/// quarter of what a request gets, so that it falls behind for a while but does not stand still.
const NICE: i32 = 5;

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

    /// Does work on a thread of its own, which gives way to requests unless the share is a whole processor: then somebody
    /// waits for it. Goes on when nobody waits any more.
    ///
    /// # Errors
    /// Those of the work; `Unavailable` when there is no thread to be had, `Internal` when the work panicked.
    pub async fn work<T: Send + 'static>(
        share: f64,
        work: impl FnOnce(Pace) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let on_thread = move || {
            if share < 1.0 {
                give_way();
            }
            // Nobody may be waiting.
            let _ = done.send(work(Pace::new(share)));
        };
        let thread = std::thread::Builder::new().name("basalt-upkeep".to_owned()).spawn(on_thread);
        thread
            .map_err(|e| Error::unavailable("no thread to be had for work in the background").because(e))?;
        result.await.map_err(|e| Error::internal("work in the background ended early").because(e))?
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

/// Only of Linux is it known that this is about one thread, not about the process.
#[cfg(target_os = "linux")]
fn give_way() {
    if let Err(e) = rustix::process::nice(NICE) {
        tracing::debug!(error = %e, "work in the background has the priority of requests");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn only_what_nobody_waits_for_gives_way() {
        let priority = |_| {
            rustix::process::getpriority_process(None).map_err(|e| Error::internal("no priority").because(e))
        };
        let of_requests = priority(Pace::new(1.0)).unwrap();
        for (share, behind) in [(0.5, NICE), (1.0, 0)] {
            assert_eq!(Pace::work(share, priority).await.unwrap(), of_requests + behind, "{share}");
        }
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_of_whoever_waits() {
        let ended =
            Pace::work(0.5, |_| -> Result<()> { panic!("as if a file were not what it seemed") }).await;
        assert_eq!(ended.unwrap_err().kind, Kind::Internal);
    }
}

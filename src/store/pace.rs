//! How much of a processor large work takes, and the thread it takes it on.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::domain::{Error, Result};

/// Work shorter than this is not interrupted: sleeping has a cost of its own.
const TURN: Duration = Duration::from_millis(10);
/// How far work in the background stands behind requests for a processor (nice(2)): where all are busy it gets about a
/// fifteenth of what a request gets. A processor merges some twenty million rows a second, so that a fifteenth does not
/// stand still.
const NICE: i32 = 12;
/// The same of large requests and of flushes, which get about a sixth: many small requests are answered beside one of these.
const NICE_LARGE: i32 = 8;

/// Threads for large work, one set for the process as there is one set of processors.
static LARGE: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    // One more than can compute at once: a flush waits for the disk on one of them.
    let threads = std::thread::available_parallelism()?.get() + 1;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(threads)
        .thread_name("basalt-large")
        .on_thread_start(|| give_way(NICE_LARGE))
        .build()
});

/// Does large work somebody waits for, a few at a time, behind whatever is small.
///
/// # Errors
/// `Unavailable` when there are no threads to be had, `Internal` when the work panicked.
pub async fn large<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let threads = LARGE
        .as_ref()
        .map_err(|e| Error::unavailable(format!("no threads to be had for large requests: {e}")))?;
    threads.spawn_blocking(work).await.map_err(|e| Error::internal("large work ended early").because(e))
}

/// How hard work is gone about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effort {
    /// Somebody waits for it: as fast as it goes.
    Full,
    /// In the background, behind requests: this share of one processor at most, above 0 to 1.
    Behind(f64),
}

/// Keeps one thread's work to a share of its time.
#[derive(Debug)]
pub struct Pace {
    /// 0 to 1; 1 never rests.
    share: f64,
    since: Instant,
}

impl Pace {
    fn new(effort: Effort) -> Self {
        let share = match effort {
            Effort::Full => 1.0,
            Effort::Behind(share) => share.clamp(0.01, 1.0),
        };
        Self { share, since: Instant::now() }
    }

    /// Does work on a thread of its own, and tells it how to pace itself. Goes on when nobody waits any more.
    ///
    /// # Errors
    /// Those of the work; `Unavailable` when there is no thread to be had, `Internal` when the work panicked.
    pub async fn work<T: Send + 'static>(
        effort: Effort,
        work: impl FnOnce(Pace) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let on_thread = move || {
            if effort != Effort::Full {
                give_way(NICE);
            }
            // Nobody may be waiting.
            let _ = done.send(work(Pace::new(effort)));
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

/// Has this thread stand so far behind others (nice(2)). Only of Linux is it known that this is about one thread, not about the process.
#[cfg(target_os = "linux")]
pub fn give_way(by: i32) {
    if let Err(e) = rustix::process::nice(by) {
        tracing::debug!(error = %e, "large work has the priority of requests");
    }
}

#[cfg(not(target_os = "linux"))]
pub fn give_way(_: i32) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    /// No thread stands further back.
    #[cfg(target_os = "linux")]
    const LOWEST: i32 = 19;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn only_what_nobody_waits_for_gives_way() {
        let priority = |_| {
            rustix::process::getpriority_process(None).map_err(|e| Error::internal("no priority").because(e))
        };
        let of_requests = priority(Pace::new(Effort::Full)).unwrap();
        for (effort, behind) in [(Effort::Behind(0.5), NICE), (Effort::Behind(1.0), NICE), (Effort::Full, 0)]
        {
            let found = Pace::work(effort, priority).await.unwrap();
            assert_eq!(found, (of_requests + behind).min(LOWEST), "{effort:?}");
        }
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn large_work_gives_way_to_small() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(large(priority).await.unwrap(), (priority() + NICE_LARGE).min(LOWEST));
        assert_eq!(
            large(|| -> () { panic!("as if a body were not what it seemed") }).await.unwrap_err().kind,
            Kind::Internal
        );
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_of_whoever_waits() {
        let ended = Pace::work(Effort::Behind(0.5), |_| -> Result<()> {
            panic!("as if a file were not what it seemed")
        })
        .await;
        assert_eq!(ended.unwrap_err().kind, Kind::Internal);
    }
}

//! CPU throttling and low-priority threads for bulk and background work.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use crate::domain::{Error, Result};

/// Shorter work is not interrupted, because sleeping has a cost of its own.
const MIN_WORK_BEFORE_SLEEP: Duration = Duration::from_millis(10);
/// Nice value of background work relative to requests (nice(2)): when all processors are busy, it gets about a
/// fifteenth of a request's share. A processor merges about twenty million rows a second, so a fifteenth
/// of that is still progress.
const BACKGROUND_NICE: i32 = 12;
/// Nice value of large requests and of flushes, which get about a sixth, so that many small requests are answered
/// meanwhile.
const BULK_NICE: i32 = 8;

/// Nice value of the evaluation of alert rules, which gets about two fifths: a body of readings times hundreds of rules must
/// not hold requests up, and alerts must not wait for large requests.
const EVALUATION_NICE: i32 = 4;

/// Threads that evaluate alert rules: one pool per process, because there is one set of processors.
static EVALUATION_THREADS: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    let threads = std::thread::available_parallelism()?.get();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("basalt-alerts")
        .on_thread_start(|| lower_priority(EVALUATION_NICE))
        .enable_all()
        .build()
});

/// The threads on which alert rules are evaluated.
///
/// # Errors
/// `Unavailable` when they cannot be started.
pub fn evaluation_threads() -> Result<&'static Handle> {
    let threads = EVALUATION_THREADS.as_ref().map(Runtime::handle);
    threads.map_err(|e| Error::unavailable(format!("cannot start threads for alert rules: {e}")))
}

/// Threads for large work: one pool per process, because there is one set of processors.
static BULK_THREADS: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    // One more than can compute at once, because a flush waits for the disk on one of them.
    let threads = std::thread::available_parallelism()?.get() + 1;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(threads)
        .thread_name("basalt-large")
        .on_thread_start(|| lower_priority(BULK_NICE))
        .build()
});

/// Runs large work that a caller waits for on a few low-priority threads, so that small requests go first.
///
/// # Errors
/// `Unavailable` when the threads cannot be started, `Internal` when the work panicked.
pub async fn run_bulk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let threads = BULK_THREADS
        .as_ref()
        .map_err(|e| Error::unavailable(format!("cannot start threads for large requests: {e}")))?;
    threads.spawn_blocking(work).await.map_err(|e| Error::internal("large work ended early").with_source(e))
}

/// Priority of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WorkPriority {
    /// A caller waits for the result: no throttling.
    Foreground,
    /// Background work: at most this share of one processor, above 0 to 1, and a lower priority than requests.
    Background(f64),
}

/// Limits one thread to a share of its time.
#[derive(Debug)]
pub struct CpuThrottle {
    /// Above 0 to 1; 1 never sleeps.
    share: f64,
    since: Instant,
}

impl CpuThrottle {
    fn new(effort: WorkPriority) -> Self {
        let share = match effort {
            WorkPriority::Foreground => 1.0,
            WorkPriority::Background(share) => share.clamp(0.01, 1.0),
        };
        Self { share, since: Instant::now() }
    }

    /// Runs work on a thread of its own, with a throttle of the given priority. The work continues when the caller
    /// stops waiting.
    ///
    /// # Errors
    /// The errors of the work; `Unavailable` when the thread cannot be started, `Internal` when the work panicked.
    pub async fn run_on_thread<T: Send + 'static>(
        effort: WorkPriority,
        work: impl FnOnce(CpuThrottle) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let on_thread = move || {
            if effort != WorkPriority::Foreground {
                lower_priority(BACKGROUND_NICE);
            }
            // The caller may have stopped waiting.
            let _ = done.send(work(CpuThrottle::new(effort)));
        };
        let thread = std::thread::Builder::new().name("basalt-upkeep".to_owned()).spawn(on_thread);
        thread.map_err(|e| {
            Error::unavailable("cannot start a thread for work in the background").with_source(e)
        })?;
        result.await.map_err(|e| Error::internal("work in the background ended early").with_source(e))?
    }

    /// Called between two pieces of work: sleeps as long as the share requires. Use it only on threads where sleeping
    /// blocks no other task.
    pub fn sleep_if_due(&mut self) {
        let worked = self.since.elapsed();
        if self.share >= 1.0 || worked < MIN_WORK_BEFORE_SLEEP {
            return;
        }
        std::thread::sleep(worked.mul_f64((1.0 - self.share) / self.share));
        self.since = Instant::now();
    }
}

/// Lowers this thread's priority (nice(2)). Only on Linux does nice apply to one thread instead of the process.
#[cfg(target_os = "linux")]
pub fn lower_priority(by: i32) {
    if let Err(e) = rustix::process::nice(by) {
        tracing::debug!(error = %e, "cannot lower the priority of a thread for large work");
    }
}

/// Does nothing: on other systems nice(2) applies to the process.
#[cfg(not(target_os = "linux"))]
pub fn lower_priority(_: i32) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    /// The highest nice value.
    #[cfg(target_os = "linux")]
    const LOWEST: i32 = 19;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn only_what_nobody_waits_for_gives_way() {
        let priority = |_| {
            rustix::process::getpriority_process(None)
                .map_err(|e| Error::internal("no priority").with_source(e))
        };
        let of_requests = priority(CpuThrottle::new(WorkPriority::Foreground)).unwrap();
        for (effort, behind) in [
            (WorkPriority::Background(0.5), BACKGROUND_NICE),
            (WorkPriority::Background(1.0), BACKGROUND_NICE),
            (WorkPriority::Foreground, 0),
        ] {
            let found = CpuThrottle::run_on_thread(effort, priority).await.unwrap();
            assert_eq!(found, (of_requests + behind).min(LOWEST), "{effort:?}");
        }
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn large_work_gives_way_to_small() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(run_bulk(priority).await.unwrap(), (priority() + BULK_NICE).min(LOWEST));
        assert_eq!(
            run_bulk(|| -> () { panic!("as if a body were not what it seemed") }).await.unwrap_err().kind,
            Kind::Internal
        );
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_of_whoever_waits() {
        let ended = CpuThrottle::run_on_thread(WorkPriority::Background(0.5), |_| -> Result<()> {
            panic!("as if a file were not what it seemed")
        })
        .await;
        assert_eq!(ended.unwrap_err().kind, Kind::Internal);
    }
}

//! Thread pool for running models: few threads, fed from two bounded priority queues. A panicking model does not end a
//! thread.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Semaphore, oneshot};

use crate::domain::{Error, Result};
use crate::infer::tflite::Workspace;

/// Maximum tasks in each queue; further callers wait for a place in it.
const MAX_QUEUED_PER_PRIORITY: usize = 1024;

/// Every n-th task comes from the background queue, even when live work waits.
const BACKGROUND_EVERY_NTH: u64 = 8;

/// The queue a task goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InferencePriority {
    /// Current windows, and work that a caller waits for.
    Live,
    /// History, which nobody waits for.
    Background,
}

type Work = Box<dyn FnOnce(&mut Workspace) + Send>;

#[derive(Default)]
struct TaskQueues {
    live: VecDeque<Work>,
    background: VecDeque<Work>,
    turns: u64,
    closed: bool,
}

impl TaskQueues {
    fn next(&mut self) -> Option<Work> {
        self.turns += 1;
        if self.turns.is_multiple_of(BACKGROUND_EVERY_NTH) {
            self.background.pop_front().or_else(|| self.live.pop_front())
        } else {
            self.live.pop_front().or_else(|| self.background.pop_front())
        }
    }
}

#[derive(Default)]
struct SharedQueues {
    lines: Mutex<TaskQueues>,
    grown: Condvar,
}

/// The pool. Its threads start with the first task, so that commands that run no model have none.
pub struct InferencePool {
    shared: Arc<SharedQueues>,
    count: usize,
    started: std::sync::Once,
    room: [Semaphore; 2],
}

impl InferencePool {
    /// Creates a pool with one thread less than there are cores (at least one), which leaves a core to the rest of the
    /// server.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let room = [Semaphore::new(MAX_QUEUED_PER_PRIORITY), Semaphore::new(MAX_QUEUED_PER_PRIORITY)];
        Self {
            shared: Arc::default(),
            count: cores.saturating_sub(1).max(1),
            started: std::sync::Once::new(),
            room,
        }
    }

    /// Returns the number of threads.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Runs `work` on a pool thread.
    ///
    /// # Errors
    /// The error of `work`; `Internal` when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: InferencePriority,
        work: impl FnOnce(&mut Workspace) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.started.call_once(|| self.start());
        let stopping = || Error::unavailable("the server is stopping");
        let _place = self.room[lane as usize].acquire().await.map_err(|_| stopping())?;
        let (done, result) = oneshot::channel();
        let work: Work = Box::new(move |workspace| {
            if done.is_closed() {
                return;
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| work(workspace)));
            // A panic may leave the buffers inconsistent, so they are replaced.
            let outcome = outcome.unwrap_or_else(|panic| {
                *workspace = Workspace::new();
                Err(Error::internal("running a model failed").with_source(panic_message(panic.as_ref())))
            });
            let _ = done.send(outcome);
        });
        {
            let mut lines = self.shared.lines.lock();
            match lane {
                InferencePriority::Live => lines.live.push_back(work),
                InferencePriority::Background => lines.background.push_back(work),
            }
        }
        self.shared.grown.notify_one();
        result.await.map_err(|_| stopping())?
    }

    fn start(&self) {
        for number in 0..self.count {
            let shared = self.shared.clone();
            let name = format!("basalt-infer-{number}");
            let started = std::thread::Builder::new().name(name).spawn(move || serve(&shared));
            if let Err(error) = started {
                tracing::error!(%error, "a thread for models cannot be started");
            }
        }
    }
}

impl Drop for InferencePool {
    fn drop(&mut self) {
        self.shared.lines.lock().closed = true;
        self.shared.grown.notify_all();
    }
}

fn serve(shared: &SharedQueues) {
    let mut workspace = Workspace::new();
    loop {
        let work = {
            let mut lines = shared.lines.lock();
            loop {
                if lines.closed {
                    return;
                }
                if let Some(work) = lines.next() {
                    break work;
                }
                shared.grown.wait(&mut lines);
            }
        };
        work(&mut workspace);
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
#[path = "inference_pool_tests.rs"]
mod tests;

//! The threads that run models: few, fed by two bounded lines, and never ended by a model.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Semaphore, oneshot};

use crate::domain::{Error, Result};
use crate::infer::tflite::Workspace;

/// Work that may wait in each line; who comes later waits before the line.
const WAITING: usize = 1024;

/// Of so many turns one is for the background, also when live work waits.
const BACKGROUND_TURN: u64 = 8;

/// Which line work stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Windows of now, and what somebody waits for.
    Live,
    /// History.
    Background,
}

type Work = Box<dyn FnOnce(&mut Workspace) + Send>;

#[derive(Default)]
struct Lines {
    live: VecDeque<Work>,
    background: VecDeque<Work>,
    turns: u64,
    closed: bool,
}

impl Lines {
    fn next(&mut self) -> Option<Work> {
        self.turns += 1;
        if self.turns.is_multiple_of(BACKGROUND_TURN) {
            self.background.pop_front().or_else(|| self.live.pop_front())
        } else {
            self.live.pop_front().or_else(|| self.background.pop_front())
        }
    }
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    grown: Condvar,
}

/// The threads. They start with the first work, so that commands that run no model have none.
pub struct Threads {
    shared: Arc<Shared>,
    count: usize,
    started: std::sync::Once,
    room: [Semaphore; 2],
}

impl Threads {
    /// As many as there are cores, but for one that the rest of the server keeps.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let room = [Semaphore::new(WAITING), Semaphore::new(WAITING)];
        Self {
            shared: Arc::default(),
            count: cores.saturating_sub(1).max(1),
            started: std::sync::Once::new(),
            room,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Does `work` on one of the threads.
    ///
    /// # Errors
    /// What `work` says; `Internal` when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
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
            // Buffers that a panic left half used are nobody's.
            let outcome = outcome.unwrap_or_else(|panic| {
                *workspace = Workspace::new();
                Err(Error::internal("running a model failed").because(said(panic.as_ref())))
            });
            let _ = done.send(outcome);
        });
        {
            let mut lines = self.shared.lines.lock();
            match lane {
                Lane::Live => lines.live.push_back(work),
                Lane::Background => lines.background.push_back(work),
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

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.lines.lock().closed = true;
        self.shared.grown.notify_all();
    }
}

fn serve(shared: &Shared) {
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

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
#[path = "threads_tests.rs"]
mod tests;

//! The threads of queries: few for those whose every step is short, more for those that can keep a thread for long.

use tokio::runtime::{Builder, Handle, Runtime};

use super::guard::text::STACK_BYTES;
use crate::domain::{Error, Result};
use crate::store::pace;

/// How far long-running queries stand behind short ones for a processor (nice(2)): where both compute, they get about a
/// quarter.
const NICE_LONG_RUNNING: i32 = 6;

/// Planning a longer text takes long itself, bytes.
const LONG_TEXT_BYTES: usize = 2 << 10;

/// Two sets of threads. An operator of a query can compute for seconds without waiting for anything; the system shares
/// the processors out among threads, which one runtime does not do among its tasks.
#[derive(Debug)]
pub struct Threads {
    short: Option<Runtime>,
    long: Option<Runtime>,
}

impl Threads {
    /// Starts them, for so many long-running queries at a time.
    ///
    /// # Errors
    /// `Unavailable` when the system has no threads.
    pub fn start(cores: usize, long_running: usize) -> Result<Self> {
        let failed = |e: std::io::Error| Error::unavailable("the query threads cannot be started").because(e);
        let short = runtime("basalt-query", cores).build().map_err(failed)?;
        let long = runtime("basalt-long", cores * long_running + 1)
            .on_thread_start(|| pace::give_way(NICE_LONG_RUNNING))
            .build();
        match long {
            Ok(long) => Ok(Self { short: Some(short), long: Some(long) }),
            Err(e) => {
                // A runtime must not be dropped within another.
                short.shutdown_background();
                Err(failed(e))
            }
        }
    }

    /// Where a statement of so many bytes is planned.
    pub fn for_text(&self, bytes: usize) -> &Handle {
        if bytes > LONG_TEXT_BYTES { self.long_running() } else { self.short() }
    }

    pub fn short(&self) -> &Handle {
        self.short.as_ref().expect("the threads live until they are dropped").handle()
    }

    pub fn long_running(&self) -> &Handle {
        self.long.as_ref().expect("the threads live until they are dropped").handle()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for runtime in [self.short.take(), self.long.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}

fn runtime(name: &str, threads: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name(name).thread_stack_size(STACK_BYTES).enable_all();
    builder
}

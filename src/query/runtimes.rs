//! Thread pools of queries: few threads for queries of short steps, more for those that can occupy a thread for long.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use super::guard::nesting::THREAD_STACK_BYTES;
use crate::domain::{Error, Result};
use crate::store::throttle;

/// Niceness of long-running queries (nice(2)): when they compete with short ones, they get about a tenth of a
/// processor.
const NICE_LONG_RUNNING: i32 = 10;

/// Longer statements take long to plan and are planned on the threads of long-running queries; bytes.
const LONG_TEXT_BYTES: usize = 2 << 10;

/// Two runtimes, for short and long-running queries. An operator can compute for seconds without waiting; the operating
/// system shares processors among threads, which a runtime does not do among its tasks.
#[derive(Debug)]
pub struct QueryRuntimes {
    short: Option<Runtime>,
    long: Option<Runtime>,
}

impl QueryRuntimes {
    /// Starts both runtimes, for `long_running` long-running queries at a time.
    ///
    /// # Errors
    /// `Unavailable` when the system cannot start threads.
    pub fn start(cores: usize, long_running: usize) -> Result<Self> {
        let failed =
            |e: std::io::Error| Error::unavailable("the query threads cannot be started").with_source(e);
        let short = runtime("basalt-query", cores).build().map_err(failed)?;
        let long = runtime("basalt-long", cores * long_running + 1)
            .on_thread_start(|| throttle::lower_priority(NICE_LONG_RUNNING))
            .build();
        match long {
            Ok(long) => Ok(Self { short: Some(short), long: Some(long) }),
            Err(e) => {
                join_elsewhere(vec![short]);
                Err(failed(e))
            }
        }
    }

    /// Returns the runtime on which a statement of `bytes` bytes is planned.
    pub fn for_text(&self, bytes: usize) -> &Handle {
        if bytes > LONG_TEXT_BYTES { self.long_running() } else { self.short() }
    }

    /// Returns the runtime of short queries, with a thread for each core.
    pub fn short(&self) -> &Handle {
        self.short.as_ref().expect("the threads live until they are dropped").handle()
    }

    /// Returns the runtime of long-running queries, whose threads have a lower priority.
    pub fn long_running(&self) -> &Handle {
        self.long.as_ref().expect("the threads live until they are dropped").handle()
    }
}

impl Drop for QueryRuntimes {
    fn drop(&mut self) {
        join_elsewhere([self.short.take(), self.long.take()].into_iter().flatten().collect());
    }
}

/// Ends runtimes on a thread of its own, because a runtime must not be dropped within another.
///
/// `Runtime::shutdown_background` would detach their threads instead of joining them. `pthread_detach` of glibc 2.36 reads
/// the descriptor of a thread that may end at the same time, and stacks of this size are unmapped at once: the process
/// ended with SIGSEGV.
fn join_elsewhere(runtimes: Vec<Runtime>) {
    let runtimes = Arc::new(Mutex::new(runtimes));
    let ending = runtimes.clone();
    let end = move || drop(std::mem::take(&mut *ending.lock()));
    if std::thread::Builder::new().name("basalt-query-end".to_owned()).spawn(end).is_err() {
        // No thread can be started. Their threads go with the process.
        std::mem::forget(std::mem::take(&mut *runtimes.lock()));
    }
}

fn runtime(name: &str, threads: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name(name).thread_stack_size(THREAD_STACK_BYTES).enable_all();
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn runtimes_end_within_another_runtime() {
        for _ in 0..50 {
            let runtimes = QueryRuntimes::start(2, 1).unwrap();
            let answer = runtimes.short().spawn(async { 1 });
            assert_eq!(answer.await.unwrap(), 1);
        }
    }
}

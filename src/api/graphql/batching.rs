//! Drives an operation and its data loads. A load starts only when the operation cannot proceed without it, so that
//! every field of a list has queued its key by then. Batching is therefore independent of list length and thread count.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, poll_fn};
use futures::stream::{BoxStream, FuturesUnordered, StreamExt, poll_fn as poll_stream};
use futures::task::{ArcWake, AtomicWaker, waker};
use parking_lot::Mutex;

/// Loads that are queued and not yet started.
#[derive(Clone, Default)]
pub struct PendingLoads(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl PendingLoads {
    /// Queues a load.
    pub fn push(&self, load: BoxFuture<'static, ()>) {
        self.0.lock().push(load);
    }
}

/// Polls of a self-waking operation before its loads start. One that still wakes itself is waiting for something else
/// and must yield to the runtime.
const MAX_SELF_WAKES: usize = 1000;

/// Loads that are running.
#[derive(Default)]
struct RunningLoads {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    woken: Arc<WakeFlag>,
}

/// Records whether an operation woke itself: it paused within a long list, and some of its fields have not queued their
/// keys yet.
#[derive(Default)]
struct WakeFlag {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl ArcWake for WakeFlag {
    fn wake_by_ref(this: &Arc<Self>) {
        this.is_woken.store(true, Ordering::Release);
        this.task.wake();
    }
}

impl RunningLoads {
    /// Polls the operation and the loads it waits for until neither can make progress.
    fn poll<T>(
        &mut self,
        asked: &PendingLoads,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.woken.task.register(cx.waker());
        let waker = waker(self.woken.clone());
        let mut own = Context::from_waker(&waker);
        loop {
            for _ in 0..MAX_SELF_WAKES {
                self.woken.is_woken.store(false, Ordering::Release);
                if let Poll::Ready(done) = operation(&mut own) {
                    return Poll::Ready(done);
                }
                if !self.woken.is_woken.load(Ordering::Acquire) {
                    break;
                }
            }
            self.running.extend(asked.0.lock().drain(..));
            let mut has_loaded = false;
            while let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {
                has_loaded = true;
            }
            if !has_loaded {
                return Poll::Pending;
            }
        }
    }
}

/// Runs an operation with one response.
pub async fn run<T>(asked: PendingLoads, operation: impl Future<Output = T>) -> T {
    let mut operation = pin!(operation);
    let mut loads = RunningLoads::default();
    poll_fn(move |cx| loads.poll(&asked, cx, |cx| operation.as_mut().poll(cx))).await
}

/// Runs an operation with a stream of responses.
pub fn run_stream<T: Send + 'static>(
    asked: PendingLoads,
    mut operation: BoxStream<'static, T>,
) -> BoxStream<'static, T> {
    let mut loads = RunningLoads::default();
    poll_stream(move |cx| loads.poll(&asked, cx, |cx| operation.poll_next_unpin(cx))).boxed()
}

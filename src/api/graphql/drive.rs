//! Running an operation together with its loads: a load begins when the operation can go no further without it, so that
//! every field of a list has asked by then. It is the same at any length and on any number of threads.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, poll_fn};
use futures::stream::{BoxStream, FuturesUnordered, StreamExt, poll_fn as poll_stream};
use futures::task::{ArcWake, AtomicWaker, waker};
use parking_lot::Mutex;

/// Loads that have been asked for and not begun.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Asked {
    pub fn push(&self, load: BoxFuture<'static, ()>) {
        self.0.lock().push(load);
    }
}

/// Times that an operation which wakes itself is polled before its loads begin. One that goes on waking itself waits for
/// something else: the runtime has to have its turn.
const TURNS: usize = 1000;

/// Loads that have begun.
#[derive(Default)]
struct Loads {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    woken: Arc<Woken>,
}

/// Whether an operation has woken itself: it has stopped in the middle of a long list, and some of its fields have not
/// asked yet.
#[derive(Default)]
struct Woken {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl ArcWake for Woken {
    fn wake_by_ref(this: &Arc<Self>) {
        this.is_woken.store(true, Ordering::Release);
        this.task.wake();
    }
}

impl Loads {
    /// Polls an operation, and the loads it waits for, until neither can go on.
    fn poll<T>(
        &mut self,
        asked: &Asked,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.woken.task.register(cx.waker());
        let waker = waker(self.woken.clone());
        let mut own = Context::from_waker(&waker);
        loop {
            for _ in 0..TURNS {
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

/// An operation with one answer.
pub async fn one<T>(asked: Asked, operation: impl Future<Output = T>) -> T {
    let mut operation = pin!(operation);
    let mut loads = Loads::default();
    poll_fn(move |cx| loads.poll(&asked, cx, |cx| operation.as_mut().poll(cx))).await
}

/// An operation with many.
pub fn many<T: Send + 'static>(asked: Asked, mut operation: BoxStream<'static, T>) -> BoxStream<'static, T> {
    let mut loads = Loads::default();
    poll_stream(move |cx| loads.poll(&asked, cx, |cx| operation.poll_next_unpin(cx))).boxed()
}

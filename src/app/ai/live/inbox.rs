//! Bounded queue of readings between the dispatcher and a model's task. It reports when readings had to be dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::app::ai::window_feed::SourceReading;

/// Maximum readings queued for one model, so that a slow model does not use up memory.
const MAX_QUEUED_READINGS: usize = 65_536;

#[derive(Default)]
struct InboxState {
    points: VecDeque<SourceReading>,
    has_lost: bool,
    /// All readings of log records before this one have been delivered here.
    next_seq: u64,
}

/// Readings taken from an inbox.
#[derive(Debug)]
pub struct ReceivedReadings {
    pub points: VecDeque<SourceReading>,
    /// With these points, all readings of log records before this one have been taken.
    pub next_seq: u64,
}

/// The inbox of one model.
#[derive(Clone, Default)]
pub struct ReadingsInbox {
    inner: Arc<Mutex<InboxState>>,
    grown: Arc<Notify>,
    followed: Arc<watch::Sender<bool>>,
}

impl ReadingsInbox {
    /// Adds readings. If they do not fit, all are dropped, and the model reads them from the lake instead.
    pub fn push(&self, points: &[SourceReading]) {
        {
            let mut inner = self.inner.lock();
            if inner.points.len() + points.len() > MAX_QUEUED_READINGS {
                inner.points.clear();
                inner.has_lost = true;
            } else if !inner.has_lost {
                inner.points.extend(points);
            }
        }
        self.grown.notify_one();
    }

    /// Marks readings as lost because the log was not followed.
    pub fn mark_lost(&self) {
        let mut inner = self.inner.lock();
        inner.points.clear();
        inner.has_lost = true;
        drop(inner);
        self.grown.notify_one();
    }

    /// Marks the sources as followed: everything from this log record on is delivered here.
    pub fn begin(&self, record: u64) {
        self.set_next_seq(record);
        self.followed.send_replace(true);
    }

    /// Records that everything before this log record has been delivered.
    pub fn set_next_seq(&self, record: u64) {
        self.inner.lock().next_seq = record;
    }

    /// Marks the sources as not followed yet, because they changed. Reading the lake before they are followed would
    /// miss readings.
    pub fn mark_unfollowed(&self) {
        self.followed.send_replace(false);
    }

    /// Waits until all sources are followed.
    pub async fn wait_until_followed(&self) {
        // It fails only once the sender is gone, and `self` holds the sender.
        let _ = self.followed.subscribe().wait_for(|is_followed| *is_followed).await;
    }

    /// Takes what is queued, possibly nothing; `None` when some readings were lost.
    pub fn drain(&self) -> Option<ReceivedReadings> {
        let mut inner = self.inner.lock();
        let points = std::mem::take(&mut inner.points);
        (!inner.has_lost).then_some(ReceivedReadings { points, next_seq: inner.next_seq })
    }

    /// Returns the next record of the log if the queue is empty and nothing was lost.
    pub fn next_seq_if_empty(&self) -> Option<u64> {
        let inner = self.inner.lock();
        (inner.points.is_empty() && !inner.has_lost).then_some(inner.next_seq)
    }

    /// Discards the queue and the loss mark, because the lake is read from now on. Returns the first log record that
    /// is still to be delivered here.
    pub fn clear(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.points.clear();
        inner.has_lost = false;
        inner.next_seq
    }

    /// Waits for readings; `None` when some were lost.
    pub async fn recv(&self) -> Option<ReceivedReadings> {
        loop {
            {
                let mut inner = self.inner.lock();
                if inner.has_lost {
                    return None;
                }
                if !inner.points.is_empty() {
                    return Some(ReceivedReadings {
                        points: std::mem::take(&mut inner.points),
                        next_seq: inner.next_seq,
                    });
                }
            }
            self.grown.notified().await;
        }
    }
}

//! What comes to a model between the follower and its task: bounded, and honest about what it had to drop.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::app::ai::feed::Point;

/// Readings that wait for one model; more than a slow one may keep of memory.
const MOST: usize = 65_536;

#[derive(Default)]
struct Inner {
    points: VecDeque<Point>,
    has_lost: bool,
    /// Everything of the log's records before this one has come here.
    heard: u64,
}

/// What has come to a model.
#[derive(Debug)]
pub struct Arrived {
    pub points: VecDeque<Point>,
    /// With these points everything of the log's records before this one has been taken.
    pub heard: u64,
}

/// Readings for one model.
#[derive(Clone, Default)]
pub struct Queue {
    inner: Arc<Mutex<Inner>>,
    grown: Arc<Notify>,
    followed: Arc<watch::Sender<bool>>,
}

impl Queue {
    /// Adds readings. When they do not fit all are dropped, and the model reads them from the lake again.
    pub fn push(&self, points: &[Point]) {
        {
            let mut inner = self.inner.lock();
            if inner.points.len() + points.len() > MOST {
                inner.points.clear();
                inner.has_lost = true;
            } else if !inner.has_lost {
                inner.points.extend(points);
            }
        }
        self.grown.notify_one();
    }

    /// Something was not followed.
    pub fn lose(&self) {
        let mut inner = self.inner.lock();
        inner.points.clear();
        inner.has_lost = true;
        drop(inner);
        self.grown.notify_one();
    }

    /// Everything from this record of the log on comes here.
    pub fn begin(&self, record: u64) {
        self.hear(record);
        self.followed.send_replace(true);
    }

    /// Everything before this record of the log has come here.
    pub fn hear(&self, record: u64) {
        self.inner.lock().heard = record;
    }

    /// Other sources than so far are to come; whoever reads the lake first would miss some.
    pub fn wait(&self) {
        self.followed.send_replace(false);
    }

    /// Waits until everything comes.
    pub async fn followed(&self) {
        // It ends only with the sender, which this has.
        let _ = self.followed.subscribe().wait_for(|is_followed| *is_followed).await;
    }

    /// What is there now, perhaps nothing; `None` when some were lost.
    pub fn drain(&self) -> Option<Arrived> {
        let mut inner = self.inner.lock();
        let points = std::mem::take(&mut inner.points);
        (!inner.has_lost).then_some(Arrived { points, heard: inner.heard })
    }

    /// Before which record of the log nothing is left to come, if nothing waits here.
    pub fn heard(&self) -> Option<u64> {
        let inner = self.inner.lock();
        (inner.points.is_empty() && !inner.has_lost).then_some(inner.heard)
    }

    /// Forgets what is there: the lake is read from now on. The first record that still comes here.
    pub fn clear(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.points.clear();
        inner.has_lost = false;
        inner.heard
    }

    /// Waits for readings; `None` when some were lost.
    pub async fn take(&self) -> Option<Arrived> {
        loop {
            {
                let mut inner = self.inner.lock();
                if inner.has_lost {
                    return None;
                }
                if !inner.points.is_empty() {
                    return Some(Arrived { points: std::mem::take(&mut inner.points), heard: inner.heard });
                }
            }
            self.grown.notified().await;
        }
    }
}

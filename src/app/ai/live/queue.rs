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

    /// From now on everything that is committed comes here.
    pub fn begin(&self) {
        self.followed.send_replace(true);
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

    /// What is there now.
    pub fn drain(&self) -> VecDeque<Point> {
        std::mem::take(&mut self.inner.lock().points)
    }

    /// Forgets what is there: the lake is read from now on.
    pub fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.points.clear();
        inner.has_lost = false;
    }

    /// Waits for readings; `None` when some were lost.
    pub async fn take(&self) -> Option<VecDeque<Point>> {
        loop {
            {
                let mut inner = self.inner.lock();
                if inner.has_lost {
                    return None;
                }
                if !inner.points.is_empty() {
                    return Some(std::mem::take(&mut inner.points));
                }
            }
            self.grown.notified().await;
        }
    }
}

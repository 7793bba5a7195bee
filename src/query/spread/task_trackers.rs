//! The trackers of queries that have tasks on this node. All tasks of one query share one, and so the query's memory.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryPool;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::caller::Caller;
use crate::domain::{Micros, OrgId};
use crate::query::log::{QueryInfo, QueryTracker, Surface};
use crate::query::memory_pool::QueryMemoryPool;

/// The trackers by query; one is gone with its last task.
pub struct TaskTrackers {
    pool: Arc<dyn MemoryPool>,
    /// Memory that the tasks of one query may use together, bytes.
    query_bytes: usize,
    /// Time that they may take together, from the first of them on. The node that was asked does not count the time that it
    /// waits for its reader; here that is not known.
    query_time: Duration,
    trackers: Mutex<HashMap<Uuid, Weak<QueryTracker>>>,
}

impl TaskTrackers {
    pub fn new(pool: Arc<dyn MemoryPool>, query_bytes: usize, query_time: Duration) -> Self {
        Self { pool, query_bytes, query_time, trackers: Mutex::default() }
    }

    /// Adds the tracker of a query that was asked here, so that its tasks on this node use its memory.
    pub fn add(&self, tracker: &Arc<QueryTracker>) {
        let mut trackers = self.trackers.lock();
        trackers.retain(|_, known| known.strong_count() > 0);
        trackers.insert(tracker.id, Arc::downgrade(tracker));
    }

    /// Returns the tracker of a query, which was asked elsewhere unless it was added. It writes nothing to the query log:
    /// the node that was asked does.
    pub fn of(&self, query: Uuid, org: OrgId) -> Arc<QueryTracker> {
        let mut trackers = self.trackers.lock();
        if let Some(known) = trackers.get(&query).and_then(Weak::upgrade) {
            return known;
        }
        trackers.retain(|_, known| known.strong_count() > 0);
        let info = QueryInfo {
            started_at: Micros(0),
            text_hash: None,
            text: None,
            surface: Surface::Sql,
            caller: Caller::System,
            org,
        };
        let share = QueryMemoryPool::new(self.pool.clone(), self.query_bytes);
        let tracker = Arc::new(QueryTracker::new(Arc::default(), info, share));
        tracker.discard();
        // The node that was asked may be gone, and an operator that computes does not see it.
        tracker.interrupt.end_after(self.query_time, self.query_time);
        trackers.insert(query, Arc::downgrade(&tracker));
        tracker
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::UnboundedMemoryPool;

    use super::*;

    fn trackers(query_time: Duration) -> TaskTrackers {
        TaskTrackers::new(Arc::new(UnboundedMemoryPool::default()), 1 << 20, query_time)
    }

    #[test]
    fn the_tasks_of_a_query_share_a_tracker() {
        let trackers = trackers(Duration::from_secs(3600));
        let (query, other) = (Uuid::new_v4(), Uuid::new_v4());
        let first = trackers.of(query, OrgId(1));
        assert!(Arc::ptr_eq(&first, &trackers.of(query, OrgId(1))));
        assert!(!Arc::ptr_eq(&first, &trackers.of(other, OrgId(1))));
        drop(first);
        trackers.of(Uuid::new_v4(), OrgId(1));
        assert!(trackers.trackers.lock().len() <= 1, "trackers without tasks stay");
    }

    #[test]
    fn tasks_of_a_query_that_was_asked_here_use_its_memory() {
        let trackers = trackers(Duration::from_secs(3600));
        let own = trackers.of(Uuid::new_v4(), OrgId(1));
        trackers.add(&own);
        assert!(Arc::ptr_eq(&own, &trackers.of(own.id, OrgId(1))));
    }

    #[test]
    fn tasks_of_other_nodes_have_a_deadline() {
        for (limit, is_over) in [(Duration::ZERO, true), (Duration::from_secs(3600), false)] {
            let tracker = trackers(limit).of(Uuid::new_v4(), OrgId(1));
            // A deadline is a whole millisecond later at least.
            std::thread::sleep(Duration::from_millis(2));
            assert_eq!(tracker.interrupt.check().is_err(), is_over, "{limit:?}");
        }
    }
}

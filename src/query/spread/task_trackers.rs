//! The trackers of queries that have tasks on this node. All tasks of one query share one, and so the query's memory.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

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
    trackers: Mutex<HashMap<Uuid, Weak<QueryTracker>>>,
}

impl TaskTrackers {
    pub fn new(pool: Arc<dyn MemoryPool>, query_bytes: usize) -> Self {
        Self { pool, query_bytes, trackers: Mutex::default() }
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
        trackers.insert(query, Arc::downgrade(&tracker));
        tracker
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::UnboundedMemoryPool;

    use super::*;

    #[test]
    fn the_tasks_of_a_query_share_a_tracker() {
        let trackers = TaskTrackers::new(Arc::new(UnboundedMemoryPool::default()), 1 << 20);
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
        let trackers = TaskTrackers::new(Arc::new(UnboundedMemoryPool::default()), 1 << 20);
        let own = trackers.of(Uuid::new_v4(), OrgId(1));
        trackers.add(&own);
        assert!(Arc::ptr_eq(&own, &trackers.of(own.id, OrgId(1))));
    }
}

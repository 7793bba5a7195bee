//! The trackers of queries that have tasks on this node. All tasks of one query share one, and so the query's memory.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryPool;
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::caller::Caller;
use crate::domain::{Error, Micros, OrgId, Result};
use crate::query::log::{QueryInfo, QueryTracker, Surface};
use crate::query::memory_pool::QueryMemoryPool;
use crate::query::node_usage::NodeUsage;

/// How long after its last task the numbers of another node's query are kept. That node asks for them when the query has
/// ended, just after its tasks, and waits half as long for the answer.
const KEPT_AFTER_END: Duration = Duration::from_secs(10);

/// The trackers by query.
pub struct TaskTrackers {
    pool: Arc<dyn MemoryPool>,
    /// Memory that the tasks of one query may use together, bytes.
    query_bytes: usize,
    queries: Mutex<TaskQueries>,
}

#[derive(Default)]
struct TaskQueries {
    /// Asked on this node. A query ends with the last reference to its tracker, so there is none here.
    own: HashMap<Uuid, Weak<QueryTracker>>,
    /// Asked on other nodes.
    foreign: HashMap<Uuid, ForeignQuery>,
}

/// A query that another node was asked.
struct ForeignQuery {
    tracker: Arc<QueryTracker>,
    /// Since when no task is known; `None` where there may be one.
    idle_since: Option<Instant>,
}

impl TaskQueries {
    /// Removes queries that have ended.
    fn purge(&mut self) {
        self.own.retain(|_, tracker| tracker.strong_count() > 0);
        let now = Instant::now();
        self.foreign.retain(|_, query| {
            if Arc::strong_count(&query.tracker) > 1 {
                query.idle_since = None;
                return true;
            }
            let idle_since = *query.idle_since.get_or_insert(now);
            now.duration_since(idle_since) < KEPT_AFTER_END
        });
    }
}

impl TaskTrackers {
    /// Creates the trackers of a node without tasks. Memory comes from `pool`, for one query at most `query_bytes`.
    pub fn new(pool: Arc<dyn MemoryPool>, query_bytes: usize) -> Self {
        Self { pool, query_bytes, queries: Mutex::default() }
    }

    /// Adds the tracker of a query that was asked here, so that its tasks on this node use its memory.
    pub fn add(&self, tracker: &Arc<QueryTracker>) {
        let mut queries = self.queries.lock();
        queries.purge();
        queries.own.insert(tracker.id, Arc::downgrade(tracker));
    }

    /// Returns the tracker of a query, which was asked elsewhere unless it was added. It writes nothing to the query log:
    /// the node that was asked does.
    pub fn of(&self, query: Uuid, org: OrgId) -> Arc<QueryTracker> {
        let mut queries = self.queries.lock();
        if let Some(own) = queries.own.get(&query).and_then(Weak::upgrade) {
            return own;
        }
        if let Some(known) = queries.foreign.get_mut(&query) {
            known.idle_since = None;
            return known.tracker.clone();
        }
        queries.purge();
        let tracker = Arc::new(self.foreign_tracker(org));
        queries.foreign.insert(query, ForeignQuery { tracker: tracker.clone(), idle_since: None });
        tracker
    }

    fn foreign_tracker(&self, org: OrgId) -> QueryTracker {
        let info = QueryInfo {
            started_at: Micros(0),
            text_hash: None,
            text: None,
            surface: Surface::Sql,
            caller: Caller::System,
            org,
        };
        let share = QueryMemoryPool::new(self.pool.clone(), self.query_bytes);
        let tracker = QueryTracker::new(Arc::default(), info, share);
        tracker.discard();
        tracker
    }

    /// Returns what the tasks of another node's query have used here; nothing for a query that is not known, or no longer.
    ///
    /// # Errors
    /// `Forbidden` for a query of another organization.
    pub fn usage(&self, query: Uuid, org: OrgId) -> Result<NodeUsage> {
        let queries = self.queries.lock();
        let Some(known) = queries.foreign.get(&query) else { return Ok(NodeUsage::default()) };
        check_org(&known.tracker, org)?;
        Ok(known.tracker.usage())
    }
}

/// Checks that a query is of the organization that a call about it names.
///
/// # Errors
/// `Forbidden` when it is not.
pub fn check_org(tracker: &QueryTracker, org: OrgId) -> Result<()> {
    match tracker.org() == org {
        true => Ok(()),
        false => Err(Error::forbidden("the query is of another organization")),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::UnboundedMemoryPool;

    use super::*;

    fn trackers() -> TaskTrackers {
        TaskTrackers::new(Arc::new(UnboundedMemoryPool::default()), 1 << 20)
    }

    #[test]
    fn the_tasks_of_a_query_share_a_tracker() {
        let trackers = trackers();
        let (query, other) = (Uuid::new_v4(), Uuid::new_v4());
        let first = trackers.of(query, OrgId(1));
        assert!(Arc::ptr_eq(&first, &trackers.of(query, OrgId(1))));
        assert!(!Arc::ptr_eq(&first, &trackers.of(other, OrgId(1))));
    }

    #[tokio::test(start_paused = true)]
    async fn numbers_are_kept_while_a_query_has_tasks_and_a_while_after() {
        let trackers = trackers();
        let (long, short) = (Uuid::new_v4(), Uuid::new_v4());
        let task = trackers.of(long, OrgId(1));
        task.scan_metrics.add_bytes(5);
        trackers.of(short, OrgId(1)).scan_metrics.add_bytes(7);
        let bytes = |query| trackers.usage(query, OrgId(1)).unwrap().bytes;
        let others = || drop(trackers.of(Uuid::new_v4(), OrgId(1)));
        others();
        assert_eq!((bytes(long), bytes(short)), (5, 7));
        tokio::time::advance(KEPT_AFTER_END / 2).await;
        others();
        assert_eq!((bytes(long), bytes(short)), (5, 7));
        // Another task begins and ends.
        drop(trackers.of(short, OrgId(1)));
        tokio::time::advance(KEPT_AFTER_END / 2).await;
        others();
        assert_eq!((bytes(long), bytes(short)), (5, 7));
        tokio::time::advance(KEPT_AFTER_END).await;
        others();
        assert_eq!((bytes(long), bytes(short)), (5, 0), "its last task ended long ago");
        drop(task);
        others();
        assert_eq!(bytes(long), 5);
        tokio::time::advance(KEPT_AFTER_END).await;
        others();
        assert_eq!(bytes(long), 0);
        assert_eq!(trackers.queries.lock().foreign.len(), 2, "the newest ones alone stay");
    }

    #[test]
    fn tasks_of_a_query_that_was_asked_here_use_its_memory_and_end_with_it() {
        let trackers = trackers();
        let own = Arc::new(trackers.foreign_tracker(OrgId(1)));
        trackers.add(&own);
        own.scan_metrics.add_bytes(5);
        assert!(Arc::ptr_eq(&own, &trackers.of(own.id, OrgId(1))));
        assert_eq!(
            trackers.usage(own.id, OrgId(1)).unwrap(),
            NodeUsage::default(),
            "others do not ask for it"
        );
        let reference = Arc::downgrade(&own);
        drop(own);
        assert_eq!(reference.strong_count(), 0, "its record is written");
    }
}

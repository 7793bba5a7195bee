//! Query admission: permits for running queries and a bounded queue with a deadline for waiting ones.
//!
//! Permits are shared fairly among organizations (max-min fairness): a free permit goes to the waiting query whose
//! organization runs the fewest, and among equals to the one that has waited longest. Some permits are beyond what one
//! organization may hold. An organization with many queries therefore does not hold up the few of another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::domain::{Error, Kind, OrgId, Result};

/// Permits beyond those of one organization, so that others need not wait for one of its queries to end.
const PERMITS_FOR_OTHERS: usize = 2;
/// This many queries of an organization may wait even when those of others fill the queue.
const MIN_WAITING_PER_ORG: usize = 4;

/// Two queues: one for every query, and one before it for long-running queries. An organization's long-running queries
/// get at most half of its permits, so that its short ones always find some.
#[derive(Debug, Clone)]
pub struct QueryAdmission {
    pub all: AdmissionQueue,
    pub long_running: AdmissionQueue,
}

impl QueryAdmission {
    /// Admits `running` queries of an organization at a time and queues `waiting_cap` more in each queue for at most
    /// `deadline`.
    pub fn new(running: usize, waiting_cap: usize, deadline: Duration) -> Self {
        let long_running = AdmissionQueue::new(max_long_running(running), waiting_cap, deadline);
        Self { all: AdmissionQueue::new(running, waiting_cap, deadline), long_running }
    }
}

/// Returns how many long-running queries an organization may run that may run `running` queries.
fn max_long_running(running: usize) -> usize {
    (running / 2).max(1)
}

/// Returns how many long-running queries of all organizations may run, if one may run `running` queries.
pub fn long_running_permits(running: usize) -> usize {
    max_long_running(running) + PERMITS_FOR_OTHERS
}

/// Permits with a bounded queue.
#[derive(Debug, Clone)]
pub struct AdmissionQueue(Arc<QueueState>);

#[derive(Debug)]
struct QueueState {
    queries: Mutex<AdmittedQueries>,
    /// Maximum number of running queries of one organization.
    running_cap: usize,
    waiting_cap: usize,
    deadline: Duration,
}

#[derive(Debug)]
struct AdmittedQueries {
    free_permits: usize,
    /// Number of running queries, of organizations that have any.
    running: HashMap<OrgId, usize>,
    /// In order of arrival.
    waiting: Vec<WaitingQuery>,
    /// Number of queries that have ever waited.
    arrivals: u64,
}

#[derive(Debug)]
struct WaitingQuery {
    arrival: u64,
    org: OrgId,
    admit: oneshot::Sender<AdmissionPermit>,
}

/// The right to run. Dropping it lets the next query run.
#[derive(Debug)]
pub struct AdmissionPermit {
    /// `None` once the permit has been taken back.
    queue: Option<Arc<QueueState>>,
    org: OrgId,
}

impl AdmissionQueue {
    /// Admits `running_cap` queries of an organization at a time and queues `waiting_cap` more for at most `deadline`.
    pub fn new(running_cap: usize, waiting_cap: usize, deadline: Duration) -> Self {
        let queries = AdmittedQueries {
            free_permits: running_cap + PERMITS_FOR_OTHERS,
            running: HashMap::new(),
            waiting: Vec::new(),
            arrivals: 0,
        };
        Self(Arc::new(QueueState { queries: Mutex::new(queries), running_cap, waiting_cap, deadline }))
    }

    /// Returns how many queries run.
    pub fn running(&self) -> usize {
        self.0.queries.lock().running.values().sum()
    }

    /// Waits for a permit for a query of `org`.
    ///
    /// # Errors
    /// `Busy` when the queue is full or the deadline passes.
    pub async fn acquire(&self, org: OrgId) -> Result<AdmissionPermit> {
        let (slot, admitted) = {
            let mut queries = self.0.queries.lock();
            // Nobody waits who could have this permit.
            if queries.may_run(org, self.0.running_cap) {
                return Ok(queries.take_permit(&self.0, org));
            }
            let of_org = queries.waiting.iter().filter(|waiting| waiting.org == org).count();
            let of_others = queries.waiting.len() - of_org;
            let is_full = queries.waiting.len() >= self.0.waiting_cap;
            if is_full && (of_others == 0 || of_org >= MIN_WAITING_PER_ORG) {
                return Err(Error::new(Kind::Busy, "too many queries are waiting; retry later"));
            }
            let (admit, admitted) = oneshot::channel();
            queries.arrivals += 1;
            let arrival = queries.arrivals;
            queries.waiting.push(WaitingQuery { arrival, org, admit });
            (QueueSlot { queue: self.0.clone(), arrival }, admitted)
        };
        let permit = tokio::time::timeout(self.0.deadline, admitted).await;
        drop(slot);
        permit
            .map_err(|_| Error::busy("too many queries are running; retry later"))?
            .map_err(|e| Error::unavailable("the server is shutting down").with_source(e))
    }
}

impl AdmittedQueries {
    fn may_run(&self, org: OrgId, running_cap: usize) -> bool {
        self.free_permits > 0 && self.running_of(org) < running_cap
    }

    fn running_of(&self, org: OrgId) -> usize {
        self.running.get(&org).copied().unwrap_or_default()
    }

    fn take_permit(&mut self, queue: &Arc<QueueState>, org: OrgId) -> AdmissionPermit {
        self.free_permits -= 1;
        *self.running.entry(org).or_default() += 1;
        AdmissionPermit { queue: Some(queue.clone()), org }
    }

    fn return_permit(&mut self, org: OrgId) {
        self.free_permits += 1;
        if let Some(running) = self.running.get_mut(&org) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&org);
            }
        }
    }

    /// Removes the query that is admitted next.
    fn next_waiting(&mut self, running_cap: usize) -> Option<WaitingQuery> {
        let order = |(_, waiting): &(usize, &WaitingQuery)| (self.running_of(waiting.org), waiting.arrival);
        let may_run = |(_, waiting): &(usize, &WaitingQuery)| self.may_run(waiting.org, running_cap);
        let (index, _) = self.waiting.iter().enumerate().filter(may_run).min_by_key(order)?;
        Some(self.waiting.remove(index))
    }

    /// Gives the free permits to waiting queries.
    fn admit_waiting(&mut self, queue: &Arc<QueueState>) {
        while let Some(WaitingQuery { org, admit, .. }) = self.next_waiting(queue.running_cap) {
            let permit = self.take_permit(queue, org);
            // A query that has just left hands it back. The lock is held here, so the permit must not return itself.
            if let Err(mut unused) = admit.send(permit) {
                unused.queue = None;
                self.return_permit(org);
            }
        }
    }
}

impl Drop for AdmissionPermit {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else { return };
        let mut queries = queue.queries.lock();
        queries.return_permit(self.org);
        queries.admit_waiting(&queue);
    }
}

/// A slot in the queue, released on drop however the wait ends.
struct QueueSlot {
    queue: Arc<QueueState>,
    arrival: u64,
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        self.queue.queries.lock().waiting.retain(|waiting| waiting.arrival != self.arrival);
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;

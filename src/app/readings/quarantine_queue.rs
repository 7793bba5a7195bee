//! Writes quarantined readings: those of many senders in one transaction, so that a flood of them leaves the catalog to
//! others.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::domain::quarantine::QuarantineEntry;
use crate::domain::{Error, OrgId, Principal, Result};
use crate::store::catalog::QuarantineCatalog;

/// Entries of one sender that wait for the next transaction.
struct WaitingEntries {
    principal: Principal,
    entries: Vec<QuarantineEntry>,
    stored: oneshot::Sender<bool>,
}

/// Entries that wait, by organization. Each sender waits for its own, so their number is bounded by that of the senders.
#[derive(Default)]
pub(super) struct QuarantineQueue {
    waiting: Mutex<HashMap<OrgId, Vec<WaitingEntries>>>,
    writer: tokio::sync::Mutex<()>,
}

impl QuarantineQueue {
    /// Stores entries; durable on return.
    ///
    /// # Errors
    /// `Unavailable` when they were not stored, or when that is not known.
    pub(super) async fn store(
        &self,
        catalog: &QuarantineCatalog,
        principal: &Principal,
        entries: Vec<QuarantineEntry>,
    ) -> Result<()> {
        let (stored, outcome) = oneshot::channel();
        let entry = WaitingEntries { principal: principal.clone(), entries, stored };
        self.waiting.lock().entry(principal.org).or_default().push(entry);
        let writer_guard = self.writer.lock().await;
        let due = self.waiting.lock().remove(&principal.org).unwrap_or_default();
        write(catalog, principal.org, due).await?;
        drop(writer_guard);
        match outcome.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => {
                Err(Error::unavailable("refused readings could not be put into quarantine"))
            }
        }
    }
}

/// Writes what waits. Each sender's rights were checked when its entries were resolved: here the organization counts.
async fn write(catalog: &QuarantineCatalog, org: OrgId, due: Vec<WaitingEntries>) -> Result<()> {
    if due.is_empty() {
        return Ok(());
    }
    let mut entries = Vec::new();
    let mut senders = Vec::with_capacity(due.len());
    for WaitingEntries { principal, entries: some, stored } in due {
        debug_assert_eq!(principal.org, org, "entries wait by organization");
        entries.extend(some);
        senders.push(stored);
    }
    let written = catalog.quarantine(&Principal::system(org), entries).await;
    for sender in senders {
        // Who is gone does not need to know.
        let _ = sender.send(written.is_ok());
    }
    written
}

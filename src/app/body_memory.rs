//! Memory budget for request bodies, from the first byte of a body or message to the stored row, and the gate for large
//! request bodies: the resident memory limit of the process.
//!
//! The reader of a body reserves its memory here and passes the reservation on with the body; the rows made of it are
//! reserved separately. Bodies may use only a part of the total, so that rows of bodies that have arrived always find
//! memory. One caller may use only a share of that part, and unauthenticated callers have a small budget of their own.
//! Large request bodies are read only while the process stays below its resident memory limit; they are refused as
//! `Busy` (503) otherwise.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::resident_memory::resident_bytes;
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::{Error, Result};

/// Limits of a budget, bytes.
#[derive(Debug, Clone, Copy)]
pub struct BodyMemoryLimits {
    /// Bodies and rows together.
    pub total: usize,
    /// Bodies, as sent and decoded.
    pub bodies: usize,
    /// Bodies of one caller: the largest allowed body, as sent and decoded, and the window of its decoder.
    pub caller: usize,
    /// Bodies of all unauthenticated callers.
    pub max_anonymous: usize,
    /// Unauthenticated bodies from one address: a few logins at a time.
    pub max_per_address: usize,
    /// Resident memory limit: resident memory of the process that a large request body may not make it exceed.
    pub resident_memory_limit: usize,
    /// How long rows wait for memory that others are about to release.
    pub wait_timeout: Duration,
}

/// The largest body, 64 MiB as sent and 256 MiB decoded, fits one caller's share; others find 64 MiB for their bodies
/// meanwhile, and rows 176 MiB.
const SHARES: BodyMemoryLimits = BodyMemoryLimits {
    total: 576 << 20,
    bodies: 400 << 20,
    caller: 336 << 20,
    max_anonymous: 8 << 20,
    max_per_address: 1 << 20,
    resident_memory_limit: 896 << 20,
    wait_timeout: Duration::from_secs(10),
};

/// A caller whose bodies hold more than this has large request bodies, which the resident memory limit applies to.
const LARGE_BODY_BYTES: usize = 8 << 20;

/// The budget of this process.
static ACCOUNT: LazyLock<Arc<BodyMemoryBudget>> = LazyLock::new(|| Arc::new(BodyMemoryBudget::new(SHARES)));

/// The holder of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemoryHolder {
    /// A body of an authenticated caller, by a number derived from the credential.
    Caller(u64),
    /// A body of an unauthenticated client at this address, if that is known.
    Anonymous(Option<IpAddr>),
    /// Rows made of bodies.
    Rows,
    /// Messages that wait for the clients of MQTT (`app/mqtt/queue_account.rs`), which bounds it.
    Queues,
}

/// The budget and its current use.
#[derive(Debug)]
pub struct BodyMemoryBudget {
    limits: BodyMemoryLimits,
    held: Mutex<BodyMemoryUsage>,
    freed: Notify,
    /// Makes waiters queue in order.
    order: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct BodyMemoryUsage {
    total: usize,
    bodies: usize,
    anonymous: usize,
    by_holder: HashMap<MemoryHolder, usize>,
}

impl BodyMemoryBudget {
    /// Creates a budget of which nothing is reserved; the process has one, tests have smaller ones.
    pub fn new(limits: BodyMemoryLimits) -> Self {
        Self { limits, held: Mutex::default(), freed: Notify::new(), order: tokio::sync::Mutex::default() }
    }

    /// Returns the reserved bytes.
    pub fn used(&self) -> usize {
        let usage = self.held.lock();
        usage.total + usage.anonymous
    }

    /// Returns the resident memory above which this process takes no large body, bytes.
    pub fn large_body_limit() -> usize {
        SHARES.resident_memory_limit
    }

    /// Returns the use of the budget of this process.
    pub fn usage_of_process() -> MemoryUsage {
        let limit_bytes = ACCOUNT.limits.total + ACCOUNT.limits.max_anonymous;
        MemoryUsage { budget: "bodies", used_bytes: ACCOUNT.used(), limit_bytes }
    }

    fn try_take(&self, holder: MemoryHolder, bytes: usize) -> bool {
        let mut usage = self.held.lock();
        let BodyMemoryUsage { total, bodies, anonymous, by_holder } = &mut *usage;
        let own = by_holder.get(&holder).copied().unwrap_or_default() + bytes;
        let (total_after, bodies_after) = (*total + bytes, *bodies + bytes);
        match holder {
            MemoryHolder::Rows if total_after <= self.limits.total => *total = total_after,
            MemoryHolder::Queues
                if total_after <= self.limits.total && bodies_after <= self.limits.bodies =>
            {
                (*total, *bodies) = (total_after, bodies_after);
            }
            MemoryHolder::Caller(_)
                if total_after <= self.limits.total
                    && bodies_after <= self.limits.bodies
                    && own <= self.limits.caller
                    && (own <= LARGE_BODY_BYTES || self.admits_large_body(bytes)) =>
            {
                (*total, *bodies) = (total_after, bodies_after);
                by_holder.insert(holder, own);
            }
            MemoryHolder::Anonymous(_)
                if *anonymous + bytes <= self.limits.max_anonymous && own <= self.limits.max_per_address =>
            {
                *anonymous += bytes;
                by_holder.insert(holder, own);
            }
            _ => return false,
        }
        true
    }

    /// The gate for large request bodies: whether the process stays below its resident memory limit with `bytes` more.
    /// Called for these bodies only, because it may read a file.
    fn admits_large_body(&self, bytes: usize) -> bool {
        resident_bytes().unwrap_or_default().saturating_add(bytes) <= self.limits.resident_memory_limit
    }

    fn give_back(&self, holder: MemoryHolder, bytes: usize) {
        let mut usage = self.held.lock();
        match holder {
            MemoryHolder::Rows => usage.total -= bytes,
            MemoryHolder::Caller(_) | MemoryHolder::Queues => {
                usage.total -= bytes;
                usage.bodies -= bytes;
            }
            MemoryHolder::Anonymous(_) => usage.anonymous -= bytes,
        }
        if let Some(own) = usage.by_holder.get_mut(&holder) {
            *own -= bytes;
            if *own == 0 {
                usage.by_holder.remove(&holder);
            }
        }
        drop(usage);
        self.freed.notify_waiters();
    }
}

/// Reserved memory, released on drop.
#[derive(Debug)]
pub struct BodyMemoryReservation {
    account: Arc<BodyMemoryBudget>,
    holder: MemoryHolder,
    bytes: usize,
}

impl BodyMemoryReservation {
    /// Creates an empty reservation on the budget of this process.
    pub fn empty(holder: MemoryHolder) -> Self {
        Self::with_budget(ACCOUNT.clone(), holder)
    }

    /// Creates an empty reservation on `account`; tests give another budget than that of the process.
    pub fn with_budget(account: Arc<BodyMemoryBudget>, holder: MemoryHolder) -> Self {
        Self { account, holder, bytes: 0 }
    }

    /// Bytes that are reserved now; they are given back on drop.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Grows the reservation to `bytes`, without waiting.
    ///
    /// # Errors
    /// `Busy` when there is not enough; the reservation is unchanged then.
    pub fn try_grow_to(&mut self, bytes: usize) -> Result<()> {
        let missing = bytes.saturating_sub(self.bytes);
        if missing == 0 || self.account.try_take(self.holder, missing) {
            self.bytes += missing;
            return Ok(());
        }
        Err(Error::busy("too many requests are being read; retry later"))
    }

    /// Grows the reservation, waiting for others to release memory. It reserves at most the part that bodies cannot
    /// use.
    ///
    /// # Errors
    /// `Busy` when it takes too long.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<()> {
        let limits = self.account.limits;
        let wanted = bytes.min(limits.total - limits.bodies);
        let account = self.account.clone();
        let taking = async {
            let _in_order = account.order.lock().await;
            loop {
                let mut freed = std::pin::pin!(account.freed.notified());
                // Enabled before the check, so that a release in between is not missed.
                freed.as_mut().enable();
                if self.try_grow_to(wanted).is_ok() {
                    return;
                }
                freed.await;
            }
        };
        let taken = tokio::time::timeout(limits.wait_timeout, taking).await;
        taken.map_err(|_| Error::busy("too much is being written at once; retry later"))
    }

    /// Releases what is above `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let over = self.bytes.saturating_sub(bytes);
        if over > 0 {
            self.bytes -= over;
            self.account.give_back(self.holder, over);
        }
    }
}

impl Drop for BodyMemoryReservation {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
#[path = "body_memory_tests.rs"]
mod tests;

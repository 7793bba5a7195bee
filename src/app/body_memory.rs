//! The one account of memory for what clients send, from the first byte of a body or message to the stored row.
//!
//! Whoever reads a body takes its memory here and hands it on with the body; the rows made of it are taken beside it. Of
//! the whole, bodies may have a part only, so that rows of bodies that have arrived always find room; of that part, one
//! caller may have a share only; and callers that nobody knows yet have a small account of their own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::{Error, Result};

/// How much an account has, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// Bodies and rows together.
    pub total: usize,
    /// Bodies, as sent and decoded.
    pub bodies: usize,
    /// Bodies of one caller: the largest there may be, as sent and decoded, and half of it again where its decoded
    /// length is not told.
    pub caller: usize,
    /// Bodies of all whom nobody knows yet.
    pub strangers: usize,
    /// Bodies that come from one address without a credential: a few logins at a time.
    pub stranger: usize,
    /// How long rows wait for memory that others are about to give back.
    pub patience: Duration,
}

/// 768 MiB are three of the largest bodies: one being read, one being decoded, one waiting for the log.
const SHARES: Shares = Shares {
    total: 768 << 20,
    bodies: 512 << 20,
    caller: 384 << 20,
    strangers: 8 << 20,
    stranger: 1 << 20,
    patience: Duration::from_secs(10),
};

/// The account of this process.
static ACCOUNT: LazyLock<Arc<Account>> = LazyLock::new(|| Arc::new(Account::new(SHARES)));

/// Who holds memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A body of a caller who is known, by a number made of the credential.
    Caller(u64),
    /// A body of somebody at this address, if that is known.
    Stranger(Option<IpAddr>),
    /// What is made of bodies.
    Rows,
}

/// Memory, and who has it.
#[derive(Debug)]
pub struct Account {
    shares: Shares,
    held: Mutex<Sums>,
    freed: Notify,
    /// Who waits, waits in turn.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Sums {
    total: usize,
    bodies: usize,
    strangers: usize,
    by_holder: HashMap<Holder, usize>,
}

impl Account {
    pub fn new(shares: Shares) -> Self {
        Self { shares, held: Mutex::default(), freed: Notify::new(), turn: tokio::sync::Mutex::default() }
    }

    /// What is held at this moment, bytes.
    pub fn used(&self) -> usize {
        let held = self.held.lock();
        held.total + held.strangers
    }

    fn try_take(&self, holder: Holder, bytes: usize) -> bool {
        let mut held = self.held.lock();
        let Sums { total, bodies, strangers, by_holder } = &mut *held;
        let own = by_holder.get(&holder).copied().unwrap_or_default() + bytes;
        let (total_after, bodies_after) = (*total + bytes, *bodies + bytes);
        match holder {
            Holder::Rows if total_after <= self.shares.total => *total = total_after,
            Holder::Caller(_)
                if total_after <= self.shares.total
                    && bodies_after <= self.shares.bodies
                    && own <= self.shares.caller =>
            {
                (*total, *bodies) = (total_after, bodies_after);
                by_holder.insert(holder, own);
            }
            Holder::Stranger(_)
                if *strangers + bytes <= self.shares.strangers && own <= self.shares.stranger =>
            {
                *strangers += bytes;
                by_holder.insert(holder, own);
            }
            _ => return false,
        }
        true
    }

    fn give_back(&self, holder: Holder, bytes: usize) {
        let mut held = self.held.lock();
        match holder {
            Holder::Rows => held.total -= bytes,
            Holder::Caller(_) => {
                held.total -= bytes;
                held.bodies -= bytes;
            }
            Holder::Stranger(_) => held.strangers -= bytes,
        }
        if let Some(own) = held.by_holder.get_mut(&holder) {
            *own -= bytes;
            if *own == 0 {
                held.by_holder.remove(&holder);
            }
        }
        drop(held);
        self.freed.notify_waiters();
    }
}

/// Memory that is held until this is dropped.
#[derive(Debug)]
pub struct Held {
    account: Arc<Account>,
    holder: Holder,
    bytes: usize,
}

impl Held {
    /// Nothing yet, of the account of this process.
    pub fn nothing(holder: Holder) -> Self {
        Self::of(ACCOUNT.clone(), holder)
    }

    pub fn of(account: Arc<Account>, holder: Holder) -> Self {
        Self { account, holder, bytes: 0 }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what is missing to `bytes`, at once.
    ///
    /// # Errors
    /// `Busy` when there is not so much; what was held before stays.
    pub fn cover(&mut self, bytes: usize) -> Result<()> {
        let missing = bytes.saturating_sub(self.bytes);
        if missing == 0 || self.account.try_take(self.holder, missing) {
            self.bytes += missing;
            return Ok(());
        }
        Err(Error::busy("too many requests are being read; retry later"))
    }

    /// The same, but waits for others to give back what they have. No more is asked for than rows are always left.
    ///
    /// # Errors
    /// `Busy` when it takes too long.
    pub async fn cover_soon(&mut self, bytes: usize) -> Result<()> {
        let shares = self.account.shares;
        let wanted = bytes.min(shares.total - shares.bodies);
        let account = self.account.clone();
        let taking = async {
            let _turn = account.turn.lock().await;
            loop {
                let mut freed = std::pin::pin!(account.freed.notified());
                // Before the look: what is given back in between is not missed.
                freed.as_mut().enable();
                if self.cover(wanted).is_ok() {
                    return;
                }
                freed.await;
            }
        };
        let taken = tokio::time::timeout(shares.patience, taking).await;
        taken.map_err(|_| Error::busy("too much is being written at once; retry later"))
    }

    /// Gives back what is above `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let over = self.bytes.saturating_sub(bytes);
        if over > 0 {
            self.bytes -= over;
            self.account.give_back(self.holder, over);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
#[path = "body_memory_tests.rs"]
mod tests;

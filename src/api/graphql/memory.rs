//! The memory of GraphQL requests: one account in bytes, from which a request takes what its variables, the values of its
//! answer and its text hold, until the last byte of that has been sent.
//!
//! An operation waits until as much is free as its field values may take; what turns out to be larger is taken as it
//! comes, or ends the operation. Nobody has more than a half, and what is small has a part of its own: whoever reads
//! slowly delays others neither way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::principal::Caller;
use crate::domain::{Error, OrgId, Principal, Result};

/// What a field value takes until it is sent, without the length of its text.
pub const VALUE_BYTES: usize = 200;
/// How often the largest operation fits the account.
const LARGEST_AT_ONCE: usize = 6;
/// The account has no less than this, however small operations are to be: variables and rows of SQL come out of it too.
const LEAST_BYTES: usize = 64 << 20;
/// A request that holds no more than this is small.
const SMALL_BYTES: usize = 256 << 10;
/// All small requests together.
const ALL_SMALL_BYTES: usize = 32 << 20;
/// Of either part, one caller has at most one in so many.
const OF_CALLER: usize = 2;
/// What is counted at once.
const UNIT_BYTES: usize = 1024;
/// What a request takes more at once when it grows.
const STEP_BYTES: usize = 64 << 10;
/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// Who a request is of.
type Who = (OrgId, Caller);

/// The memory of all requests.
pub struct Account {
    small: Part,
    large: Part,
}

/// A part of the account.
struct Part {
    all: Arc<Semaphore>,
    units: usize,
    /// What is left to each who holds any of it.
    callers: Mutex<HashMap<Who, Weak<Semaphore>>>,
}

impl Account {
    /// `values` is what the largest operation may have.
    pub fn new(values: usize) -> Arc<Self> {
        let bytes = values.saturating_mul(VALUE_BYTES * LARGEST_AT_ONCE).max(LEAST_BYTES);
        Arc::new(Self { small: Part::new(ALL_SMALL_BYTES), large: Part::new(bytes) })
    }

    /// A request of somebody, which holds nothing so far.
    pub fn open(self: &Arc<Self>, of: &Principal) -> Arc<Held> {
        let state = State { used: 0, is_small: true, permits: Vec::new(), spent: None };
        Arc::new(Held::new(self.clone(), (of.org, of.caller), state))
    }
}

impl Part {
    fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self { all: Arc::new(Semaphore::new(units)), units, callers: Mutex::default() }
    }

    /// The most that one caller may have.
    fn most(&self) -> usize {
        self.units / OF_CALLER
    }

    fn of(&self, who: Who) -> Arc<Semaphore> {
        let mut callers = self.callers.lock();
        if let Some(known) = callers.get(&who).and_then(Weak::upgrade) {
            return known;
        }
        callers.retain(|_, known| known.strong_count() > 0);
        let own = Arc::new(Semaphore::new(self.most()));
        callers.insert(who, Arc::downgrade(&own));
        own
    }

    fn try_take(&self, who: Who, units: usize) -> Result<Permit> {
        let count = self.count(units)?;
        let busy = |_| busy();
        let own = self.of(who).try_acquire_many_owned(count).map_err(busy)?;
        let all = self.all.clone().try_acquire_many_owned(count).map_err(busy)?;
        Ok(Permit { own, all })
    }

    async fn take(&self, who: Who, units: usize, wait: Duration) -> Result<Permit> {
        let count = self.count(units)?;
        let taking = async {
            let own = self.of(who).acquire_many_owned(count).await;
            let all = self.all.clone().acquire_many_owned(count).await;
            (own, all)
        };
        match tokio::time::timeout(wait, taking).await {
            Ok((Ok(own), Ok(all))) => Ok(Permit { own, all }),
            Ok(_) | Err(_) => Err(busy()),
        }
    }

    fn count(&self, units: usize) -> Result<u32> {
        let count = u32::try_from(units).ok().filter(|_| units <= self.most());
        count.ok_or_else(|| {
            let mebibytes = (self.most() * UNIT_BYTES) >> 20;
            Error::too_large(format!(
                "the request needs more than the {mebibytes} MiB that GraphQL requests of one caller may hold; \
                 ask for less at once, or at /sql and /ingest, which stream"
            ))
        })
    }
}

fn busy() -> Error {
    Error::busy("too many large answers at once; retry later")
}

/// Units of one part of the account: of the caller's share, and of all.
struct Permit {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Permit {
    fn units(&self) -> usize {
        self.all.num_permits()
    }

    /// Parts with so many units, which it has.
    fn split(&mut self, units: usize) -> Option<Permit> {
        Some(Permit { own: self.own.split(units)?, all: self.all.split(units)? })
    }
}

/// What one request holds. Dropping it gives everything back.
pub struct Held {
    account: Arc<Account>,
    who: Who,
    /// Whether it has been refused more.
    is_spent: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// Bytes counted so far; what is taken is no less.
    used: usize,
    is_small: bool,
    permits: Vec<Permit>,
    /// Why it cannot have more, once it has been refused.
    spent: Option<(crate::domain::Kind, String)>,
}

impl State {
    fn units(&self) -> usize {
        self.permits.iter().map(Permit::units).sum()
    }

    /// What has to be taken so that so many bytes are: of the large part everything, when it was small before.
    fn missing(&self, bytes: usize, step: usize) -> (bool, usize) {
        let units = bytes.div_ceil(step).saturating_mul(step).div_ceil(UNIT_BYTES);
        if bytes <= SMALL_BYTES && self.is_small {
            return (true, units.min(SMALL_BYTES / UNIT_BYTES).saturating_sub(self.units()));
        }
        let had = if self.is_small { 0 } else { self.units() };
        (false, units.saturating_sub(had))
    }

    fn add(&mut self, is_small: bool, permit: Option<Permit>, used: usize) {
        if self.is_small && !is_small {
            self.permits.clear();
            self.is_small = false;
        }
        self.permits.extend(permit);
        self.used = used;
    }
}

impl Held {
    fn new(account: Arc<Account>, who: Who, state: State) -> Self {
        Self { account, who, is_spent: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Takes so many bytes more, and waits until they are free.
    ///
    /// # Errors
    /// `TooLarge` when it can never have them; `Busy` when others hold them for too long.
    pub async fn take(&self, bytes: usize) -> Result<()> {
        self.take_within(bytes, WAIT).await
    }

    async fn take_within(&self, bytes: usize, wait: Duration) -> Result<()> {
        let (used, (is_small, units)) = {
            let state = self.state.lock();
            let used = state.used.saturating_add(bytes);
            (used, state.missing(used, UNIT_BYTES))
        };
        let permit = match units {
            0 => None,
            units => Some(self.part(is_small).take(self.who, units, wait).await?),
        };
        self.state.lock().add(is_small, permit, used);
        Ok(())
    }

    /// Takes so many bytes more, if they are free at once. Once refused it has no more.
    ///
    /// # Errors
    /// As of `take`.
    pub fn grow(&self, bytes: usize) -> Result<()> {
        let mut state = self.state.lock();
        if let Some((kind, message)) = &state.spent {
            return Err(Error::new(*kind, message.clone()));
        }
        let used = state.used.saturating_add(bytes);
        let (is_small, units) = state.missing(used, STEP_BYTES);
        let permit = match units {
            0 => None,
            units => match self.part(is_small).try_take(self.who, units) {
                Ok(permit) => Some(permit),
                Err(error) => {
                    state.spent = Some((error.kind, error.message.clone()));
                    self.is_spent.store(true, Ordering::Release);
                    return Err(error);
                }
            },
        };
        state.add(is_small, permit, used);
        Ok(())
    }

    /// Whether it has been refused more.
    pub fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Acquire)
    }

    /// Why it cannot have more, once it has been refused.
    pub fn spent(&self) -> Option<Error> {
        let state = self.state.lock();
        state.spent.as_ref().map(|(kind, message)| Error::new(*kind, message.clone()))
    }

    /// Bytes counted so far.
    pub fn used(&self) -> usize {
        self.state.lock().used
    }

    /// Gives back what is over so many bytes, and may grow again.
    pub fn keep(&self, bytes: usize) {
        let mut state = self.state.lock();
        state.spent = None;
        self.is_spent.store(false, Ordering::Release);
        state.used = state.used.min(bytes);
        let mut over = state.units().saturating_sub(state.used.div_ceil(UNIT_BYTES));
        while over > 0
            && let Some(permit) = state.permits.last_mut()
        {
            let some = over.min(permit.units());
            drop(permit.split(some));
            over -= some;
            if permit.units() == 0 {
                state.permits.pop();
            }
        }
    }

    /// Hands on so many of its bytes, which it has, to what lasts longer than the rest.
    pub fn hand_on(&self, bytes: usize) -> Held {
        let mut state = self.state.lock();
        let bytes = bytes.min(state.used);
        let mut missing = bytes.div_ceil(UNIT_BYTES);
        let mut permits = Vec::new();
        while missing > 0
            && let Some(permit) = state.permits.last_mut()
        {
            let some = missing.min(permit.units());
            permits.extend(permit.split(some));
            missing -= some;
            if permit.units() == 0 {
                state.permits.pop();
            }
        }
        state.used -= bytes;
        let state = State { used: bytes, is_small: state.is_small, permits, spent: None };
        Held::new(self.account.clone(), self.who, state)
    }

    fn part(&self, is_small: bool) -> &Part {
        if is_small { &self.account.small } else { &self.account.large }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;

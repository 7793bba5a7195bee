//! Memory pool of GraphQL requests. A request reserves bytes for its variables, the values of its response and its
//! text, and keeps them until the last byte of the response has been sent.
//!
//! An operation waits until the memory that its field values may need is free; anything larger is reserved as it
//! appears, or ends the operation. One caller may hold at most half of the pool, and small requests have a tier of
//! their own, so a slow client delays no other caller.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::caller::Caller;
use crate::domain::{Error, OrgId, Principal, Result};

/// Memory of a field value until it is sent, without its text, bytes.
pub const FIELD_VALUE_BYTES: usize = 400;
/// Part of `FIELD_VALUE_BYTES` that is free once the field is resolved.
pub const FIELD_RESOLVER_BYTES: usize = FIELD_VALUE_BYTES / 2;
/// Number of operations of the largest size that fit the pool.
const MAX_LARGEST_OPERATIONS: usize = 3;
/// Minimum size of the pool, even if the limit on operations is low: variables and SQL rows are reserved here too.
const MIN_POOL_BYTES: usize = 64 << 20;
/// A request that holds at most this much is small.
const MAX_SMALL_REQUEST_BYTES: usize = 256 << 10;
/// Size of the tier of all small requests.
const SMALL_TIER_BYTES: usize = 32 << 20;
/// One caller may hold at most this fraction (1/n) of a tier.
const CALLER_SHARE_DIVISOR: usize = 2;
/// Unit of accounting.
const UNIT_BYTES: usize = 1024;
/// Step by which a reservation grows.
const GROW_STEP_BYTES: usize = 64 << 10;
/// Maximum wait for a reservation.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Identity that the share per caller applies to.
type CallerId = (OrgId, Caller);

/// Memory of all GraphQL requests, in two tiers.
pub struct GraphqlMemoryPool {
    small: MemoryTier,
    large: MemoryTier,
}

/// A tier of the pool.
struct MemoryTier {
    all: Arc<Semaphore>,
    units: usize,
    /// Remaining share of each caller that holds memory of the tier.
    callers: Mutex<HashMap<CallerId, Weak<Semaphore>>>,
}

impl GraphqlMemoryPool {
    /// Creates a pool for operations of at most `values` field values.
    pub fn new(values: usize) -> Arc<Self> {
        let bytes = values.saturating_mul(FIELD_VALUE_BYTES * MAX_LARGEST_OPERATIONS).max(MIN_POOL_BYTES);
        Arc::new(Self { small: MemoryTier::new(SMALL_TIER_BYTES), large: MemoryTier::new(bytes) })
    }

    /// Opens an empty reservation for a request of this caller.
    pub fn open_reservation(self: &Arc<Self>, of: &Principal) -> Arc<RequestReservation> {
        let state = ReservationState { used: 0, is_small: true, permits: Vec::new(), spent: None };
        Arc::new(RequestReservation::new(self.clone(), (of.org, of.caller), state))
    }
}

impl MemoryTier {
    fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self { all: Arc::new(Semaphore::new(units)), units, callers: Mutex::default() }
    }

    /// Returns the maximum share of one caller, units.
    fn max_units_per_caller(&self) -> usize {
        self.units / CALLER_SHARE_DIVISOR
    }

    fn caller_share(&self, who: CallerId) -> Arc<Semaphore> {
        let mut callers = self.callers.lock();
        if let Some(known) = callers.get(&who).and_then(Weak::upgrade) {
            return known;
        }
        callers.retain(|_, known| known.strong_count() > 0);
        let own = Arc::new(Semaphore::new(self.max_units_per_caller()));
        callers.insert(who, Arc::downgrade(&own));
        own
    }

    fn try_reserve(&self, who: CallerId, units: usize) -> Result<TierPermit> {
        let count = self.count(units)?;
        let busy = |_| busy();
        let own = self.caller_share(who).try_acquire_many_owned(count).map_err(busy)?;
        let all = self.all.clone().try_acquire_many_owned(count).map_err(busy)?;
        Ok(TierPermit { own, all })
    }

    async fn reserve(&self, who: CallerId, units: usize, wait: Duration) -> Result<TierPermit> {
        let count = self.count(units)?;
        let taking = async {
            let own = self.caller_share(who).acquire_many_owned(count).await;
            let all = self.all.clone().acquire_many_owned(count).await;
            (own, all)
        };
        match tokio::time::timeout(wait, taking).await {
            Ok((Ok(own), Ok(all))) => Ok(TierPermit { own, all }),
            Ok(_) | Err(_) => Err(busy()),
        }
    }

    fn count(&self, units: usize) -> Result<u32> {
        let count = u32::try_from(units).ok().filter(|_| units <= self.max_units_per_caller());
        count.ok_or_else(|| {
            let mebibytes = (self.max_units_per_caller() * UNIT_BYTES) >> 20;
            Error::too_large(format!(
                "the request needs more than the {mebibytes} MiB that GraphQL requests of one caller may hold; \
                 request less at once, or use /sql and /ingest, which stream"
            ))
        })
    }
}

fn busy() -> Error {
    Error::busy("too many large answers at once; retry later")
}

/// Units reserved from a tier: from the caller's share and from the whole tier.
struct TierPermit {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl TierPermit {
    fn units(&self) -> usize {
        self.all.num_permits()
    }

    /// Splits off `units`; `None` if it has fewer.
    fn split(&mut self, units: usize) -> Option<TierPermit> {
        Some(TierPermit { own: self.own.split(units)?, all: self.all.split(units)? })
    }
}

/// Memory reserved by one request. Dropping it releases everything.
pub struct RequestReservation {
    account: Arc<GraphqlMemoryPool>,
    who: CallerId,
    /// Whether the reservation has been refused more memory.
    is_spent: AtomicBool,
    state: Mutex<ReservationState>,
}

struct ReservationState {
    /// Bytes used so far; the permits cover at least these.
    used: usize,
    is_small: bool,
    permits: Vec<TierPermit>,
    /// Why more memory was refused, if it was.
    spent: Option<(crate::domain::Kind, String)>,
}

impl ReservationState {
    fn units(&self) -> usize {
        self.permits.iter().map(TierPermit::units).sum()
    }

    /// Returns the tier (true for small) and the units to add so that `bytes` are covered. A request that leaves the
    /// small tier reserves all of its bytes in the large one.
    fn units_to_reserve(&self, bytes: usize, step: usize) -> (bool, usize) {
        let units = bytes.div_ceil(step).saturating_mul(step).div_ceil(UNIT_BYTES);
        if bytes <= MAX_SMALL_REQUEST_BYTES && self.is_small {
            return (true, units.min(MAX_SMALL_REQUEST_BYTES / UNIT_BYTES).saturating_sub(self.units()));
        }
        let had = if self.is_small { 0 } else { self.units() };
        (false, units.saturating_sub(had))
    }

    fn add(&mut self, is_small: bool, permit: Option<TierPermit>, used: usize) {
        if self.is_small && !is_small {
            self.permits.clear();
            self.is_small = false;
        }
        self.permits.extend(permit);
        self.used = used;
    }
}

impl RequestReservation {
    fn new(account: Arc<GraphqlMemoryPool>, who: CallerId, state: ReservationState) -> Self {
        Self { account, who, is_spent: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Reserves `bytes` more, waiting until they are free.
    ///
    /// # Errors
    /// `TooLarge` if they exceed the caller's share; `Busy` if they do not become free in time.
    pub async fn reserve(&self, bytes: usize) -> Result<()> {
        self.reserve_within(bytes, RESERVE_TIMEOUT).await
    }

    async fn reserve_within(&self, bytes: usize, wait: Duration) -> Result<()> {
        let (used, (is_small, units)) = {
            let state = self.state.lock();
            let used = state.used.saturating_add(bytes);
            (used, state.units_to_reserve(used, UNIT_BYTES))
        };
        let permit = match units {
            0 => None,
            units => Some(self.part(is_small).reserve(self.who, units, wait).await?),
        };
        self.state.lock().add(is_small, permit, used);
        Ok(())
    }

    /// Reserves `bytes` more if they are free now. After a refusal every further call fails.
    ///
    /// # Errors
    /// The errors of `reserve`.
    pub fn grow(&self, bytes: usize) -> Result<()> {
        let mut state = self.state.lock();
        if let Some((kind, message)) = &state.spent {
            return Err(Error::new(*kind, message.clone()));
        }
        let used = state.used.saturating_add(bytes);
        let (is_small, units) = state.units_to_reserve(used, GROW_STEP_BYTES);
        let permit = match units {
            0 => None,
            units => match self.part(is_small).try_reserve(self.who, units) {
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

    /// Marks `bytes` of the used memory as unused without releasing them: growth takes them first.
    pub fn reuse(&self, bytes: usize) {
        let mut state = self.state.lock();
        state.used = state.used.saturating_sub(bytes);
    }

    /// Whether the reservation has been refused more memory.
    pub fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Acquire)
    }

    /// Why more memory was refused, if it was.
    pub fn spent(&self) -> Option<Error> {
        let state = self.state.lock();
        state.spent.as_ref().map(|(kind, message)| Error::new(*kind, message.clone()))
    }

    /// Whether the request fits the tier of small requests.
    pub fn is_small(&self) -> bool {
        self.state.lock().is_small
    }

    /// Returns the bytes used so far.
    pub fn used(&self) -> usize {
        self.state.lock().used
    }

    /// Releases everything beyond `bytes` and clears a refusal.
    pub fn shrink_to(&self, bytes: usize) {
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

    /// Moves up to `bytes` of its memory to a new reservation, for data that outlives the rest.
    pub fn split_off(&self, bytes: usize) -> RequestReservation {
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
        let state = ReservationState { used: bytes, is_small: state.is_small, permits, spent: None };
        RequestReservation::new(self.account.clone(), self.who, state)
    }

    fn part(&self, is_small: bool) -> &MemoryTier {
        if is_small { &self.account.small } else { &self.account.large }
    }
}

#[cfg(test)]
#[path = "memory_pool_tests.rs"]
mod tests;

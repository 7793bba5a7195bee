//! Limits of concurrent feeds: in total, per caller, and, where there are several organizations, per organization, so
//! that nobody takes all of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::caller::Caller;
use crate::domain::{Error, Kind, OrgId, Principal, Result};

type OrgCaller = (OrgId, Caller);

pub(in crate::app) struct SubscriptionLimiter {
    /// Configuration key of the limit in total; that per caller ends with `_per_caller`.
    setting: &'static str,
    max_total: usize,
    max_per_caller: usize,
    counts: Arc<Mutex<SubscriptionCounts>>,
}

#[derive(Default)]
struct SubscriptionCounts {
    all: usize,
    of_org: HashMap<OrgId, usize>,
    by_caller: HashMap<OrgCaller, usize>,
}

impl SubscriptionLimiter {
    pub(in crate::app) fn new(setting: &'static str, max_total: usize, max_per_caller: usize) -> Self {
        Self { setting, max_total, max_per_caller, counts: Arc::default() }
    }

    /// Reserves one feed until the permit is dropped. `is_shared` means that there are several organizations: then
    /// each may have at most as many feeds as remain free for the others, so that every newcomer finds some.
    ///
    /// # Errors
    /// `Throttled` when the caller or its organization has reached its limit; `Busy` when the server has.
    pub(in crate::app) fn acquire(
        &self,
        principal: &Principal,
        is_shared: bool,
    ) -> Result<SubscriptionPermit> {
        let who = (principal.org, principal.caller);
        let setting = self.setting;
        let mut taken = self.counts.lock();
        let own = taken.by_caller.get(&who).copied().unwrap_or(0);
        if own >= self.max_per_caller {
            let most = self.max_per_caller;
            return Err(Error::new(
                Kind::Throttled,
                format!(
                    "this caller has {most} subscriptions, which is the most; end one, or raise {setting}_per_caller"
                ),
            ));
        }
        if taken.all >= self.max_total {
            let most = self.max_total;
            return Err(Error::busy(format!(
                "the server has {most} subscriptions, which is the most ({setting}); retry later"
            )));
        }
        let of_org = taken.of_org.get(&who.0).copied().unwrap_or(0);
        if is_shared && of_org >= self.max_total - taken.all {
            let message = format!(
                "this organization has {of_org} subscriptions, and the rest is reserved for others; end one, or \
                 raise {setting}"
            );
            return Err(Error::new(Kind::Throttled, message));
        }
        taken.all += 1;
        taken.by_caller.insert(who, own + 1);
        taken.of_org.insert(who.0, of_org + 1);
        Ok(SubscriptionPermit { who, taken: self.counts.clone() })
    }
}

/// A reserved feed, released on drop.
pub struct SubscriptionPermit {
    who: OrgCaller,
    taken: Arc<Mutex<SubscriptionCounts>>,
}

impl Drop for SubscriptionPermit {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        let SubscriptionCounts { all, by_caller: of, of_org } = &mut *taken;
        *all -= 1;
        give_back(of, self.who);
        give_back(of_org, self.who.0);
    }
}

fn give_back<W: Hash + Eq>(taken: &mut HashMap<W, usize>, who: W) {
    if let Some(own) = taken.get_mut(&who) {
        *own -= 1;
        if *own == 0 {
            taken.remove(&who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KeyId, Principal};

    #[test]
    fn places_are_bounded_by_caller_and_in_all_and_come_back() {
        let seats = SubscriptionLimiter::new("live.subscriptions", 3, 2);
        let of = |key| Principal { caller: Caller::Key(KeyId(key)), ..Principal::system(OrgId(1)) };
        let first = seats.acquire(&of(1), false).unwrap();
        let second = seats.acquire(&of(1), false).unwrap();
        assert_eq!(seats.acquire(&of(1), false).err().unwrap().kind, Kind::Throttled);
        let third = seats.acquire(&of(2), false).unwrap();
        assert_eq!(seats.acquire(&of(3), false).err().unwrap().kind, Kind::Busy);
        drop(first);
        let fourth = seats.acquire(&of(3), false).unwrap();
        drop((second, third, fourth));
        let taken = seats.counts.lock();
        assert_eq!((taken.all, taken.by_caller.len(), taken.of_org.len()), (0, 0, 0));
    }

    #[test]
    fn an_organization_leaves_places_to_the_others() {
        let seats = SubscriptionLimiter::new("live.subscriptions", 16, 100);
        let fill = |org: i32| {
            let who = Principal::system(OrgId(org));
            let mut taken = Vec::new();
            let refused = loop {
                match seats.acquire(&who, true) {
                    Ok(permit) => taken.push(permit),
                    Err(error) => break error.kind,
                }
            };
            assert_eq!(refused, Kind::Throttled, "{org}");
            taken
        };
        let all = [fill(1), fill(2), fill(3)];
        assert_eq!(all.each_ref().map(Vec::len), [8, 4, 2]);
        assert!(seats.acquire(&Principal::system(OrgId(1)), false).is_ok(), "alone it may have all of them");
    }
}

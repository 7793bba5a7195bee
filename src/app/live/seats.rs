//! How many feeds there may be: in all, and of one caller, so that nobody takes the places of all others.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::LiveSettings;
use crate::domain::principal::Caller;
use crate::domain::{Error, Kind, OrgId, Principal, Result};

type Who = (OrgId, Caller);

pub(super) struct Seats {
    most: usize,
    most_of_one: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<Who, usize>,
}

impl Seats {
    pub(super) fn new(settings: &LiveSettings) -> Self {
        let LiveSettings { subscriptions, subscriptions_per_caller } = settings;
        Self { most: *subscriptions, most_of_one: *subscriptions_per_caller, taken: Arc::default() }
    }

    /// A place for one feed, until it is dropped.
    ///
    /// # Errors
    /// `Throttled` when this caller has as many as it may, `Busy` when all together have.
    pub(super) fn take(&self, principal: &Principal) -> Result<Seat> {
        let who = (principal.org, principal.caller);
        let mut taken = self.taken.lock();
        let own = taken.of.get(&who).copied().unwrap_or(0);
        if own >= self.most_of_one {
            let most = self.most_of_one;
            return Err(Error::new(
                Kind::Throttled,
                format!(
                    "this caller has {most} subscriptions, which is the most; end one, or raise live.subscriptions_per_caller"
                ),
            ));
        }
        if taken.all >= self.most {
            let most = self.most;
            return Err(Error::busy(format!(
                "the server has {most} subscriptions, which is the most (live.subscriptions); retry later"
            )));
        }
        taken.all += 1;
        taken.of.insert(who, own + 1);
        Ok(Seat { who, taken: self.taken.clone() })
    }
}

/// A place; dropping it gives it back.
pub(super) struct Seat {
    who: Who,
    taken: Arc<Mutex<Taken>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.all -= 1;
        if let Some(own) = taken.of.get_mut(&self.who) {
            *own -= 1;
            if *own == 0 {
                taken.of.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KeyId, Principal};

    #[test]
    fn places_are_bounded_by_caller_and_in_all_and_come_back() {
        let seats = Seats::new(&LiveSettings { subscriptions: 3, subscriptions_per_caller: 2 });
        let of = |key| Principal { caller: Caller::Key(KeyId(key)), ..Principal::system(OrgId(1)) };
        let first = seats.take(&of(1)).unwrap();
        let second = seats.take(&of(1)).unwrap();
        assert_eq!(seats.take(&of(1)).err().unwrap().kind, Kind::Throttled);
        let third = seats.take(&of(2)).unwrap();
        assert_eq!(seats.take(&of(3)).err().unwrap().kind, Kind::Busy);
        drop(first);
        let fourth = seats.take(&of(3)).unwrap();
        drop((second, third, fourth));
        let taken = seats.taken.lock();
        assert_eq!((taken.all, taken.of.len()), (0, 0));
    }
}

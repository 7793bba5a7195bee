//! How many feeds there may be: in all, of one caller, and, where there are several organizations, of one of these, so that
//! nobody takes the places of all others.

use std::collections::HashMap;
use std::hash::Hash;
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
    of_org: HashMap<OrgId, usize>,
    of: HashMap<Who, usize>,
}

impl Seats {
    pub(super) fn new(settings: &LiveSettings) -> Self {
        let LiveSettings { subscriptions, subscriptions_per_caller } = settings;
        Self { most: *subscriptions, most_of_one: *subscriptions_per_caller, taken: Arc::default() }
    }

    /// A place for one feed, until it is dropped. `is_shared` says that there are several organizations: then one of them
    /// may have as many as are left for the others, so that each who comes finds some.
    ///
    /// # Errors
    /// `Throttled` when this caller or its organization has as many as it may, `Busy` when all together have.
    pub(super) fn take(&self, principal: &Principal, is_shared: bool) -> Result<Seat> {
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
        let of_org = taken.of_org.get(&who.0).copied().unwrap_or(0);
        if is_shared && of_org >= self.most - taken.all {
            let message = format!(
                "this organization has {of_org} subscriptions, which leaves the others of the server no more; end one, or \
                 raise live.subscriptions"
            );
            return Err(Error::new(Kind::Throttled, message));
        }
        taken.all += 1;
        taken.of.insert(who, own + 1);
        taken.of_org.insert(who.0, of_org + 1);
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
        let Taken { all, of, of_org } = &mut *taken;
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
        let seats = Seats::new(&LiveSettings { subscriptions: 3, subscriptions_per_caller: 2 });
        let of = |key| Principal { caller: Caller::Key(KeyId(key)), ..Principal::system(OrgId(1)) };
        let first = seats.take(&of(1), false).unwrap();
        let second = seats.take(&of(1), false).unwrap();
        assert_eq!(seats.take(&of(1), false).err().unwrap().kind, Kind::Throttled);
        let third = seats.take(&of(2), false).unwrap();
        assert_eq!(seats.take(&of(3), false).err().unwrap().kind, Kind::Busy);
        drop(first);
        let fourth = seats.take(&of(3), false).unwrap();
        drop((second, third, fourth));
        let taken = seats.taken.lock();
        assert_eq!((taken.all, taken.of.len(), taken.of_org.len()), (0, 0, 0));
    }

    #[test]
    fn an_organization_leaves_places_to_the_others() {
        let seats = Seats::new(&LiveSettings { subscriptions: 16, subscriptions_per_caller: 100 });
        let fill = |org: i32| {
            let who = Principal::system(OrgId(org));
            let mut taken = Vec::new();
            let refused = loop {
                match seats.take(&who, true) {
                    Ok(seat) => taken.push(seat),
                    Err(error) => break error.kind,
                }
            };
            assert_eq!(refused, Kind::Throttled, "{org}");
            taken
        };
        let all = [fill(1), fill(2), fill(3)];
        assert_eq!(all.each_ref().map(Vec::len), [8, 4, 2]);
        assert!(seats.take(&Principal::system(OrgId(1)), false).is_ok(), "alone it may have all of them");
    }
}

//! Rate limit of the MK platform: bounds the requests that each caller may make per second, `mk.rate`.

use std::net::IpAddr;

use parking_lot::Mutex;

use crate::app::session::network;
use crate::auth::rate_limiter::{AttemptBudget, RateLimiter};
use crate::domain::caller::Caller;
use crate::domain::{Error, Micros, OrgId, Principal, Result};

/// Counts requests. Those without a valid credential are counted by network and apart, so that a flood of them makes
/// nothing forgotten of callers.
pub struct RequestRates {
    callers: Mutex<RateLimiter<(OrgId, Caller)>>,
    networks: Mutex<RateLimiter<Option<IpAddr>>>,
}

impl RequestRates {
    /// Creates counters by which every caller and every network has a `budget` of its own.
    pub fn new(budget: AttemptBudget) -> Self {
        Self { callers: Mutex::new(RateLimiter::new(budget)), networks: Mutex::new(RateLimiter::new(budget)) }
    }

    /// Counts a request of a caller.
    ///
    /// # Errors
    /// `Throttled`.
    pub fn count_caller(&self, who: &Principal, now: Micros) -> Result<()> {
        let taken = self.callers.lock().try_acquire(&(who.org, who.caller), now);
        taken.map_err(Error::throttled)
    }

    /// Counts a request without a valid credential.
    ///
    /// # Errors
    /// `Throttled`.
    pub fn count_network(&self, address: Option<IpAddr>, now: Micros) -> Result<()> {
        self.networks.lock().try_acquire(&address.map(network), now).map_err(Error::throttled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClientId;

    #[test]
    fn each_caller_and_each_network_has_a_budget_of_its_own() {
        let rates = RequestRates::new(AttemptBudget { attempts: 2, window_us: 1_000_000 });
        let caller = |id| Principal {
            caller: Caller::Client { client: ClientId(id), user: None },
            ..Principal::system(OrgId(1))
        };
        for id in [1, 2] {
            let results = [0; 3].map(|_| rates.count_caller(&caller(id), Micros(0)).is_ok());
            assert_eq!(results, [true, true, false], "caller {id}");
        }
        for address in [None, "10.0.0.1".parse().ok()] {
            let results = [0; 3].map(|_| rates.count_network(address, Micros(0)).is_ok());
            assert_eq!(results, [true, true, false], "{address:?}");
        }
        assert_eq!(rates.count_caller(&caller(1), Micros(0)).unwrap_err().retry_after_s, Some(1));
        assert!(rates.count_caller(&caller(1), Micros(1_000_000)).is_ok());
    }
}

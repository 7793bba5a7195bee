//! Limits how many requests each token may make, and says in headers what is left.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;

use crate::app::session::network;
use crate::auth::rate_limiter::{AttemptBudget, AttemptState, RateLimiter};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Result};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Caller that a request is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// A token, by its hash.
    Token(u64),
    /// A network from which a token is asked for.
    Login(Option<IpAddr>),
    /// A network from which requests come without a token.
    Anonymous(Option<IpAddr>),
}

/// Counts requests. Tokens that are not valid are counted apart, so that a flood of them makes nothing forgotten of
/// those that are.
pub struct RequestRates {
    budget: AttemptBudget,
    hasher: RandomState,
    valid: Mutex<RateLimiter<RateKey>>,
    others: Mutex<RateLimiter<RateKey>>,
}

impl RequestRates {
    /// Creates counters by which every key has a `budget` of its own.
    pub fn new(budget: AttemptBudget) -> Self {
        let limiter = || Mutex::new(RateLimiter::new(budget));
        Self { budget, hasher: RandomState::new(), valid: limiter(), others: limiter() }
    }

    /// The key of a presented token.
    pub fn of_token(&self, token: &str) -> RateKey {
        RateKey::Token(self.hasher.hash_one(token))
    }

    /// Counts a request, unless the budget of its key is used up.
    pub fn count(&self, key: RateKey, is_valid: bool, now: Micros) -> RateReport {
        let limiter = if is_valid { &self.valid } else { &self.others };
        RateReport { limit: self.budget.attempts, state: limiter.lock().acquire(&key, now) }
    }
}

impl RateKey {
    /// The key of a request for a token.
    pub fn login(address: Option<IpAddr>) -> RateKey {
        RateKey::Login(address.map(network))
    }

    /// The key of a request without a token.
    pub fn anonymous(address: Option<IpAddr>) -> RateKey {
        RateKey::Anonymous(address.map(network))
    }
}

/// Report on a request's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateReport {
    limit: u32,
    state: AttemptState,
}

impl RateReport {
    /// Fails with `Throttled` when the budget is used up.
    pub fn check(self) -> Result<()> {
        self.state.retry_after_s.map_or(Ok(()), |seconds| Err(Error::throttled(seconds)))
    }

    /// Adds the headers: the reset is in whole seconds since 1970.
    pub fn add_to(self, headers: &mut HeaderMap) {
        let reset = (self.state.full_at.0 + MICROS_PER_SECOND - 1).div_euclid(MICROS_PER_SECOND);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.state.remaining));
        headers.insert(RESET, HeaderValue::from(reset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_budget_of_its_own() {
        let rates = RequestRates::new(AttemptBudget { attempts: 2, window_us: 10 * MICROS_PER_SECOND });
        let here: Option<IpAddr> = "10.0.0.1".parse().ok();
        let keys = [
            (rates.of_token("a"), true),
            (rates.of_token("a"), false),
            (rates.of_token("b"), true),
            (RateKey::login(here), false),
            (RateKey::anonymous(here), false),
            (RateKey::anonymous(None), false),
        ];
        let now = Micros(1_000_000_500_000);
        for (key, is_valid) in keys {
            let answers: Vec<_> = (0..3)
                .map(|_| {
                    let report = rates.count(key, is_valid, now);
                    let mut headers = HeaderMap::new();
                    report.add_to(&mut headers);
                    let header = |name| headers[name].to_str().unwrap().to_owned();
                    (report.check().is_ok(), [LIMIT, REMAINING, RESET].map(header).join(" "))
                })
                .collect();
            let expected = [(true, "2 1 1000006"), (true, "2 0 1000011"), (false, "2 0 1000011")];
            assert_eq!(answers, expected.map(|(is_ok, text)| (is_ok, text.to_owned())), "{key:?}");
        }
        let refused = rates.count(keys[0].0, true, now).check().unwrap_err();
        assert_eq!(refused.retry_after_s, Some(5));
    }
}

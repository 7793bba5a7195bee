//! Rate limiter: attempts per key, refilled evenly over a window. Pure: time is passed in, memory is bounded.
//!
//! When too many keys are tracked, the key whose budget is nearest to full is dropped, because it loses least.

use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::Micros;

/// Maximum number of tracked keys.
const MAX_TRACKED_KEYS: usize = 10_000;

/// A number of attempts, and the time in which a used-up budget refills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptBudget {
    pub attempts: u32,
    pub window_us: i64,
}

impl AttemptBudget {
    /// Time after which one attempt is refilled.
    fn each_us(self) -> i64 {
        (self.window_us / i64::from(self.attempts.max(1))).max(1)
    }
}

/// Remaining budgets by key.
#[derive(Debug)]
pub struct RateLimiter<N> {
    budget: AttemptBudget,
    /// Time at which each key's budget is full again; a past time means full.
    full_at: HashMap<N, i64>,
}

impl<N: Hash + Eq + Clone> RateLimiter<N> {
    /// A limiter that gives every key the same budget.
    pub fn new(budget: AttemptBudget) -> Self {
        Self { budget, full_at: HashMap::new() }
    }

    /// Takes one attempt of a key.
    ///
    /// # Errors
    /// The seconds to wait when no attempt is left.
    pub fn try_acquire(&mut self, name: &N, now: Micros) -> Result<(), u64> {
        let full_at = self.full_at.get(name).copied().unwrap_or(now.0).max(now.0);
        let taken = full_at.saturating_add(self.budget.each_us());
        let wait_us = taken.saturating_sub(now.0).saturating_sub(self.budget.window_us);
        if wait_us > 0 {
            return Err(u64::try_from(wait_us).unwrap_or_default().div_ceil(1_000_000));
        }
        if !self.full_at.contains_key(name) {
            self.make_room(now);
        }
        self.full_at.insert(name.clone(), taken);
        Ok(())
    }

    /// Returns an attempt that should not count.
    pub fn refund(&mut self, name: &N) {
        if let Some(full_at) = self.full_at.get_mut(name) {
            *full_at = full_at.saturating_sub(self.budget.each_us());
        }
    }

    /// Restores the full budget of a key.
    pub fn clear(&mut self, name: &N) {
        self.full_at.remove(name);
    }

    fn make_room(&mut self, now: Micros) {
        if self.full_at.len() < MAX_TRACKED_KEYS {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now.0);
        if self.full_at.len() >= MAX_TRACKED_KEYS
            && let Some(name) = self.full_at.iter().min_by_key(|(_, at)| **at).map(|(name, _)| name.clone())
        {
            self.full_at.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const BUDGET: AttemptBudget = AttemptBudget { attempts: 3, window_us: 30 * SECOND };

    #[test]
    fn a_budget_runs_out_and_fills_up_again() {
        let mut throttle = RateLimiter::new(BUDGET);
        // Second of the attempt, and the expected result: the seconds to wait if refused.
        let rows: [(i64, Result<(), u64>); 9] = [
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(10)),
            (4, Err(6)),
            (10, Ok(())),
            (10, Err(10)),
            (1000, Ok(())),
            (1000, Ok(())),
        ];
        for (at, expected) in rows {
            assert_eq!(throttle.try_acquire(&"ann", Micros(at * SECOND)), expected, "at {at} s");
        }
        assert_eq!(throttle.try_acquire(&"bob", Micros(1000 * SECOND)), Ok(()), "another name");
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let mut throttle = RateLimiter::new(BUDGET);
        for _ in 0..100 {
            assert_eq!(throttle.try_acquire(&1, Micros(0)), Ok(()));
            throttle.refund(&1);
        }
        for _ in 0..3 {
            assert_eq!(throttle.try_acquire(&1, Micros(0)), Ok(()));
        }
        assert!(throttle.try_acquire(&1, Micros(0)).is_err());
        throttle.clear(&1);
        assert_eq!(throttle.try_acquire(&1, Micros(0)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_the_most_eager_stay_known() {
        let mut throttle = RateLimiter::new(BUDGET);
        for _ in 0..3 {
            assert_eq!(throttle.try_acquire(&-1, Micros(0)), Ok(()));
        }
        for name in 0..3 * MAX_TRACKED_KEYS as i64 {
            assert_eq!(throttle.try_acquire(&name, Micros(0)), Ok(()));
        }
        assert!(throttle.full_at.len() <= MAX_TRACKED_KEYS);
        assert!(throttle.try_acquire(&-1, Micros(0)).is_err(), "who ran out is not forgotten for others");
    }
}

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
    /// Parts of a microsecond in which times are counted: in these, one attempt is refilled after a whole number.
    fn parts(self) -> i128 {
        i128::from(self.attempts.max(1))
    }

    /// Time after which one attempt is refilled, in parts.
    fn refill(self) -> i128 {
        i128::from(self.window_us.max(1))
    }

    /// Time after which a used-up budget is full, in parts.
    fn window(self) -> i128 {
        self.refill() * self.parts()
    }
}

/// The budget of one key after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptState {
    /// Attempts that are left.
    pub remaining: u32,
    /// Time at which the budget is full again.
    pub full_at: Micros,
    /// Seconds to wait when no attempt was left; `None` when one was taken.
    pub retry_after_s: Option<u64>,
}

/// Remaining budgets by key.
#[derive(Debug)]
pub struct RateLimiter<N> {
    budget: AttemptBudget,
    /// Time at which each key's budget is full again, in parts; a past time means full.
    full_at: HashMap<N, i128>,
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
        self.acquire(name, now).retry_after_s.map_or(Ok(()), Err)
    }

    /// Takes one attempt of a key if one is left, and returns the state of its attempts.
    pub fn acquire(&mut self, name: &N, now: Micros) -> AttemptState {
        let (parts, start) = (self.budget.parts(), self.parts_at(now));
        let full_at = self.full_at.get(name).copied().unwrap_or(start).max(start);
        let taken = full_at + self.budget.refill();
        let wait = taken - start - self.budget.window();
        let (full_at, retry_after_s) = if wait > 0 {
            let second = parts * 1_000_000;
            (full_at, Some(u64::try_from((wait + second - 1) / second).unwrap_or(u64::MAX)))
        } else {
            if !self.full_at.contains_key(name) {
                self.make_room(start);
            }
            self.full_at.insert(name.clone(), taken);
            (taken, None)
        };
        let left = (self.budget.window() - (full_at - start)) / self.budget.refill();
        AttemptState {
            remaining: u32::try_from(left).unwrap_or_default(),
            full_at: Micros(i64::try_from((full_at + parts - 1) / parts).unwrap_or(i64::MAX)),
            retry_after_s,
        }
    }

    fn parts_at(&self, now: Micros) -> i128 {
        i128::from(now.0) * self.budget.parts()
    }

    /// Returns an attempt that should not count.
    pub fn refund(&mut self, name: &N) {
        if let Some(full_at) = self.full_at.get_mut(name) {
            *full_at -= self.budget.refill();
        }
    }

    /// Restores the full budget of a key.
    pub fn clear(&mut self, name: &N) {
        self.full_at.remove(name);
    }

    fn make_room(&mut self, now: i128) {
        if self.full_at.len() < MAX_TRACKED_KEYS {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
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
    fn every_budget_is_counted_exactly() {
        for (attempts, window_us) in
            [(1, 1), (1, SECOND), (3, 10 * SECOND), (100, 10 * SECOND), (1500, SECOND), (7000, 13)]
        {
            let mut limiter = RateLimiter::new(AttemptBudget { attempts, window_us });
            for left in (0..attempts).rev() {
                let state = limiter.acquire(&"ann", Micros(SECOND));
                assert_eq!(
                    (state.remaining, state.retry_after_s),
                    (left, None),
                    "{attempts} in {window_us} us"
                );
            }
            let state = limiter.acquire(&"ann", Micros(SECOND));
            assert_eq!((state.remaining, state.full_at), (0, Micros(SECOND + window_us)));
            assert_eq!(
                state.retry_after_s,
                Some((window_us as u64).div_ceil(attempts.into()).div_ceil(1_000_000))
            );
            assert!(limiter.try_acquire(&"ann", Micros(SECOND + window_us)).is_ok(), "it fills up again");
        }
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
        for name in 0..MAX_TRACKED_KEYS as i64 * 9 / 8 {
            assert_eq!(throttle.try_acquire(&name, Micros(0)), Ok(()));
        }
        assert!(throttle.full_at.len() <= MAX_TRACKED_KEYS);
        assert!(throttle.try_acquire(&-1, Micros(0)).is_err(), "who ran out is not forgotten for others");
    }
}

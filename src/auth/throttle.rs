//! How many attempts somebody has left. Pure: time comes from outside, memory is bounded.
//!
//! Each name has a budget that fills up again evenly over a window. When there are too many names, the one whose budget is
//! nearest to full is forgotten: it loses the least.

use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::Micros;

/// Names remembered at once.
const MAX_NAMES: usize = 10_000;

/// Attempts and the time in which as many of them come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub attempts: u32,
    pub window_us: i64,
}

impl Budget {
    /// Time in which one attempt comes back.
    fn each_us(self) -> i64 {
        (self.window_us / i64::from(self.attempts.max(1))).max(1)
    }
}

/// Budgets of names.
#[derive(Debug)]
pub struct Throttle<N> {
    budget: Budget,
    /// When each name's budget is full again; in the past is full.
    full_at: HashMap<N, i64>,
}

impl<N: Hash + Eq + Clone> Throttle<N> {
    pub fn new(budget: Budget) -> Self {
        Self { budget, full_at: HashMap::new() }
    }

    /// Takes one attempt of a name; with none left, the seconds until there is one.
    pub fn take(&mut self, name: &N, now: Micros) -> Result<(), u64> {
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

    /// Gives an attempt back: it was none to count.
    pub fn give_back(&mut self, name: &N) {
        if let Some(full_at) = self.full_at.get_mut(name) {
            *full_at = full_at.saturating_sub(self.budget.each_us());
        }
    }

    /// Forgets what a name has tried.
    pub fn clear(&mut self, name: &N) {
        self.full_at.remove(name);
    }

    fn make_room(&mut self, now: Micros) {
        if self.full_at.len() < MAX_NAMES {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now.0);
        if self.full_at.len() >= MAX_NAMES
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
    const BUDGET: Budget = Budget { attempts: 3, window_us: 30 * SECOND };

    #[test]
    fn a_budget_runs_out_and_fills_up_again() {
        let mut throttle = Throttle::new(BUDGET);
        // Second of the attempt, and the seconds to wait for another.
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
            assert_eq!(throttle.take(&"ann", Micros(at * SECOND)), expected, "at {at} s");
        }
        assert_eq!(throttle.take(&"bob", Micros(1000 * SECOND)), Ok(()), "another name");
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let mut throttle = Throttle::new(BUDGET);
        for _ in 0..100 {
            assert_eq!(throttle.take(&1, Micros(0)), Ok(()));
            throttle.give_back(&1);
        }
        for _ in 0..3 {
            assert_eq!(throttle.take(&1, Micros(0)), Ok(()));
        }
        assert!(throttle.take(&1, Micros(0)).is_err());
        throttle.clear(&1);
        assert_eq!(throttle.take(&1, Micros(0)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_the_most_eager_stay_known() {
        let mut throttle = Throttle::new(BUDGET);
        for _ in 0..3 {
            assert_eq!(throttle.take(&-1, Micros(0)), Ok(()));
        }
        for name in 0..3 * MAX_NAMES as i64 {
            assert_eq!(throttle.take(&name, Micros(0)), Ok(()));
        }
        assert!(throttle.full_at.len() <= MAX_NAMES);
        assert!(throttle.take(&-1, Micros(0)).is_err(), "who ran out is not forgotten for others");
    }
}

//! Limits the alerts that a rule raises in an hour: a condition that flaps (comes and goes without a pause) must not
//! fill the event log.

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_SECOND;

/// Most alerts of a rule in an hour of the clock, by the time of the alerts.
pub const MAX_ALERTS_PER_HOUR: u32 = 60;
const HOUR_US: i64 = 3600 * MICROS_PER_SECOND;

/// The alerts that a rule raised in the current hour, and those that were not raised because it had raised enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertBudget {
    /// Hours from 1970 to the hour of the last alert.
    pub hour: i64,
    /// Alerts of that hour.
    pub raised: u32,
    /// Alerts that were not raised, since the rule was made.
    pub suppressed: u64,
    /// Whether the condition holds of which an alert was not raised: it is counted once.
    pub is_held_back: bool,
}

impl AlertBudget {
    /// Takes an alert out of the budget of its hour. Returns whether it may be raised.
    pub fn take(&mut self, at: Micros) -> bool {
        let hour = at.0.div_euclid(HOUR_US);
        // A source may be late by an hour; one that is further behind has another clock.
        if hour > self.hour || hour < self.hour.saturating_sub(1) {
            (self.hour, self.raised) = (hour, 0);
        }
        let may_raise = self.raised < MAX_ALERTS_PER_HOUR;
        if may_raise {
            self.raised += 1;
        } else if !self.is_held_back {
            self.suppressed = self.suppressed.saturating_add(1);
        }
        self.is_held_back = !may_raise;
        may_raise
    }

    /// Begins anew when the hour of the last alert is ahead of the clock, which was set back then.
    pub fn follow_clock(&mut self, latest: Micros) {
        let hour = latest.0.div_euclid(HOUR_US);
        if self.hour > hour {
            (self.hour, self.raised) = (hour, 0);
        }
    }

    /// The condition has ended: the next time that it holds is another alert.
    pub fn end_condition(&mut self) {
        self.is_held_back = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_so_many_alerts_and_the_rest_is_counted() {
        let mut budget = AlertBudget::default();
        let start = 100 * HOUR_US;
        let mut raise = |at: i64| {
            let may_raise = budget.take(Micros(at));
            budget.end_condition();
            (may_raise, budget.suppressed)
        };
        for nth in 0..i64::from(MAX_ALERTS_PER_HOUR) {
            assert_eq!(raise(start + nth), (true, 0), "{nth}");
        }
        assert_eq!(raise(start + 1000), (false, 1));
        assert_eq!(raise(start + HOUR_US - 1), (false, 2), "the last moment of the hour");
        assert_eq!(raise(start - 1), (false, 3), "time that goes back opens no other hour");
        assert_eq!(raise(start + HOUR_US), (true, 3));
    }

    #[test]
    fn a_condition_that_goes_on_is_counted_once_and_raised_when_it_may_be() {
        let mut budget = AlertBudget { hour: 7, raised: MAX_ALERTS_PER_HOUR, ..AlertBudget::default() };
        for nth in 0..5 {
            assert!(!budget.take(Micros(7 * HOUR_US + nth)), "{nth}");
        }
        assert_eq!(budget.suppressed, 1);
        assert!(budget.take(Micros(8 * HOUR_US)));
        assert_eq!((budget.hour, budget.raised, budget.is_held_back), (8, 1, false));
    }
}

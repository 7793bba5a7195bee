//! Billing: plans with their limits, and the calendar month by which use is counted. There is no payment here; a plan is
//! what was agreed with an organization, and its limits are shown beside the use.

use time::{Date, OffsetDateTime, Time};

use super::Micros;
use super::time::MICROS_PER_SECOND;

/// Plan of an organization that has chosen none. It is always there.
pub const UNLIMITED: &str = "unlimited";

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Lower-case letters, digits and hyphens, 1..=50.
    pub name: String,
    /// Limits of the plan.
    pub limits: PlanLimits,
}

/// Limits of a plan; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanLimits {
    /// Number of devices.
    pub devices: Option<u64>,
    /// Readings accepted in a calendar month.
    pub readings_per_month: Option<u64>,
    /// Bytes on disk.
    pub storage_bytes: Option<u64>,
}

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingPeriod {
    /// Its first moment.
    pub start: Micros,
    /// The first moment after it.
    pub end: Micros,
}

impl Plan {
    /// The plan without limits.
    pub fn unlimited() -> Self {
        Self { name: UNLIMITED.to_owned(), limits: PlanLimits::default() }
    }
}

impl BillingPeriod {
    /// The month of a time. A time beyond the year 9999 is in the month of 1970 that nothing else is in.
    pub fn of(time: Micros) -> Self {
        let date = OffsetDateTime::from_unix_timestamp(time.0.div_euclid(MICROS_PER_SECOND))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
            .date();
        let first = date.replace_day(1).unwrap_or(date);
        // No month has more than 31 days, so day 32 is in the next one.
        let next = first.saturating_add(time::Duration::days(31));
        let next = next.replace_day(1).unwrap_or(next);
        Self { start: midnight(first), end: midnight(next) }
    }
}

fn midnight(date: Date) -> Micros {
    let seconds = date.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp();
    Micros(seconds.saturating_mul(MICROS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_period_is_a_month() {
        let rows = [
            ("2026-04-28T12:00:00Z", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"),
            ("2026-12-31T23:59:59.999999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
            ("2028-02-29T00:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-02-01T00:00:00Z"),
        ];
        for (time, start, end) in rows {
            let period = BillingPeriod::of(Micros::parse(time).unwrap());
            assert_eq!((period.start.to_iso(), period.end.to_iso()), (start.to_owned(), end.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn months_follow_each_other(seconds in 0_i64..9_000_000_000) {
            let time = Micros(seconds * MICROS_PER_SECOND);
            let period = BillingPeriod::of(time);
            prop_assert!(period.start <= time && time < period.end);
            prop_assert_eq!(BillingPeriod::of(period.end).start, period.end);
            prop_assert_eq!(BillingPeriod::of(Micros(period.end.0 - 1)), period);
        }
    }
}

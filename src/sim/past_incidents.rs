//! Incidents of the plant's past: what went wrong in the week before a moment, and when. Pure; the caller passes the moment.

use std::time::Duration;

use super::fault::{FaultKind, FaultSchedule, PlantFault, Sensor};
use crate::domain::Micros;
use crate::domain::device::Protocol;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};

pub(super) const MINUTE_US: i64 = 60 * MICROS_PER_SECOND;

/// So long before the end of the past nothing goes wrong.
const QUIET_US: i64 = 3 * MICROS_PER_HOUR;
/// Error of the thermometer at the end of a drift, K.
const DRIFT_K: f64 = 30.0;

/// Day of the week, Monday is 0: the epoch began on a Thursday.
pub(super) fn weekday(ts: Micros) -> i64 {
    (i64::from(ts.day().0) + 3).rem_euclid(7)
}

/// A stretch of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: Micros,
    length_us: i64,
}

impl Span {
    /// The last one before `latest` that starts on this day of the week, at this hour and minute.
    fn last(weekday_wanted: i64, (hour, minute): (i64, i64), minutes: i64, latest: Micros) -> Span {
        let of_day = hour * MICROS_PER_HOUR + minute * MINUTE_US;
        let days_back = (weekday(latest) - weekday_wanted).rem_euclid(7);
        let start = latest.day().start().0 - days_back * MICROS_PER_DAY + of_day;
        let length_us = minutes * MINUTE_US;
        let is_over = start + length_us <= latest.0;
        Span { start: Micros(if is_over { start } else { start - 7 * MICROS_PER_DAY }), length_us }
    }

    pub(super) fn contains(&self, ts: Micros) -> bool {
        (0..self.length_us).contains(&(ts.0 - self.start.0))
    }

    fn schedule(&self, begin: Micros) -> FaultSchedule {
        let duration = |us: i64| Duration::from_micros(us.unsigned_abs());
        let start = duration((self.start.0 - begin.0).max(0));
        FaultSchedule { start, length: duration(self.length_us), every: None }
    }
}

/// Everything that goes wrong in a week, each once.
#[derive(Debug)]
pub(super) struct Incidents {
    /// The furnace's thermometer drifts.
    drifts: [Span; 2],
    /// The motor's server is out of reach.
    outage: Span,
    /// The motor stands still in the middle of a shift.
    pub(super) jam: Span,
    /// The tank's outlet is too far closed.
    pub(super) mistake: Span,
}

impl Incidents {
    /// Returns those of the week before a moment.
    pub(super) fn before(end: Micros) -> Incidents {
        let latest = Micros(end.0 - QUIET_US);
        let [monday, tuesday, wednesday, thursday, friday] = [0, 1, 2, 3, 4];
        Incidents {
            drifts: [Span::last(tuesday, (9, 30), 20, latest), Span::last(thursday, (18, 40), 20, latest)],
            outage: Span::last(wednesday, (11, 5), 20, latest),
            jam: Span::last(monday, (15, 40), 35, latest),
            mistake: Span::last(friday, (10, 20), 15, latest),
        }
    }

    /// Returns those that are faults, for a plant that starts at `begin`.
    pub(super) fn faults(&self, begin: Micros) -> Vec<PlantFault> {
        let fault = |kind, span: &Span| PlantFault { kind, schedule: span.schedule(begin) };
        let drift = |span| fault(FaultKind::Drift(Sensor::Chamber, DRIFT_K), span);
        let [first, second] = &self.drifts;
        let outage = fault(FaultKind::Disconnect(Some(Protocol::Opcua)), &self.outage);
        vec![drift(first), drift(second), outage]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Saturday evening.
    const END: Micros = Micros(1_764_439_200_000_000);

    #[test]
    fn every_incident_is_within_the_past_whenever_it_ends() {
        for hours in 0..7 * 24 {
            let end = Micros(END.0 + hours * MICROS_PER_HOUR);
            let incidents = Incidents::before(end);
            let Incidents { drifts: [first, second], outage, jam, mistake } = &incidents;
            for span in [first, second, outage, jam, mistake] {
                let (start, over) = (span.start.0, span.start.0 + span.length_us);
                let is_within = end.0 - 8 * MICROS_PER_DAY < start && over <= end.0 - QUIET_US;
                assert!(is_within, "{end}: {incidents:?}");
            }
        }
    }
}

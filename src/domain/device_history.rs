//! History of the states of a device: stored changes, the intervals between them, and the availability that follows. Pure.

use super::device::DeviceState;
use super::{DeviceId, Micros};

/// Changes kept of one device. Older ones are removed.
pub const MAX_CHANGES: u64 = 10_000;
/// Age in microseconds after which a change is removed, unless it is the last one of its device: 90 days.
pub const KEEP_US: i64 = 90 * 86_400 * 1_000_000;

/// A device has a state from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The device.
    pub device: DeviceId,
    /// When the state began.
    pub at: Micros,
    /// `None` when nobody looked: the server was not running.
    pub state: Option<DeviceState>,
    /// Fault that was there when the state began.
    pub error: Option<String>,
}

/// A device had one state for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInterval {
    /// Inclusive.
    pub from: Micros,
    /// Exclusive, above `from`.
    pub to: Micros,
    /// `None` when nobody looked.
    pub state: Option<DeviceState>,
    /// Fault that was there when the state began.
    pub error: Option<String>,
}

/// States of a device over a range.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceHistory {
    /// Start of the range, inclusive.
    pub from: Micros,
    /// End of the range, exclusive.
    pub to: Micros,
    /// Without gaps, from the first known change to `to` or to now. Neighbours differ in their states.
    pub states: Vec<StateInterval>,
}

impl DeviceHistory {
    /// Cuts changes, in the order of their times, to the range. The last state lasts until `now`.
    pub fn new(changes: &[StateChange], (from, to): (Micros, Micros), now: Micros) -> Self {
        let last = to.min(now);
        let ends = changes.iter().skip(1).map(|next| next.at).chain([last]);
        let mut states: Vec<StateInterval> = Vec::new();
        for (change, end) in changes.iter().zip(ends) {
            let (start, end) = (change.at.max(from), end.min(last));
            if start >= end {
                continue;
            }
            match states.last_mut() {
                Some(before) if before.state == change.state => before.to = end,
                _ => states.push(StateInterval {
                    from: start,
                    to: end,
                    state: change.state,
                    error: change.error.clone(),
                }),
            }
        }
        Self { from, to, states }
    }

    /// Share of the time in which the device responded, 0 to 1, of the time in which it should have: when it was disabled,
    /// was being connected to for the first time, or when nobody looked does not count. `None` if no time is left.
    pub fn availability(&self) -> Option<f64> {
        let (mut responded, mut all) = (0_i64, 0_i64);
        for interval in &self.states {
            let length = interval.to.0 - interval.from.0;
            match interval.state {
                Some(DeviceState::Online | DeviceState::Degraded) => {
                    responded += length;
                    all += length;
                }
                Some(DeviceState::Offline) => all += length,
                Some(DeviceState::Disabled | DeviceState::Connecting) | None => {}
            }
        }
        (all > 0).then(|| responded as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeviceState::{Connecting, Degraded, Disabled, Offline, Online};

    type Change = (i64, Option<DeviceState>);
    type Interval = (i64, i64, Option<DeviceState>);
    /// Name, changes, range, now, intervals and availability.
    type Row = (&'static str, &'static [Change], (i64, i64), i64, &'static [Interval], Option<f64>);

    #[test]
    fn changes_become_intervals_with_an_availability() {
        const ON: Option<DeviceState> = Some(Online);
        const OFF: Option<DeviceState> = Some(Offline);
        let rows: [Row; 9] = [
            ("nothing known", &[], (0, 100), 100, &[], None),
            ("until now", &[(10, ON)], (0, 100), 60, &[(10, 60, ON)], Some(1.0)),
            ("cut at both ends", &[(-50, ON), (150, OFF)], (0, 100), 200, &[(0, 100, ON)], Some(1.0)),
            (
                "three quarters",
                &[(0, ON), (75, OFF)],
                (0, 100),
                100,
                &[(0, 75, ON), (75, 100, OFF)],
                Some(0.75),
            ),
            (
                "degraded responds",
                &[(0, Some(Degraded)), (50, OFF)],
                (0, 100),
                100,
                &[(0, 50, Some(Degraded)), (50, 100, OFF)],
                Some(0.5),
            ),
            (
                "what is not known does not count",
                &[(0, ON), (20, None), (60, OFF), (80, ON)],
                (0, 100),
                100,
                &[(0, 20, ON), (20, 60, None), (60, 80, OFF), (80, 100, ON)],
                Some(2.0 / 3.0),
            ),
            (
                "neither does disabled or connecting",
                &[(0, Some(Disabled)), (50, Some(Connecting))],
                (0, 100),
                100,
                &[(0, 50, Some(Disabled)), (50, 100, Some(Connecting))],
                None,
            ),
            ("equal neighbours are one", &[(0, ON), (50, ON)], (0, 100), 100, &[(0, 100, ON)], Some(1.0)),
            ("two at one time", &[(0, ON), (0, OFF)], (0, 100), 100, &[(0, 100, OFF)], Some(0.0)),
        ];
        for (name, changes, (from, to), now, expected, availability) in rows {
            let changes: Vec<StateChange> = changes
                .iter()
                .map(|(at, state)| StateChange {
                    device: DeviceId(1),
                    at: Micros(*at),
                    state: *state,
                    error: None,
                })
                .collect();
            let history = DeviceHistory::new(&changes, (Micros(from), Micros(to)), Micros(now));
            let found: Vec<Interval> = history
                .states
                .iter()
                .map(|interval| (interval.from.0, interval.to.0, interval.state))
                .collect();
            assert_eq!(found, expected, "{name}");
            assert_eq!(history.availability(), availability, "{name}");
        }
    }
}

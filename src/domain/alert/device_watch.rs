//! How long a device has been in a state, as a rule on its state sees it. Pure.
//!
//! Collectors show `connecting` after every start of the server and of a device. That says nothing of the device, so for a
//! while it counts as what the device was before, or as nothing where that is not known.

use super::rule::{AlertRuleSpec, Operator, Threshold};
use super::window::take;
use crate::domain::Micros;
use crate::domain::device::DeviceState;
use crate::domain::time::MICROS_PER_SECOND;

/// How long a device that is connecting counts as what it was before, unless it was disabled.
pub const RECONNECT_US: i64 = 60 * MICROS_PER_SECOND;

/// Memory of a rule on the state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceWatch {
    /// The state that the device is taken to be in; `None` before the first.
    state: Option<DeviceState>,
    /// Since when the condition of the rule holds; `None` while it does not.
    since: Option<Micros>,
    /// Since when the device is connecting, in this process.
    connecting_since: Option<Micros>,
}

impl DeviceWatch {
    /// Takes note of the state that a device shows. Returns whether the condition has held for the rule's window; `None`
    /// while that is open: it holds, but not for long enough, or the device is connecting.
    pub fn observe(&mut self, rule: &AlertRuleSpec, shown: DeviceState, now: Micros) -> Option<bool> {
        if shown != DeviceState::Connecting {
            self.connecting_since = None;
        } else if self.is_reconnecting(now) {
            return None;
        }
        self.state = Some(shown);
        if !holds(rule, shown) {
            self.since = None;
            return Some(false);
        }
        let since = *self.since.get_or_insert(now);
        let window_us = rule.window_s?.saturating_mul(MICROS_PER_SECOND);
        (now.0.saturating_sub(since.0) >= window_us).then_some(true)
    }

    fn is_reconnecting(&mut self, now: Micros) -> bool {
        let since = *self.connecting_since.get_or_insert(now);
        let may_be_as_before = match self.state {
            None | Some(DeviceState::Online | DeviceState::Degraded | DeviceState::Offline) => true,
            Some(DeviceState::Disabled | DeviceState::Connecting) => false,
        };
        may_be_as_before && now.0.saturating_sub(since.0) < RECONNECT_US
    }

    /// Whether the condition holds: then the time for which it does is to be stored again and again.
    pub fn is_running(&self) -> bool {
        self.since.is_some()
    }

    /// Goes on at `now` with what was stored at `stored_at`. Nobody knows what the device did between the two, so that time
    /// does not count; nor does it when the clock was set back meanwhile.
    pub(super) fn resume(&mut self, stored_at: Micros, now: Micros) {
        self.shift(now.0.saturating_sub(stored_at.0));
    }

    /// Moves what was noted by a step of the clock, so that it stays as long ago as it was.
    pub(super) fn shift(&mut self, by_us: i64) {
        let moved = |at: Micros| Micros(at.0.saturating_add(by_us));
        self.since = self.since.map(moved);
        self.connecting_since = self.connecting_since.map(moved);
    }

    /// Appends the stored form: the state and since when the condition holds.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let place = |state| DeviceState::ALL.iter().position(|one| *one == state);
        // At most the number of states.
        out.push(self.state.and_then(place).map_or(0, |place| place as u8 + 1));
        out.push(u8::from(self.since.is_some()));
        out.extend(self.since.unwrap_or(Micros(0)).0.to_le_bytes());
    }

    /// Reads the stored form from the front of `rest`; `None` for anything else.
    pub(super) fn decode(rest: &mut &[u8]) -> Option<DeviceWatch> {
        let [state, has_since] = take(rest)?;
        let since = Micros(i64::from_le_bytes(take(rest)?));
        let state = match usize::from(state).checked_sub(1) {
            Some(place) => Some(*DeviceState::ALL.get(place)?),
            None => None,
        };
        let since = (has_since == 1).then_some(since);
        (has_since <= 1).then_some(DeviceWatch { state, since, connecting_since: None })
    }
}

/// Whether a state fulfils the condition of the rule.
fn holds(rule: &AlertRuleSpec, state: DeviceState) -> bool {
    let Some(Threshold::Text(name)) = &rule.threshold else { return false };
    match rule.operator {
        Some(Operator::Eq) => state.name() == name,
        Some(Operator::Neq) => state.name() != name,
        _ => false,
    }
}

#[cfg(test)]
#[path = "device_watch_tests.rs"]
mod tests;

//! The stored form of the state of a rule. Bytes of any other form are refused, so that the state begins anew.

use super::{LogPosition, RuleState};
use crate::domain::Micros;
use crate::domain::alert::budget::AlertBudget;
use crate::domain::alert::device_watch::DeviceWatch;
use crate::domain::alert::recent::RecentReadings;
use crate::domain::alert::waiting::WaitingReadings;
use crate::domain::alert::window::{Window, take};

pub(super) const VERSION: u8 = 3;
/// Bits of the second byte.
const HAS_LAST: u8 = 1;
const IS_HELD_BACK: u8 = 2;
const HAS_CURRENT: u8 = 4;
const HAS_FORGOTTEN_ALERT: u8 = 8;

impl RuleState {
    /// The stored form of what readings and states of a device alone make of a state: the last reading, the window, what is
    /// known of the device, and what waits for its time.
    pub fn encode(&self) -> Vec<u8> {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let flags = flag(self.last.is_some(), HAS_LAST)
            | flag(self.budget.is_held_back, IS_HELD_BACK)
            | flag(self.current.is_some(), HAS_CURRENT)
            | flag(self.forgotten_alert.is_some(), HAS_FORGOTTEN_ALERT);
        let mut out = vec![VERSION, flags];
        let last = self.last.unwrap_or(LogPosition { seq: 0, ts: Micros(0) });
        out.extend(last.seq.to_le_bytes());
        out.extend(last.ts.0.to_le_bytes());
        out.extend(self.current.unwrap_or(Micros(0)).0.to_le_bytes());
        self.window.encode(&mut out);
        self.device.encode(&mut out);
        self.recent.encode(&mut out);
        self.waiting.encode(&mut out);
        out.extend(self.forgotten_alert.iter().flat_map(|at| at.0.to_le_bytes()));
        out
    }

    /// Reads the stored form into a state without alerts that began to be watched at a time of the monotonic clock; `None` for
    /// anything else, as for a form of an earlier version.
    pub fn decode(bytes: &[u8], monotonic: Micros) -> Option<RuleState> {
        let mut rest = bytes;
        let [version, flags] = take(&mut rest)?;
        if version != VERSION || flags & !(HAS_LAST | IS_HELD_BACK | HAS_CURRENT | HAS_FORGOTTEN_ALERT) != 0 {
            return None;
        }
        let seq = u64::from_le_bytes(take(&mut rest)?);
        let last = LogPosition { seq, ts: Micros(i64::from_le_bytes(take(&mut rest)?)) };
        let current = Micros(i64::from_le_bytes(take(&mut rest)?));
        let window = Window::decode(&mut rest)?;
        let device = DeviceWatch::decode(&mut rest)?;
        let recent = RecentReadings::decode(&mut rest)?;
        let waiting = WaitingReadings::decode(&mut rest)?;
        let forgotten_alert = match flags & HAS_FORGOTTEN_ALERT {
            0 => None,
            _ => Some(Micros(i64::from_le_bytes(take(&mut rest)?))),
        };
        let last = (flags & HAS_LAST != 0).then_some(last);
        let current = (flags & HAS_CURRENT != 0).then_some(current);
        let budget = AlertBudget { is_held_back: flags & IS_HELD_BACK != 0, ..AlertBudget::default() };
        let state = RuleState {
            last,
            window,
            heard_at: monotonic,
            current,
            forgotten_alert,
            recent,
            waiting,
            device,
            budget,
            ..RuleState::default()
        };
        rest.is_empty().then_some(state)
    }
}

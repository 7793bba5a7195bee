//! Ranges of registers that a device does not answer while it answers others, and when each is asked for again. Pure; the caller
//! passes the time.

use std::time::Duration;

use tokio::time::Instant;

use super::RegisterRange;
use crate::collect::fault::DeviceFault;

/// A new attempt costs the device's timeout, and often its connection.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(640);

#[derive(Debug, Default)]
pub struct SilentRanges(Vec<SilentRange>);

/// One range without an answer.
#[derive(Debug)]
pub struct SilentRange {
    span: RegisterRange,
    fault: DeviceFault,
    pause: Duration,
    due: Instant,
}

impl SilentRange {
    /// How its last request was lost.
    pub fn fault(&self) -> &DeviceFault {
        &self.fault
    }

    /// Whether it is to be asked for again.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }
}

impl SilentRanges {
    /// The ranges, in no order.
    pub fn spans(&self) -> Vec<RegisterRange> {
        self.0.iter().map(|range| range.span).collect()
    }

    pub fn get(&self, span: RegisterRange) -> Option<&SilentRange> {
        self.0.iter().find(|range| range.span == span)
    }

    /// Records that a range got no answer: it is due after a pause, twice as long as its last.
    pub fn record(&mut self, span: RegisterRange, fault: &DeviceFault, now: Instant) {
        let before = self.0.iter().position(|range| range.span == span).map(|at| self.0.swap_remove(at));
        let pause = before.map_or(FIRST_PAUSE, |range| (range.pause * 2).min(LONGEST_PAUSE));
        self.0.push(SilentRange { span, fault: fault.clone(), pause, due: now + pause });
    }

    /// Removes the ranges for which `is_removed` holds, and returns them.
    pub fn split_off(&mut self, is_removed: impl Fn(RegisterRange) -> bool) -> Vec<RegisterRange> {
        self.0.extract_if(.., |range| is_removed(range.span)).map(|range| range.span).collect()
    }

    /// Records that a range got an answer. Returns whether it was silent before.
    pub fn remove(&mut self, span: RegisterRange) -> bool {
        let before = self.0.len();
        self.0.retain(|range| range.span != span);
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::modbus::space::ModbusSpace;
    use crate::collect::registers::RegisterSpace;

    #[test]
    fn a_silent_range_is_due_after_longer_and_longer_pauses() {
        let range = |start| RegisterRange { space: RegisterSpace::from(ModbusSpace::Holding), start, len: 1 };
        let fault = DeviceFault::Closed { address: "plc".to_owned(), reason: "gone".to_owned() };
        let mut silent = SilentRanges::default();
        let mut now = Instant::now();
        for pause_s in [10, 20, 40, 80, 160, 320, 640, 640] {
            silent.record(range(1), &fault, now);
            let due = now + Duration::from_secs(pause_s);
            let recorded = silent.get(range(1)).unwrap();
            assert_eq!(recorded.fault(), &fault);
            assert!(!recorded.is_due(due - Duration::from_millis(1)), "{pause_s}");
            assert!(recorded.is_due(due), "{pause_s}");
            now = due;
        }
        assert_eq!(silent.spans(), [range(1)]);
        assert!(silent.get(range(2)).is_none());
        assert!(silent.remove(range(1)));
        assert!(!silent.remove(range(1)), "it answers");
        silent.record(range(1), &fault, now);
        assert!(silent.get(range(1)).unwrap().is_due(now + FIRST_PAUSE), "pauses begin anew");
        silent.record(range(3), &fault, now);
        assert_eq!(silent.split_off(|span| span == range(3)), [range(3)]);
        assert_eq!(silent.spans(), [range(1)]);
    }
}

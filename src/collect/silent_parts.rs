//! Parts of a device, such as ranges of registers or tags, that it does not answer while it answers others, and when each is asked
//! for again. Pure; the caller passes the time.

use std::time::Duration;

use tokio::time::Instant;

use super::fault::DeviceFault;

/// A new attempt costs the device's timeout, and often its connection.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(640);

/// The silent parts of one device, each by what names it.
#[derive(Debug)]
pub struct SilentParts<K>(Vec<SilentPart<K>>);

/// One part without an answer.
#[derive(Debug)]
pub struct SilentPart<K> {
    part: K,
    fault: DeviceFault,
    pause: Duration,
    due: Instant,
}

impl<K> SilentPart<K> {
    /// How its last request was lost.
    pub fn fault(&self) -> &DeviceFault {
        &self.fault
    }

    /// Whether it is to be asked for again.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }
}

impl<K> Default for SilentParts<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + PartialEq> SilentParts<K> {
    /// The parts, in no order.
    pub fn parts(&self) -> Vec<K> {
        self.0.iter().map(|silent| silent.part).collect()
    }

    /// Returns a part if it is silent.
    pub fn get(&self, part: K) -> Option<&SilentPart<K>> {
        self.0.iter().find(|silent| silent.part == part)
    }

    /// Records that a part got no answer: it is due after a pause, twice as long as its last.
    pub fn record(&mut self, part: K, fault: &DeviceFault, now: Instant) {
        let before = self.0.iter().position(|silent| silent.part == part).map(|at| self.0.swap_remove(at));
        let pause = before.map_or(FIRST_PAUSE, |silent| (silent.pause * 2).min(LONGEST_PAUSE));
        self.0.push(SilentPart { part, fault: fault.clone(), pause, due: now + pause });
    }

    /// Removes the parts for which `is_removed` holds, and returns them.
    pub fn split_off(&mut self, is_removed: impl Fn(K) -> bool) -> Vec<K> {
        self.0.extract_if(.., |silent| is_removed(silent.part)).map(|silent| silent.part).collect()
    }

    /// Takes over what others know of a part.
    pub fn take_from(&mut self, others: &mut SilentParts<K>, part: K) {
        self.0.extend(others.0.extract_if(.., |silent| silent.part == part));
    }

    /// Records that a part got an answer. Returns whether it was silent before.
    pub fn remove(&mut self, part: K) -> bool {
        let before = self.0.len();
        self.0.retain(|silent| silent.part != part);
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_part_is_due_after_longer_and_longer_pauses() {
        let fault = DeviceFault::Closed { address: "plc".to_owned(), reason: "gone".to_owned() };
        let mut silent = SilentParts::default();
        let mut now = Instant::now();
        for pause_s in [10, 20, 40, 80, 160, 320, 640, 640] {
            silent.record(1, &fault, now);
            let due = now + Duration::from_secs(pause_s);
            let recorded = silent.get(1).unwrap();
            assert_eq!(recorded.fault(), &fault);
            assert!(!recorded.is_due(due - Duration::from_millis(1)), "{pause_s}");
            assert!(recorded.is_due(due), "{pause_s}");
            now = due;
        }
        assert_eq!(silent.parts(), [1]);
        assert!(silent.get(2).is_none());
        assert!(silent.remove(1));
        assert!(!silent.remove(1), "it answers");
        silent.record(1, &fault, now);
        assert!(silent.get(1).unwrap().is_due(now + FIRST_PAUSE), "pauses begin anew");
        silent.record(3, &fault, now);
        let mut others = SilentParts::default();
        others.take_from(&mut silent, 3);
        assert_eq!((silent.parts(), others.parts()), (vec![1], vec![3]));
        silent.take_from(&mut others, 3);
        assert_eq!(silent.split_off(|part| part == 3), [3]);
        assert_eq!(silent.parts(), [1]);
    }
}

//! What is known of one device right now: written by its collector, read by anybody. Memory only.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::fault::Fault;
use super::meter::Meter;
use crate::domain::Micros;
use crate::domain::device::{DeviceState, DeviceStatus};

/// Characters kept of an error: parts of it are the device's own words.
const MAX_ERROR: usize = 1000;

/// The notice board of one device.
#[derive(Debug, Default)]
pub struct Board {
    inner: Mutex<Inner>,
    /// Told when the state, or the error that goes with it, is another.
    changed: Arc<watch::Sender<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Without the timings, which are worked out when asked for.
    status: DeviceStatus,
    latency: Meter,
    lateness: Meter,
}

impl Board {
    /// One that tells of its changes.
    pub fn telling(changed: Arc<watch::Sender<()>>) -> Self {
        Self { inner: Mutex::default(), changed }
    }

    /// State and the error that goes with it; a device in good order has none.
    pub fn set(&self, state: DeviceState, error: Option<String>) {
        let error = error.map(|words| shorten(&words).to_owned());
        let mut inner = self.inner.lock();
        let is_same = inner.status.state == state && inner.status.last_error == error;
        inner.status.state = state;
        inner.status.last_error = error;
        drop(inner);
        if !is_same {
            self.changed.send_replace(());
        }
    }

    /// A request was answered with data.
    pub fn answered(&self, at: Micros, round_trip: Duration) {
        let mut inner = self.inner.lock();
        inner.status.reads += 1;
        inner.status.last_seen = Some(at);
        inner.latency.add(round_trip);
    }

    /// The device said something that nobody asked for just now.
    pub fn heard(&self, at: Micros) {
        let mut inner = self.inner.lock();
        inner.status.reads += 1;
        inner.status.last_seen = Some(at);
    }

    /// A request failed. One that the device refused shows at least that it is there.
    pub fn failed(&self, at: Micros, fault: &Fault) {
        let mut inner = self.inner.lock();
        let errors = &mut inner.status.errors;
        match fault {
            Fault::Timeout { .. } => errors.timeout += 1,
            Fault::Unreachable { .. } | Fault::Closed { .. } => errors.refused += 1,
            Fault::Malformed { .. } => errors.protocol += 1,
            Fault::Unfit { .. } => errors.other += 1,
            Fault::Refused { .. } => {
                errors.protocol += 1;
                inner.status.last_seen = Some(at);
            }
        }
    }

    /// Something failed that is not the device's doing.
    pub fn failed_otherwise(&self) {
        self.inner.lock().status.errors.other += 1;
    }

    /// A poll begins, so much after its time, and so many before it were left out.
    pub fn begun(&self, lateness: Duration, skipped: u64) {
        let mut inner = self.inner.lock();
        inner.lateness.add(lateness);
        inner.status.skipped += skipped;
    }

    /// A connection that had been lost is there again.
    pub fn reconnected(&self) {
        self.inner.lock().status.reconnects += 1;
    }

    /// So many readings are stored.
    pub fn stored(&self, readings: usize) {
        self.inner.lock().status.readings += readings as u64;
    }

    pub fn state(&self) -> DeviceState {
        self.inner.lock().status.state
    }

    pub fn status(&self) -> DeviceStatus {
        let (status, latency, lateness) = {
            let inner = self.inner.lock();
            (inner.status.clone(), inner.latency.clone(), inner.lateness.clone())
        };
        DeviceStatus { latency: latency.timing(), lateness: lateness.timing(), ..status }
    }
}

fn shorten(words: &str) -> &str {
    words.char_indices().nth(MAX_ERROR).map_or(words, |(end, _)| &words[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::fault::{Code, Meaning};

    #[test]
    fn what_happens_is_counted() {
        let board = Board::default();
        assert_eq!(board.status(), DeviceStatus::default());
        board.answered(Micros(1), Duration::from_millis(3));
        board.answered(Micros(2), Duration::from_millis(5));
        board.heard(Micros(3));
        board.begun(Duration::from_millis(7), 0);
        board.begun(Duration::from_millis(9), 4);
        board.reconnected();
        board.stored(10);
        board.stored(1);
        let status = board.status();
        assert_eq!((status.reads, status.last_seen), (3, Some(Micros(3))));
        assert_eq!(
            (status.latency.count, status.latency.p99_ms),
            (2, Some(5.0)),
            "nobody waited for what was heard"
        );
        assert_eq!((status.lateness.count, status.lateness.p50_ms, status.skipped), (2, Some(7.0), 4));
        assert_eq!((status.reconnects, status.readings), (1, 11));
    }

    #[test]
    fn an_error_of_any_length_is_kept_short() {
        let board = Board::default();
        for (words, kept) in [("short", 5), (&*"ä".repeat(1_000_000), 2 * MAX_ERROR)] {
            board.set(DeviceState::Offline, Some(words.to_owned()));
            assert_eq!(board.status().last_error.map(|words| words.len()), Some(kept));
        }
    }

    #[test]
    fn faults_are_counted_by_kind() {
        let board = Board::default();
        let address = || "plc:502".to_owned();
        for fault in [
            Fault::Timeout { address: address(), after: Duration::from_secs(3) },
            Fault::Unreachable { address: address(), reason: "connection refused".into() },
            Fault::Closed { address: address(), reason: "connection reset".into() },
            Fault::Malformed { address: address(), reason: "short".into() },
        ] {
            board.failed(Micros(1), &fault);
        }
        assert_eq!(board.status().last_seen, None);
        board.failed(
            Micros(2),
            &Fault::Refused {
                code: Code::Modbus(2),
                words: "illegal data address",
                meaning: Meaning::NoSuchRegister,
            },
        );
        board.failed_otherwise();
        let status = board.status();
        assert_eq!(status.last_seen, Some(Micros(2)));
        let errors = status.errors;
        assert_eq!((errors.timeout, errors.refused, errors.protocol, errors.other), (1, 2, 2, 1));
    }
}

//! Current status of one device: its collector writes it, anybody reads it. Kept in memory only.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::duration_stats::DurationStats;
use super::fault::DeviceFault;
use crate::domain::Micros;
use crate::domain::device::{DeviceState, DeviceStatus};

/// Maximum length of a stored error in characters: parts of it are the device's own words.
const MAX_ERROR_CHARS: usize = 1000;

/// Status of one device.
#[derive(Debug, Default)]
pub struct DeviceStatusCell {
    inner: Mutex<Inner>,
    /// Notified when the state or its error changes.
    state_changed: Arc<watch::Sender<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Without the timings, which are computed on request.
    status: DeviceStatus,
    latency: DurationStats,
    lateness: DurationStats,
}

impl DeviceStatusCell {
    /// Creates a cell that notifies `changed` of its changes.
    pub fn with_notifier(changed: Arc<watch::Sender<()>>) -> Self {
        Self { inner: Mutex::default(), state_changed: changed }
    }

    /// Sets the state and its error; a device in good order has none.
    pub fn set_state(&self, state: DeviceState, error: Option<String>) {
        let error = error.map(|words| truncate_error(&words).to_owned());
        let mut inner = self.inner.lock();
        let is_same = inner.status.state == state && inner.status.last_error == error;
        inner.status.state = state;
        inner.status.last_error = error;
        drop(inner);
        if !is_same {
            self.state_changed.send_replace(());
        }
    }

    /// Sets how far the device's clock is ahead, seconds, negative behind; `None` unless it is off.
    pub fn set_clock_offset(&self, offset_s: Option<f64>) {
        let before = std::mem::replace(&mut self.inner.lock().status.clock_offset_s, offset_s);
        if before.map(f64::is_sign_negative) != offset_s.map(f64::is_sign_negative) {
            self.state_changed.send_replace(());
        }
    }

    /// Counts a request that was answered with data.
    pub fn record_response(&self, at: Micros, round_trip: Duration) {
        let mut inner = self.inner.lock();
        inner.status.reads += 1;
        inner.status.last_seen = Some(at);
        inner.latency.record(round_trip);
    }

    /// Counts data that the device sent without a request.
    pub fn record_received(&self, at: Micros) {
        let mut inner = self.inner.lock();
        inner.status.reads += 1;
        inner.status.last_seen = Some(at);
    }

    /// Counts a failed request. A refusal still shows that the device is there.
    pub fn record_fault(&self, at: Micros, fault: &DeviceFault) {
        let mut inner = self.inner.lock();
        let errors = &mut inner.status.errors;
        match fault {
            DeviceFault::Timeout { .. } => errors.timeout += 1,
            DeviceFault::Unreachable { .. } | DeviceFault::Closed { .. } => errors.refused += 1,
            DeviceFault::Malformed { .. } | DeviceFault::Unsolicited { .. } => errors.protocol += 1,
            DeviceFault::Unsupported { .. } => errors.other += 1,
            DeviceFault::LimitExceeded { .. } | DeviceFault::Refused { .. } => {
                errors.protocol += 1;
                inner.status.last_seen = Some(at);
            }
        }
    }

    /// Counts a failure that is not the device's doing.
    pub fn record_other_error(&self) {
        self.inner.lock().status.errors.other += 1;
    }

    /// Counts the start of a poll, its lateness, and the ticks skipped before it.
    pub fn record_poll_start(&self, lateness: Duration, skipped: u64) {
        let mut inner = self.inner.lock();
        inner.lateness.record(lateness);
        inner.status.skipped += skipped;
    }

    /// Counts a lost connection that was restored.
    pub fn record_reconnect(&self) {
        self.inner.lock().status.reconnects += 1;
    }

    /// Counts stored readings.
    pub fn record_stored(&self, readings: usize) {
        self.inner.lock().status.readings += readings as u64;
    }

    /// Connection state of the device; cheaper than `status`, which computes quantiles.
    pub fn state(&self) -> DeviceState {
        self.inner.lock().status.state
    }

    /// Copy of the status, with the quantiles of its timings computed now.
    pub fn status(&self) -> DeviceStatus {
        let (status, latency, lateness) = {
            let inner = self.inner.lock();
            (inner.status.clone(), inner.latency.clone(), inner.lateness.clone())
        };
        DeviceStatus { latency: latency.timing(), lateness: lateness.timing(), ..status }
    }
}

fn truncate_error(words: &str) -> &str {
    words.char_indices().nth(MAX_ERROR_CHARS).map_or(words, |(end, _)| &words[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::fault::RefusalKind;
    use crate::collect::modbus::client::exception_code;

    #[test]
    fn what_happens_is_counted() {
        let status = DeviceStatusCell::default();
        assert_eq!(status.status(), DeviceStatus::default());
        status.record_response(Micros(1), Duration::from_millis(3));
        status.record_response(Micros(2), Duration::from_millis(5));
        status.record_received(Micros(3));
        status.record_poll_start(Duration::from_millis(7), 0);
        status.record_poll_start(Duration::from_millis(9), 4);
        status.record_reconnect();
        status.record_stored(10);
        status.record_stored(1);
        let status = status.status();
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
        let status = DeviceStatusCell::default();
        for (words, kept) in [("short", 5), (&*"ä".repeat(1_000_000), 2 * MAX_ERROR_CHARS)] {
            status.set_state(DeviceState::Offline, Some(words.to_owned()));
            assert_eq!(status.status().last_error.map(|words| words.len()), Some(kept));
        }
    }

    #[test]
    fn faults_are_counted_by_kind() {
        let status = DeviceStatusCell::default();
        let address = || "plc:502".to_owned();
        for fault in [
            DeviceFault::Timeout { address: address(), after: Duration::from_secs(3) },
            DeviceFault::Unreachable { address: address(), reason: "connection refused".into() },
            DeviceFault::Closed { address: address(), reason: "connection reset".into() },
            DeviceFault::Malformed { address: address(), reason: "short".into() },
        ] {
            status.record_fault(Micros(1), &fault);
        }
        assert_eq!(status.status().last_seen, None);
        status.record_fault(
            Micros(2),
            &DeviceFault::Refused {
                code: exception_code(2),
                words: "illegal data address",
                meaning: RefusalKind::NoSuchRegister,
            },
        );
        status.record_other_error();
        let status = status.status();
        assert_eq!(status.last_seen, Some(Micros(2)));
        let errors = status.errors;
        assert_eq!((errors.timeout, errors.refused, errors.protocol, errors.other), (1, 2, 2, 1));
    }
}

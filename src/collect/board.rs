//! What is known of one device right now: written by its collector, read by anybody. Memory only.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::fault::Fault;
use crate::domain::Micros;
use crate::domain::device::{DeviceState, DeviceStatus};

/// How many of the latest round trips the quantiles are taken over.
const LATENCIES: usize = 512;

/// The notice board of one device.
#[derive(Debug, Default)]
pub struct Board {
    inner: Mutex<Inner>,
    /// Told when the state, or the error that goes with it, is another.
    changed: Arc<watch::Sender<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Without the quantiles, which are worked out when asked for.
    status: DeviceStatus,
    latencies_ms: VecDeque<f64>,
}

impl Board {
    /// One that tells of its changes.
    pub fn telling(changed: Arc<watch::Sender<()>>) -> Self {
        Self { inner: Mutex::default(), changed }
    }

    /// State and the error that goes with it; a device in good order has none.
    pub fn set(&self, state: DeviceState, error: Option<String>) {
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
        if inner.latencies_ms.len() == LATENCIES {
            inner.latencies_ms.pop_front();
        }
        inner.latencies_ms.push_back(round_trip.as_secs_f64() * 1e3);
    }

    /// A request failed. One that the device refused shows at least that it is there.
    pub fn failed(&self, at: Micros, fault: &Fault) {
        let mut inner = self.inner.lock();
        let errors = &mut inner.status.errors;
        match fault {
            Fault::Timeout { .. } => errors.timeout += 1,
            Fault::Unreachable { .. } | Fault::Closed { .. } => errors.refused += 1,
            Fault::Malformed { .. } => errors.protocol += 1,
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

    pub fn status(&self) -> DeviceStatus {
        let (mut status, mut latencies) = {
            let inner = self.inner.lock();
            (inner.status.clone(), inner.latencies_ms.iter().copied().collect::<Vec<_>>())
        };
        latencies.sort_by(f64::total_cmp);
        status.latency_p50_ms = quantile(&latencies, 0.50);
        status.latency_p99_ms = quantile(&latencies, 0.99);
        status
    }
}

/// The nearest rank: the smallest value that at least the fraction `q` of all do not exceed.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::fault::{Code, Meaning};

    #[test]
    fn quantiles_are_of_the_latest_requests() {
        let board = Board::default();
        assert_eq!(board.status().latency_p50_ms, None);
        // The first hundred are pushed out by the next 512.
        for ms in (0..100).map(|_| 1000).chain(1..=512) {
            board.answered(Micros(ms), Duration::from_millis(ms as u64));
        }
        let status = board.status();
        assert_eq!((status.latency_p50_ms, status.latency_p99_ms), (Some(256.0), Some(507.0)));
        assert_eq!((status.reads, status.last_seen), (612, Some(Micros(512))));
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

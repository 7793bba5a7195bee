//! Counters of the broker, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{BrokerState, MqttSessions};
use crate::domain::latency_stats::{LATENCY_BUCKET_BOUNDS_S, LatencyStats};
use crate::domain::mqtt::Qos;

/// Counters since the start.
#[derive(Default)]
pub struct MqttCounters {
    connections: AtomicU64,
    received: [AtomicU64; 3],
    sent: [AtomicU64; 3],
    malformed: AtomicU64,
    texts_without_stream: AtomicU64,
    overflows: AtomicU64,
    dropped: AtomicU64,
    queue_bytes: AtomicU64,
    ack_buckets: [AtomicU64; LATENCY_BUCKET_BOUNDS_S.len()],
    acks: AtomicU64,
    ack_us: AtomicU64,
}

/// The measured values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MqttMetrics {
    /// Clients that are connected.
    pub connections: u64,
    /// Sessions, with and without a connection.
    pub sessions: usize,
    /// Retained messages.
    pub retained: usize,
    /// Messages from clients, by quality of service.
    pub received: [u64; 3],
    /// Messages to clients, by quality of service; repeated ones count again.
    pub sent: [u64; 3],
    /// Messages that could not be read: acknowledged, logged and not stored.
    pub malformed: u64,
    /// Members of messages that are texts and have no stream: not stored, though the rest of their message is.
    pub texts_without_stream: u64,
    /// Sessions that were ended because they fell too far behind.
    pub overflows: u64,
    /// Messages that were not sent because they are larger than their client takes.
    pub dropped: u64,
    /// Memory of the messages that clients have not acknowledged.
    pub queue_bytes: u64,
    /// From the arrival of a message to its acknowledgement.
    pub acks: LatencyStats,
}

impl MqttCounters {
    /// Counts a client that has connected and got its session.
    pub fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client off when its connection ends, whether or not its session outlives it.
    pub fn count_disconnection(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a PUBLISH from a client; repetitions of a stored one (QoS 2) do not count.
    pub fn count_received(&self, qos: Qos) {
        self.received[usize::from(qos.number())].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a PUBLISH to a client, repetitions too.
    pub fn count_sent(&self, qos: Qos) {
        self.sent[usize::from(qos.number())].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_texts_without_stream(&self, count: usize) {
        self.texts_without_stream.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn count_overflow(&self) {
        self.overflows.fetch_add(1, Ordering::Relaxed);
    }

    /// A message is larger than its client takes.
    pub fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_queued(&self, bytes: usize) {
        self.queue_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn remove_queued(&self, bytes: usize) {
        self.queue_bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// Notes how long a message waited for its acknowledgement.
    pub fn record_acknowledgement(&self, waited: Duration) {
        let waited_s = waited.as_secs_f64();
        let bucket = LATENCY_BUCKET_BOUNDS_S.iter().position(|bound| waited_s <= *bound);
        if let Some(count) = bucket.and_then(|at| self.ack_buckets.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.acks.fetch_add(1, Ordering::Relaxed);
        let waited_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.ack_us.fetch_add(waited_us, Ordering::Relaxed);
    }

    fn read(&self) -> MqttMetrics {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        MqttMetrics {
            connections: get(&self.connections),
            sessions: 0,
            retained: 0,
            received: self.received.each_ref().map(get),
            sent: self.sent.each_ref().map(get),
            malformed: get(&self.malformed),
            texts_without_stream: get(&self.texts_without_stream),
            overflows: get(&self.overflows),
            dropped: get(&self.dropped),
            queue_bytes: get(&self.queue_bytes),
            acks: LatencyStats {
                count: get(&self.acks),
                sum_s: get(&self.ack_us) as f64 / 1e6,
                buckets: self.ack_buckets.each_ref().map(get),
                ..LatencyStats::default()
            },
        }
    }
}

impl MqttSessions {
    /// Returns the counters, for the listener.
    pub fn counters(&self) -> &MqttCounters {
        &self.state.counters
    }
}

impl BrokerState {
    pub(in crate::app) fn metrics(&self) -> MqttMetrics {
        MqttMetrics {
            sessions: self.sessions.lock().len(),
            retained: self.retained.read().len(),
            ..self.counters.read()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_their_bucket() {
        let counters = MqttCounters::default();
        for ms in [0, 1, 7, 60_000] {
            counters.record_acknowledgement(Duration::from_millis(ms));
        }
        let acks = counters.read().acks;
        assert_eq!((acks.count, acks.buckets.iter().sum::<u64>(), acks.buckets[4]), (4, 3, 1));
        assert!((acks.sum_s - 60.008).abs() < 1e-9);
    }
}

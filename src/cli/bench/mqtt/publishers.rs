//! Publishers with QoS 1: as fast as their windows allow, or at a fixed rate.
//!
//! At a fixed rate the latency of a message counts from when it was due, so that a broker that stalls does not hide what
//! it kept waiting.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio::time::{timeout, timeout_at};

use super::connection::{MqttConnection, Packet, put_publish};
use crate::cli::bench::latencies::Latencies;
use crate::domain::{Error, Micros, Result};

/// Maximum wait for an acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(60);

/// Load to publish.
#[derive(Clone)]
pub struct PublishLoad {
    /// One publisher each.
    pub topics: Vec<String>,
    /// Messages that a publisher has unacknowledged at most.
    pub in_flight: u16,
    /// Readings per message.
    pub batch: usize,
    /// Time of the first reading of each topic; the next are a microsecond apart.
    pub first_ts: Micros,
    pub time: Duration,
    /// Messages per second of all publishers together; `None` is as many as are acknowledged.
    pub rate: Option<f64>,
}

/// Result of a load; all that was sent was acknowledged.
pub struct PublishResult {
    /// From sending, or being due, to PUBACK.
    pub latencies: Latencies,
    pub took: Duration,
    pub batch: usize,
}

impl PublishResult {
    /// Returns the number of messages of all publishers, each acknowledged with PUBACK.
    pub fn messages(&self) -> usize {
        self.latencies.count()
    }

    /// Returns the number of readings in the messages.
    pub fn readings(&self) -> usize {
        self.messages() * self.batch
    }

    /// Returns the messages per second of all publishers together, the wait for the last acknowledgements included.
    pub fn messages_per_s(&self) -> f64 {
        self.messages() as f64 / self.took.as_secs_f64()
    }
}

impl PublishLoad {
    /// Connects all publishers, and then lets them publish.
    pub async fn run(&self, address: &str, key: Option<&str>) -> Result<PublishResult> {
        let mut publishers = Vec::with_capacity(self.topics.len());
        for (number, topic) in self.topics.iter().enumerate() {
            let connection = MqttConnection::open(address, &format!("bench-publisher-{number}"), key).await?;
            publishers.push(Publisher::new(connection, topic.clone(), self));
        }
        let interval = self.rate.map(|rate| Duration::from_secs_f64(publishers.len() as f64 / rate));
        let (started, count) = (Instant::now(), publishers.len() as u32);
        let running: Vec<_> = (0..)
            .zip(publishers)
            .map(|(number, publisher)| {
                // Publishers at a fixed rate take turns.
                let first_due = started + interval.unwrap_or_default() * number / count;
                tokio::spawn(publisher.publish(Schedule {
                    due: first_due,
                    interval,
                    until: started + self.time,
                }))
            })
            .collect();
        let mut latencies = Latencies::default();
        for publisher in running {
            let ended =
                publisher.await.map_err(|e| Error::internal("a publisher ended early").with_source(e))?;
            latencies.extend([ended?]);
        }
        Ok(PublishResult { latencies, took: started.elapsed(), batch: self.batch })
    }
}

/// When messages are sent.
struct Schedule {
    due: Instant,
    /// `None`: whenever there is room in the window.
    interval: Option<Duration>,
    until: Instant,
}

impl Schedule {
    /// Returns since when a message is due, if one is.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        let is_due = now < self.until && self.due <= now && self.due < self.until;
        if !is_due {
            return None;
        }
        match self.interval {
            None => Some(now),
            Some(interval) => {
                let due = self.due;
                self.due += interval;
                Some(due)
            }
        }
    }
}

struct Publisher {
    connection: MqttConnection,
    topic: String,
    batch: usize,
    /// When the message of each packet id was sent; ids count from 1.
    sent: Vec<Option<Instant>>,
    free: Vec<u16>,
    next_ts: Micros,
    payload: String,
    out: Vec<u8>,
    latencies: Latencies,
}

impl Publisher {
    fn new(connection: MqttConnection, topic: String, load: &PublishLoad) -> Publisher {
        Publisher {
            connection,
            topic,
            batch: load.batch,
            sent: vec![None; usize::from(load.in_flight)],
            free: (1..=load.in_flight).rev().collect(),
            next_ts: load.first_ts,
            payload: String::new(),
            out: Vec::new(),
            latencies: Latencies::default(),
        }
    }

    /// Publishes until the schedule ends and everything is acknowledged.
    async fn publish(mut self, mut schedule: Schedule) -> Result<Latencies> {
        loop {
            let now = Instant::now();
            self.out.clear();
            while let Some(id) = self.free.pop() {
                let Some(since) = schedule.next(now) else {
                    self.free.push(id);
                    break;
                };
                self.put_message(id);
                self.sent[usize::from(id) - 1] = Some(since);
            }
            if !self.out.is_empty() {
                self.connection.send(&self.out).await?;
            }
            let is_idle = self.free.len() == self.sent.len();
            if is_idle && (now >= schedule.until || schedule.due >= schedule.until) {
                return Ok(self.latencies);
            }
            self.wait(&schedule).await?;
        }
    }

    /// Waits for an acknowledgement, or until the next message is due.
    async fn wait(&mut self, schedule: &Schedule) -> Result<()> {
        let waits_for_time =
            schedule.interval.is_some() && !self.free.is_empty() && schedule.due < schedule.until;
        let packet = if waits_for_time {
            match timeout_at(schedule.due.into(), self.connection.receive()).await {
                Ok(packet) => packet?,
                Err(_) => return Ok(()),
            }
        } else {
            let late = |_| Error::unavailable("the broker did not acknowledge a message");
            timeout(ACK_TIMEOUT, self.connection.receive()).await.map_err(late)??
        };
        self.acknowledge(&packet)?;
        while let Some(packet) = self.connection.buffered()? {
            self.acknowledge(&packet)?;
        }
        Ok(())
    }

    fn acknowledge(&mut self, packet: &Packet) -> Result<()> {
        let sent = match packet {
            Packet::PubAck(id) => {
                let slot = self.sent.get_mut(usize::from(*id).wrapping_sub(1));
                slot.and_then(Option::take).map(|since| (*id, since))
            }
            _ => None,
        };
        let Some((id, since)) = sent else {
            return Err(Error::unavailable(format!("unexpected packet of the broker: {packet:?}")));
        };
        self.free.push(id);
        self.latencies.add(since.elapsed());
        Ok(())
    }

    fn put_message(&mut self, id: u16) {
        self.payload.clear();
        let is_list = self.batch > 1;
        self.payload.push_str(if is_list { "[" } else { "" });
        for n in 0..self.batch {
            let (comma, ts) = (if n > 0 { "," } else { "" }, self.next_ts);
            let value = (ts.0 & 0xFFFF) as f64 / 4.0;
            // Writing to a string does not fail.
            let _ = write!(self.payload, r#"{comma}{{"timestamp":"{ts}","value":{value}}}"#);
            self.next_ts = Micros(ts.0 + 1);
        }
        self.payload.push_str(if is_list { "]" } else { "" });
        put_publish(&mut self.out, &self.topic, id, self.payload.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_counts_from_when_a_message_was_due() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut fixed = Schedule { due: at(10), interval: Some(Duration::from_millis(20)), until: at(60) };
        assert_eq!(fixed.next(at(9)), None);
        assert_eq!(fixed.next(at(45)), Some(at(10)));
        assert_eq!(fixed.next(at(45)), Some(at(30)));
        assert_eq!((fixed.next(at(45)), fixed.next(at(55))), (None, Some(at(50))));
        assert_eq!((fixed.next(at(59)), fixed.due >= fixed.until), (None, true));

        let mut fast = Schedule { due: start, interval: None, until: at(60) };
        assert_eq!((fast.next(at(5)), fast.next(at(5)), fast.next(at(60))), (Some(at(5)), Some(at(5)), None));
    }
}

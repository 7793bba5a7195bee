//! Knowledge of a host about one edge node: its birth, those of its devices, and what it waits for. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::address::NodeId;
use super::birth::Birth;
use super::proto::{MetricValue, Payload};

/// MQTT keeps the order within a topic only, so a death may overtake the last data and the next birth.
pub const DEATH_DELAY: Duration = Duration::from_millis(250);
/// Time between two rebirth commands to one edge node: a birth is large, and every host gets it.
pub const REBIRTH_WINDOW: Duration = Duration::from_secs(10);
/// An edge node that sends no birth within this time after a rebirth command counts as dead.
pub const BIRTH_TIMEOUT: Duration = Duration::from_secs(10);
/// Sequence numbers are 0 to 255.
const SEQ_COUNT: u64 = 256;
/// Name of the metric that pairs a death with its birth.
const BD_SEQ: &str = "bdSeq";

/// When edge nodes were sent their last rebirth commands, over connections: a host that reconnects again and again must not
/// ask for births each time.
#[derive(Debug, Default)]
pub struct RebirthTimes(BTreeMap<NodeId, Instant>);

impl RebirthTimes {
    /// Notes a command.
    pub fn note(&mut self, node: &NodeId, now: Instant) {
        self.0.insert(node.clone(), now);
    }

    /// The commands that still count, and forgets the others.
    pub fn recent(&mut self, now: Instant) -> impl Iterator<Item = (&NodeId, Instant)> {
        self.0.retain(|_, sent_at| now.duration_since(*sent_at) < REBIRTH_WINDOW);
        self.0.iter().map(|(node, sent_at)| (node, *sent_at))
    }
}

/// State of one edge node on this connection.
#[derive(Debug, Default)]
pub struct EdgeNode {
    /// `None` before the first birth and after a death.
    pub birth: Option<Birth>,
    /// Whether its last birth could not be kept. Another one would be no better, so it is not asked for.
    pub is_refused: bool,
    /// `bdSeq` of the birth; `None` also where the birth has none.
    pub bd_seq: Option<u64>,
    /// Sequence number of the next message.
    pub next_seq: u64,
    pub devices: BTreeMap<Box<str>, EdgeDevice>,
    /// When the last rebirth command was sent.
    pub rebirth_sent_at: Option<Instant>,
    /// When to send the next one; `None` while the births are complete.
    pub rebirth_due: Option<Instant>,
    /// When the edge node counts as dead unless a birth comes.
    pub birth_deadline: Option<Instant>,
    /// The death that came and is not judged yet.
    pub delayed_death: Option<DelayedDeath>,
}

/// State of one device behind an edge node.
#[derive(Debug, Default)]
pub struct EdgeDevice {
    pub birth: Option<Birth>,
    /// As of an edge node.
    pub is_refused: bool,
    /// When the device counts as dead unless a birth comes.
    pub birth_deadline: Option<Instant>,
}

/// An NDEATH that is held back.
#[derive(Debug, Clone, Copy)]
pub struct DelayedDeath {
    pub due: Instant,
    pub bd_seq: Option<u64>,
}

/// Meaning of a death for the current birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathVerdict {
    /// It ends the birth.
    Current,
    /// It ended an earlier birth.
    Stale,
    /// It ended a birth that never arrived here, so the state of the edge node is unknown.
    Unknown,
}

impl EdgeNode {
    /// Takes the sequence number of a message. `false` after a gap: then messages are missing or came out of order.
    pub fn take_seq(&mut self, seq: Option<u64>) -> bool {
        let is_next = seq == Some(self.next_seq);
        self.set_seq(seq);
        is_next
    }

    /// Goes on after the message with this sequence number.
    pub fn set_seq(&mut self, seq: Option<u64>) {
        self.next_seq = seq.map_or(self.next_seq, |seq| seq % SEQ_COUNT) + 1;
        self.next_seq %= SEQ_COUNT;
    }

    /// Asks for a birth, at once or when the window since the last command is over. Returns when that is.
    pub fn want_rebirth(&mut self, now: Instant) -> Instant {
        let earliest = self.rebirth_sent_at.map_or(now, |sent| sent + REBIRTH_WINDOW);
        *self.rebirth_due.get_or_insert(earliest.max(now))
    }

    /// Judges a death by its `bdSeq`. The numbers go round, so those up to half a round back are the earlier ones.
    pub fn judge_death(&self, bd_seq: Option<u64>) -> DeathVerdict {
        match (self.bd_seq, bd_seq) {
            _ if self.birth.is_none() => DeathVerdict::Current,
            // Without numbers there is nothing to tell them apart by.
            (None, _) => DeathVerdict::Current,
            (Some(born), Some(died)) if born == died => DeathVerdict::Current,
            (Some(_), None) => DeathVerdict::Unknown,
            (Some(born), Some(died)) => {
                let back = born.wrapping_sub(died) % SEQ_COUNT;
                if back < SEQ_COUNT / 2 { DeathVerdict::Stale } else { DeathVerdict::Unknown }
            }
        }
    }

    /// The next moment at which something is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        let own = [self.rebirth_due, self.birth_deadline, self.delayed_death.map(|death| death.due)];
        let devices = self.devices.values().map(|device| device.birth_deadline);
        own.into_iter().chain(devices).flatten().min()
    }

    /// The memory that its births take, about.
    pub fn memory(&self) -> usize {
        let of = |birth: &Option<Birth>| birth.as_ref().map_or(0, Birth::memory);
        of(&self.birth) + self.devices.values().map(|device| of(&device.birth)).sum::<usize>()
    }
}

/// The number that pairs a death with its birth.
pub fn bd_seq(payload: &Payload) -> Option<u64> {
    let metric = payload.metrics.iter().find(|metric| metric.name.as_deref() == Some(BD_SEQ))?;
    match metric.value {
        Some(MetricValue::Int(number)) => Some(number.into()),
        Some(MetricValue::Long(number)) => Some(number),
        _ => None,
    }
}

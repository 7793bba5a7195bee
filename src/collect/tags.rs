//! What each polled stream said last, and so which of its answers are worth storing. Pure; no I/O.
//!
//! The rules: the first value and every change of quality are stored; an unchanged bad quality never is, so a
//! lost source leaves exactly one bad reading; a good value is stored when the stream has no deadband, when it
//! moved by at least the deadband, or when nothing was stored for the longest interval allowed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::value::Value;
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Micros, StreamId};

/// What a device answered for one stream: its raw value, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub stream: StreamId,
    pub ts: Micros,
    pub outcome: Result<Value, String>,
}

/// The polled streams of one device.
#[derive(Debug, Default)]
pub struct Tags {
    by_id: BTreeMap<StreamId, Tag>,
}

#[derive(Debug)]
struct Tag {
    stream: Arc<Stream>,
    stored: Stored,
    /// Time of the last reading stored; the next is later, whatever the clock does.
    ts: Option<Micros>,
    fault: Option<String>,
}

/// The last reading that the sink took.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stored {
    Nothing,
    Good(Value),
    Bad,
}

/// Readings to store, with what to remember once they are.
#[derive(Debug, Default)]
pub struct Offer {
    pub readings: Readings,
    marks: Vec<(StreamId, Micros, Stored)>,
}

/// A tag that began or ceased to fail, for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub stream: Arc<Stream>,
    /// `None` when it is in order again.
    pub fault: Option<String>,
}

impl Tags {
    /// Takes over the streams as they stand now. A stream that is still polled keeps its history, except that a
    /// stream now defined differently begins anew.
    pub fn reload(&mut self, streams: impl IntoIterator<Item = Arc<Stream>>) {
        let mut before = std::mem::take(&mut self.by_id);
        for stream in streams {
            let mut tag = before.remove(&stream.id).unwrap_or_else(|| Tag::new(Arc::clone(&stream)));
            if !is_same_source(&tag.stream, &stream) {
                tag.forget_value();
            }
            tag.stream = Arc::clone(&stream);
            self.by_id.insert(stream.id, tag);
        }
    }

    /// Collecting pauses: whatever comes next is a first value again.
    pub fn forget_values(&mut self) {
        self.by_id.values_mut().for_each(Tag::forget_value);
    }

    /// Scales the answers, notes which tags fail, and picks what is worth storing.
    pub fn judge(&mut self, answers: Vec<Answer>, longest: Duration) -> (Offer, Vec<Turn>) {
        let (mut offer, mut turns) = (Offer::default(), Vec::new());
        for Answer { stream, ts, outcome } in answers {
            let Some(tag) = self.by_id.get_mut(&stream) else { continue };
            let value = outcome.and_then(|raw| tag.scale(raw));
            turns.extend(tag.turn(value.as_ref().err()));
            offer.add(tag, ts, value.ok(), longest);
        }
        (offer, turns)
    }

    /// The source is lost: one bad reading for every stream that does not have it yet.
    pub fn lose(&mut self, at: Micros) -> Offer {
        let mut offer = Offer::default();
        for tag in self.by_id.values_mut() {
            tag.fault = None;
            offer.add(tag, at, None, Duration::MAX);
        }
        offer
    }

    /// The sink has taken the offer.
    pub fn commit(&mut self, offer: Offer) {
        for (id, ts, stored) in offer.marks {
            if let Some(tag) = self.by_id.get_mut(&id) {
                (tag.ts, tag.stored) = (Some(ts), stored);
            }
        }
    }

    /// The first failing tag and why, in words that name it.
    pub fn first_fault(&self) -> Option<String> {
        self.by_id.values().find_map(|tag| {
            let spec = &tag.stream.spec;
            tag.fault.as_ref().map(|fault| format!("`{}` ({}): {fault}", spec.name, spec.path))
        })
    }
}

impl Tag {
    fn new(stream: Arc<Stream>) -> Self {
        Self { stream, stored: Stored::Nothing, ts: None, fault: None }
    }

    /// A bad quality that is already stored stays known, so that it is not stored twice.
    fn forget_value(&mut self) {
        self.fault = None;
        if matches!(self.stored, Stored::Good(_)) {
            self.stored = Stored::Nothing;
        }
    }

    /// The value in engineering units; NaN and infinity are faults.
    fn scale(&self, raw: Value) -> Result<Value, String> {
        let value = raw.scaled(self.stream.spec.scale, self.stream.spec.offset);
        if value.to_f64().is_finite() { Ok(value) } else { Err(format!("the value is not a number ({raw})")) }
    }

    fn turn(&mut self, fault: Option<&String>) -> Option<Turn> {
        let has_turned = self.fault.is_some() != fault.is_some();
        self.fault = fault.cloned();
        has_turned.then(|| Turn { stream: Arc::clone(&self.stream), fault: self.fault.clone() })
    }

    fn is_worth_storing(&self, value: Option<Value>, ts: Micros, longest: Duration) -> bool {
        let (before, value) = match (self.stored, value) {
            (Stored::Good(before), Some(value)) => (before, value),
            (Stored::Bad, None) => return false,
            (Stored::Nothing | Stored::Bad, Some(_)) | (Stored::Nothing | Stored::Good(_), None) => {
                return true;
            }
        };
        let Some(deadband) = self.stream.spec.deadband else { return true };
        let longest_us = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        let is_overdue = self.ts.is_none_or(|last| ts.0.saturating_sub(last.0) >= longest_us);
        is_overdue || value.distance(before) >= deadband
    }
}

impl Offer {
    fn add(&mut self, tag: &Tag, at: Micros, value: Option<Value>, longest: Duration) {
        if !tag.is_worth_storing(value, at, longest) {
            return;
        }
        let id = tag.stream.id;
        // Strictly increasing also when the clock stands still or is set back.
        let ts = tag.ts.map_or(at, |last| at.max(Micros(last.0 + 1)));
        let good = value.and_then(|v| Some((v.to_reading(id, ts)?, Stored::Good(v))));
        let (reading, stored) = good.unwrap_or_else(|| (Reading::lost(id, ts), Stored::Bad));
        self.readings.push(reading);
        self.marks.push((id, ts, stored));
    }
}

/// Whether two versions of a stream read the same quantity.
fn is_same_source(a: &Stream, b: &Stream) -> bool {
    let (a, b) = (&a.spec, &b.spec);
    (&a.path, a.kind, a.byteorder, a.scale, a.offset) == (&b.path, b.kind, b.byteorder, b.scale, b.offset)
        && a.metadata == b.metadata
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;

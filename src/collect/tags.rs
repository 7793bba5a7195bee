//! What each polled stream said last, and so which of its answers are worth storing. Pure; no I/O.
//!
//! The rules: the first value and every change of quality are stored; an unchanged bad quality never is, so a
//! lost source leaves exactly one bad reading; a good value is stored when the stream has no deadband, when it
//! moved by at least the deadband, or when nothing was stored for the longest interval allowed.
//!
//! A reading has the time that its source says, where the source says one and it is new. A source that gives the time of
//! its last change says the same again with every poll: the same value of the same time is not stored twice. Another value
//! or quality of the same time, an older time, and everything bad take the time at which we were told, so that no
//! reading is written over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::content::{Content, Sample};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Micros, StreamId};

/// A source's time further ahead of the time we were told is not believed.
const AHEAD_US: i64 = 24 * 3600 * 1_000_000;

/// What a device answered for one stream: its raw value, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub stream: StreamId,
    /// When we were told.
    pub ts: Micros,
    pub outcome: Result<Sample, String>,
}

/// The polled streams of one device.
#[derive(Debug, Default)]
pub struct Tags {
    by_id: BTreeMap<StreamId, Tag>,
    /// The number of the offer being made.
    round: u64,
}

#[derive(Debug)]
struct Tag {
    stream: Arc<Stream>,
    stored: Stored,
    /// Time of the last reading stored; the next is later, whatever the clock does.
    ts: Option<Micros>,
    /// When we were told what was stored last.
    told: Option<Micros>,
    fault: Option<String>,
    /// The round that last offered something of it, and which mark it is there.
    offered: (u64, usize),
}

/// The last reading that the sink took.
#[derive(Debug, Clone, PartialEq)]
enum Stored {
    Nothing,
    Value(Sample),
    Bad,
}

/// Readings to store, with what to remember once they are.
#[derive(Debug, Default)]
pub struct Offer {
    pub readings: Readings,
    /// One for each reading, in their order.
    marks: Vec<Mark>,
    /// Its number.
    round: u64,
}

#[derive(Debug, Clone)]
struct Mark {
    stream: StreamId,
    ts: Micros,
    stored: Stored,
    /// When we were told; the reading may have the source's time.
    told: Micros,
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
        let (mut offer, mut turns) = (self.next_offer(answers.len()), Vec::new());
        for Answer { stream, ts, outcome } in answers {
            let Some(tag) = self.by_id.get_mut(&stream) else { continue };
            let sample = outcome.and_then(|raw| tag.scale(raw));
            turns.extend(tag.turn(sample.as_ref().err()));
            offer.add(tag, ts, sample.ok(), longest);
        }
        (offer, turns)
    }

    /// The source is lost: one bad reading for every stream that does not have it yet.
    pub fn lose(&mut self, at: Micros) -> Offer {
        let mut offer = self.next_offer(self.by_id.len());
        for tag in self.by_id.values_mut() {
            tag.fault = None;
            offer.add(tag, at, None, Duration::MAX);
        }
        offer
    }

    /// An empty one, with room for so many readings.
    fn next_offer(&mut self, room: usize) -> Offer {
        self.round += 1;
        Offer { readings: Readings::with_capacity(room), marks: Vec::with_capacity(room), round: self.round }
    }

    /// The sink has taken the offer.
    pub fn commit(&mut self, offer: Offer) {
        for Mark { stream, ts, stored, told } in offer.marks {
            if let Some(tag) = self.by_id.get_mut(&stream) {
                (tag.ts, tag.told, tag.stored) = (Some(ts), Some(told), stored);
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
        Self { stream, stored: Stored::Nothing, ts: None, told: None, fault: None, offered: (0, 0) }
    }

    /// A bad quality that is already stored stays known, so that it is not stored twice.
    fn forget_value(&mut self) {
        self.fault = None;
        if matches!(self.stored, Stored::Value(_)) {
            self.stored = Stored::Nothing;
        }
    }

    /// The value in engineering units; NaN and infinity are faults.
    fn scale(&self, raw: Sample) -> Result<Sample, String> {
        let content = raw.content.scaled(self.stream.spec.scale, self.stream.spec.offset);
        match &content {
            Content::Number(value) if !value.to_f64().is_finite() => {
                Err(format!("the value is not a number ({value})"))
            }
            Content::Number(_) | Content::Text(_) => Ok(Sample { content, ..raw }),
        }
    }

    fn turn(&mut self, fault: Option<&String>) -> Option<Turn> {
        let has_turned = self.fault.is_some() != fault.is_some();
        self.fault = fault.cloned();
        has_turned.then(|| Turn { stream: Arc::clone(&self.stream), fault: self.fault.clone() })
    }

    /// `last` is the reading before this one, stored or about to be.
    fn is_worth_storing(
        &self,
        last: Last<'_>,
        sample: Option<&Sample>,
        ts: Micros,
        longest: Duration,
    ) -> bool {
        let (before, sample) = match (last.stored, sample) {
            (Stored::Value(before), Some(sample)) => (before, sample),
            (Stored::Bad, None) => return false,
            (Stored::Nothing | Stored::Bad, Some(_)) | (Stored::Nothing | Stored::Value(_), None) => {
                return true;
            }
        };
        if before.quality != sample.quality {
            return true;
        }
        let longest_us = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        let is_overdue = last.told.is_none_or(|last| ts.0.saturating_sub(last.0) >= longest_us);
        let is_said_again = sample.source_time.is_some() && sample == before;
        match self.stream.spec.deadband {
            _ if is_overdue => true,
            _ if is_said_again => false,
            None => true,
            Some(deadband) => sample.content.distance(&before.content) >= deadband,
        }
    }
}

/// The latest reading of a stream.
#[derive(Clone, Copy)]
struct Last<'a> {
    ts: Option<Micros>,
    told: Option<Micros>,
    stored: &'a Stored,
}

impl Offer {
    fn add(&mut self, tag: &mut Tag, told: Micros, sample: Option<Sample>, longest: Duration) {
        let offered = self.marks.get(tag.offered.1).filter(|_| tag.offered.0 == self.round);
        let last = match offered {
            Some(mark) => Last { ts: Some(mark.ts), told: Some(mark.told), stored: &mark.stored },
            None => Last { ts: tag.ts, told: tag.told, stored: &tag.stored },
        };
        if !tag.is_worth_storing(last, sample.as_ref(), told, longest) {
            return;
        }
        let said = sample.as_ref().and_then(|sample| sample.source_time);
        let ts = said.filter(|said| is_new(*said, last.ts, told)).unwrap_or_else(|| after(last.ts, told));
        tag.offered = (self.round, self.marks.len());
        let good = sample.and_then(|sample| {
            let reading = sample.content.to_reading(tag.stream.id, ts, sample.quality)?;
            Some((reading, Stored::Value(sample)))
        });
        let (reading, stored) = good.unwrap_or_else(|| (Reading::lost(tag.stream.id, ts), Stored::Bad));
        self.marks.push(Mark { stream: tag.stream.id, ts, stored, told });
        self.readings.push(reading);
    }

    /// Two offers that are this one, the older readings first.
    pub fn halves(mut self) -> (Offer, Offer) {
        let late = self.marks.split_off(self.marks.len() / 2);
        let mut readings = self.readings.iter();
        let mut part = |marks: Vec<Mark>| {
            let mut part = Offer { readings: Readings::with_capacity(marks.len()), marks, round: self.round };
            readings.by_ref().take(part.marks.len()).for_each(|reading| part.readings.push(reading));
            part
        };
        (part(self.marks), part(late))
    }

    /// The same with the times at which we were told instead of the source's; `None` when it has them.
    pub fn at_told_times(self) -> Option<Offer> {
        if self.marks.iter().all(|mark| mark.ts >= mark.told) {
            return None;
        }
        let mut offer = Offer::default();
        for (mark, reading) in self.marks.into_iter().zip(self.readings.iter()) {
            let ts = mark.ts.max(mark.told);
            offer.readings.push(Reading { ts, ..reading });
            offer.marks.push(Mark { ts, ..mark });
        }
        Some(offer)
    }
}

/// Whether a source's time is one that a reading may have: later than the last, and not far ahead.
fn is_new(said: Micros, last: Option<Micros>, told: Micros) -> bool {
    last.is_none_or(|last| said > last) && said.0 <= told.0.saturating_add(AHEAD_US)
}

/// The time we were told, or just after the last: strictly increasing also when the clock stands still or is set back.
fn after(last: Option<Micros>, told: Micros) -> Micros {
    last.map_or(told, |last| told.max(Micros(last.0 + 1)))
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

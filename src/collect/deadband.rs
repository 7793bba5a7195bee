//! Change detection: remembers the last reading of each polled stream and decides which results are stored. Pure; no
//! I/O.
//!
//! The rules: the first value and every change of quality are stored; an unchanged bad quality never is, so a lost
//! source leaves exactly one bad reading; a good value is stored when the stream has no deadband, when it moved by at
//! least the deadband, or when nothing was stored for the longest interval allowed.
//!
//! A reading has the source's timestamp where the source gives one and it is new. A source that gives the time of its
//! last change repeats it with every poll: the same value with the same time is not stored twice. Another value or
//! quality with the same time, an older time, and every bad reading get the time of receipt, so that no reading is
//! overwritten.
//!
//! A historical value is stored at its own time, whatever the deadband is, and changes nothing for the values after it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::device_value::{DeviceValue, Sample};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Micros, StreamId};

/// A source time further ahead of the time of receipt is not believed.
const MAX_SOURCE_TIME_AHEAD_US: i64 = 24 * 3600 * 1_000_000;

/// Result of a poll for one stream: its raw value, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct PollResult {
    pub stream: StreamId,
    /// Time of receipt.
    pub ts: Micros,
    pub outcome: Result<Sample, String>,
}

/// Deadband state of the polled streams of one device.
#[derive(Debug, Default)]
pub struct DeadbandFilter {
    by_id: BTreeMap<StreamId, StreamState>,
    /// Number of the `PendingReadings` being built.
    round: u64,
}

#[derive(Debug)]
struct StreamState {
    stream: Arc<Stream>,
    stored: LastStored,
    /// Time of the last stored reading; the next one is later, whatever the clock does.
    ts: Option<Micros>,
    /// Time of receipt of the last stored reading.
    received_at: Option<Micros>,
    fault: Option<String>,
    /// Round that last added a reading of this stream, and the index of its mark there.
    pending_mark: (u64, usize),
}

/// The last reading that the sink accepted.
#[derive(Debug, Clone, PartialEq)]
enum LastStored {
    Nothing,
    Value(Sample),
    Bad,
}

/// Readings to store, with the state to commit once they are stored.
#[derive(Debug, Default)]
pub struct PendingReadings {
    pub readings: Readings,
    /// One for each reading, in the same order.
    marks: Vec<PendingMark>,
    /// Number of this round.
    round: u64,
}

#[derive(Debug, Clone)]
struct PendingMark {
    stream: StreamId,
    ts: Micros,
    stored: LastStored,
    /// Time of receipt; the reading may have the source's time.
    received_at: Micros,
    /// Whether the stream's last reading stays what it was.
    is_historical: bool,
}

/// A stream that began or ceased to fail, for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultTransition {
    pub stream: Arc<Stream>,
    /// `None` when the stream has recovered.
    pub fault: Option<String>,
}

impl DeadbandFilter {
    /// Replaces the polled streams. A stream that is still polled keeps its history, unless it is now defined
    /// differently.
    pub fn reload(&mut self, streams: impl IntoIterator<Item = Arc<Stream>>) {
        let mut before = std::mem::take(&mut self.by_id);
        for stream in streams {
            let mut tag = before.remove(&stream.id).unwrap_or_else(|| StreamState::new(Arc::clone(&stream)));
            if !is_same_source(&tag.stream, &stream) {
                tag.forget_value();
            }
            tag.stream = Arc::clone(&stream);
            self.by_id.insert(stream.id, tag);
        }
    }

    /// Collecting pauses: the next value of every stream counts as its first.
    pub fn forget_values(&mut self) {
        self.by_id.values_mut().for_each(StreamState::forget_value);
    }

    /// Scales the results, tracks which streams fail, and selects the readings to store.
    pub fn evaluate(
        &mut self,
        answers: Vec<PollResult>,
        longest: Duration,
    ) -> (PendingReadings, Vec<FaultTransition>) {
        let (mut offer, mut transitions) = (self.begin_pending(answers.len()), Vec::new());
        for PollResult { stream, ts, outcome } in answers {
            let Some(tag) = self.by_id.get_mut(&stream) else { continue };
            let is_historical = outcome.as_ref().is_ok_and(|raw| raw.is_historical);
            let sample = outcome.and_then(|raw| tag.scale(raw));
            if is_historical {
                offer.add_historical(tag, ts, sample.ok());
                continue;
            }
            transitions.extend(tag.update_fault(sample.as_ref().err()));
            offer.add(tag, ts, sample.ok(), longest);
        }
        (offer, transitions)
    }

    /// The source is lost: returns one bad reading for every stream whose last one is not bad already.
    pub fn mark_lost(&mut self, at: Micros) -> PendingReadings {
        let mut offer = self.begin_pending(self.by_id.len());
        for tag in self.by_id.values_mut() {
            tag.fault = None;
            offer.add(tag, at, None, Duration::MAX);
        }
        offer
    }

    /// Starts a new round with room for `room` readings.
    fn begin_pending(&mut self, room: usize) -> PendingReadings {
        self.round += 1;
        PendingReadings {
            readings: Readings::with_capacity(room),
            marks: Vec::with_capacity(room),
            round: self.round,
        }
    }

    /// Remembers the readings as stored; call it once the sink has accepted them.
    pub fn commit(&mut self, offer: PendingReadings) {
        for PendingMark { stream, ts, stored, received_at, is_historical } in offer.marks {
            if let Some(tag) = self.by_id.get_mut(&stream).filter(|_| !is_historical) {
                (tag.ts, tag.received_at, tag.stored) = (Some(ts), Some(received_at), stored);
            }
        }
    }

    /// The first failing stream with its name, path and fault.
    pub fn first_fault(&self) -> Option<String> {
        self.by_id.values().find_map(|tag| {
            let spec = &tag.stream.spec;
            tag.fault.as_ref().map(|fault| format!("`{}` ({}): {fault}", spec.name, spec.path))
        })
    }
}

impl StreamState {
    fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            stored: LastStored::Nothing,
            ts: None,
            received_at: None,
            fault: None,
            pending_mark: (0, 0),
        }
    }

    /// A stored bad quality is remembered, so that it is not stored twice.
    fn forget_value(&mut self) {
        self.fault = None;
        if matches!(self.stored, LastStored::Value(_)) {
            self.stored = LastStored::Nothing;
        }
    }

    /// Returns the value in engineering units; NaN and infinity are faults.
    fn scale(&self, raw: Sample) -> Result<Sample, String> {
        let content = raw.value.scaled(self.stream.spec.scale, self.stream.spec.offset);
        match &content {
            DeviceValue::Number(value) if !value.to_f64().is_finite() => {
                Err(format!("the value is not a number ({value})"))
            }
            DeviceValue::Number(_) | DeviceValue::Text(_) => Ok(Sample { value: content, ..raw }),
        }
    }

    fn update_fault(&mut self, fault: Option<&String>) -> Option<FaultTransition> {
        let has_turned = self.fault.is_some() != fault.is_some();
        self.fault = fault.cloned();
        has_turned.then(|| FaultTransition { stream: Arc::clone(&self.stream), fault: self.fault.clone() })
    }

    /// `last` is the reading before this one, stored or about to be.
    fn is_worth_storing(
        &self,
        last: LastReading<'_>,
        sample: Option<&Sample>,
        ts: Micros,
        longest: Duration,
    ) -> bool {
        let (before, sample) = match (last.stored, sample) {
            (LastStored::Value(before), Some(sample)) => (before, sample),
            (LastStored::Bad, None) => return false,
            (LastStored::Nothing | LastStored::Bad, Some(_))
            | (LastStored::Nothing | LastStored::Value(_), None) => {
                return true;
            }
        };
        if before.quality != sample.quality {
            return true;
        }
        let longest_us = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        let is_overdue = last.received_at.is_none_or(|last| ts.0.saturating_sub(last.0) >= longest_us);
        let is_said_again = sample.source_time.is_some() && sample == before;
        match self.stream.spec.deadband {
            _ if is_overdue => true,
            _ if is_said_again => false,
            None => true,
            Some(deadband) => sample.value.distance(&before.value) >= deadband,
        }
    }
}

/// The latest reading of a stream.
#[derive(Clone, Copy)]
struct LastReading<'a> {
    ts: Option<Micros>,
    received_at: Option<Micros>,
    stored: &'a LastStored,
}

impl PendingReadings {
    fn add(&mut self, tag: &mut StreamState, received_at: Micros, sample: Option<Sample>, longest: Duration) {
        let offered = self.marks.get(tag.pending_mark.1).filter(|_| tag.pending_mark.0 == self.round);
        let last = match offered {
            Some(mark) => {
                LastReading { ts: Some(mark.ts), received_at: Some(mark.received_at), stored: &mark.stored }
            }
            None => LastReading { ts: tag.ts, received_at: tag.received_at, stored: &tag.stored },
        };
        if !tag.is_worth_storing(last, sample.as_ref(), received_at, longest) {
            return;
        }
        let source_time = sample.as_ref().and_then(|sample| sample.source_time);
        let ts = source_time
            .filter(|source_time| is_new(*source_time, last.ts, received_at))
            .unwrap_or_else(|| after(last.ts, received_at));
        tag.pending_mark = (self.round, self.marks.len());
        let good = sample.and_then(|sample| {
            let reading = sample.value.to_reading(tag.stream.id, ts, sample.quality)?;
            Some((reading, LastStored::Value(sample)))
        });
        let (reading, stored) = good.unwrap_or_else(|| (Reading::lost(tag.stream.id, ts), LastStored::Bad));
        self.marks.push(PendingMark { stream: tag.stream.id, ts, stored, received_at, is_historical: false });
        self.readings.push(reading);
    }

    /// Adds a value of the past at its own time. One without a time, or from the future, is left out: it is not known
    /// when it was.
    fn add_historical(&mut self, tag: &StreamState, received_at: Micros, sample: Option<Sample>) {
        let Some(sample) = sample else { return };
        let Some(ts) = sample.source_time.filter(|time| is_new(*time, None, received_at)) else { return };
        let Some(reading) = sample.value.to_reading(tag.stream.id, ts, sample.quality) else { return };
        let stored = LastStored::Value(sample);
        self.marks.push(PendingMark { stream: tag.stream.id, ts, stored, received_at, is_historical: true });
        self.readings.push(reading);
    }

    /// Splits the readings into two halves, the older ones first.
    pub fn halves(mut self) -> (PendingReadings, PendingReadings) {
        let late = self.marks.split_off(self.marks.len() / 2);
        let mut readings = self.readings.iter();
        let mut part = |marks: Vec<PendingMark>| {
            let mut part =
                PendingReadings { readings: Readings::with_capacity(marks.len()), marks, round: self.round };
            readings.by_ref().take(part.marks.len()).for_each(|reading| part.readings.push(reading));
            part
        };
        (part(self.marks), part(late))
    }

    /// Moves readings with an earlier source time to their time of receipt, except for historical ones; `None` when
    /// there are none.
    pub fn with_received_times(self) -> Option<PendingReadings> {
        if self.marks.iter().all(|mark| mark.is_historical || mark.ts >= mark.received_at) {
            return None;
        }
        let mut offer = PendingReadings::default();
        for (mark, reading) in self.marks.into_iter().zip(self.readings.iter()) {
            let ts = if mark.is_historical { mark.ts } else { mark.ts.max(mark.received_at) };
            offer.readings.push(Reading { ts, ..reading });
            offer.marks.push(PendingMark { ts, ..mark });
        }
        Some(offer)
    }
}

/// Whether a source time is acceptable for a reading: later than the last, and not far ahead.
fn is_new(source_time: Micros, last: Option<Micros>, received_at: Micros) -> bool {
    last.is_none_or(|last| source_time > last)
        && source_time.0 <= received_at.0.saturating_add(MAX_SOURCE_TIME_AHEAD_US)
}

/// The time of receipt, or just after the last reading: strictly increasing also when the clock stands still or is
/// set back.
fn after(last: Option<Micros>, received_at: Micros) -> Micros {
    last.map_or(received_at, |last| received_at.max(Micros(last.0 + 1)))
}

/// Whether two versions of a stream read the same quantity.
fn is_same_source(a: &Stream, b: &Stream) -> bool {
    let (a, b) = (&a.spec, &b.spec);
    (&a.path, a.kind, a.byteorder, a.scale, a.offset) == (&b.path, b.kind, b.byteorder, b.scale, b.offset)
        && a.metadata == b.metadata
}

#[cfg(test)]
#[path = "deadband_tests.rs"]
mod tests;

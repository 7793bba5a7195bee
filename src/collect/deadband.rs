//! Change detection: remembers the last reading of each polled stream and decides which results are stored. Pure; no
//! I/O.
//!
//! The rules: the first value and every change of quality are stored; an unchanged bad quality never is, so a lost
//! source leaves exactly one bad reading; a good value is stored when the stream has no deadband, when it moved by at
//! least the deadband, or when nothing was stored for the longest interval allowed.
//!
//! A reading has the source's timestamp where the source gives one, it is new and it is believed. A source that gives the
//! time of its last change repeats it with every poll: the same value with the same time is not stored twice, also over a
//! restart, since what the store has of a stream is recalled. Another value or quality with the same time, an older time,
//! and every bad reading get the time of receipt, so that no reading is overwritten (`reading_time`). A value whose time
//! is that of a wrong clock (`source_clock`) gets it too, and is uncertain.
//!
//! A historical value is stored at its own time, whatever the deadband is, and changes nothing for the values after it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::device_value::{DeviceValue, Sample};
use super::reading_time::ReadingTime;
use super::source_clock::{SourceClock, SourceTime};
use super::stored_state::{LastStored, LiveValue, RecalledReading, StoredState, StoringInterval};
use crate::domain::arrival::AheadBound;
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Micros, StreamId};

/// A value of the past whose time is further ahead of its receipt has no place. One that is less ahead is stored as it
/// was sent: it is not the current one, and several of them would be lost at one time of receipt.
const MAX_HISTORICAL_AHEAD_US: i64 = 24 * 3600 * 1_000_000;

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
    /// How far a time may be ahead of the clock.
    bound: AheadBound,
    source_clock: SourceClock,
    /// Number of the `PendingReadings` being built.
    round: u64,
}

#[derive(Debug)]
struct StreamState {
    stream: Arc<Stream>,
    last: StoredState,
    /// The reading that the store has from before the start, until one is stored.
    recalled: Option<RecalledReading>,
    /// Time of the source's last value, stored or not, with its time of receipt.
    told: Option<(Micros, Micros)>,
    fault: Option<String>,
    /// Round that last added a reading of this stream, and the index of its mark there.
    pending_mark: (u64, usize),
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
    /// Time of the reading.
    ts: Micros,
    /// Whether the stream's last reading stays what it was.
    is_historical: bool,
    state: StoredState,
}

impl PendingMark {
    /// The reading's time, moved to that of its receipt where it is earlier and not historical.
    fn received_ts(&self) -> Micros {
        let received = self.state.time.filter(|_| !self.is_historical).map(ReadingTime::of_receipt);
        received.map_or(self.ts, |received| received.max(self.ts))
    }
}

/// A stream that began or ceased to fail, for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultTransition {
    pub stream: Arc<Stream>,
    /// `None` when the stream has recovered.
    pub fault: Option<String>,
}

impl DeadbandFilter {
    /// No streams yet. A time may be `bound` ahead of the clock.
    pub fn new(bound: AheadBound) -> DeadbandFilter {
        DeadbandFilter { bound, source_clock: SourceClock::new(bound), ..DeadbandFilter::default() }
    }

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

    /// The streams that nothing was stored of since they are polled.
    pub fn unknown_streams(&self) -> Vec<StreamId> {
        let is_unknown = |tag: &&StreamState| tag.last.time.is_none();
        self.by_id.values().filter(is_unknown).map(|tag| tag.stream.id).collect()
    }

    /// Learns the last readings that the store has of streams.
    pub fn recall(&mut self, readings: Vec<Reading>, now: Micros) {
        for reading in readings {
            if let Some(tag) = self.by_id.get_mut(&reading.stream).filter(|tag| tag.last.time.is_none()) {
                tag.last.time = Some(ReadingTime::recalled(reading.ts));
                tag.recalled = Some(RecalledReading { reading, at: now });
            }
        }
    }

    /// How far the clock of the device is ahead, seconds, negative behind; `None` unless it is off.
    pub fn clock_offset_s(&self) -> Option<f64> {
        self.source_clock.offset_s()
    }

    /// Another device is polled from now on.
    pub fn forget_clock(&mut self) {
        self.source_clock.forget();
    }

    /// Collecting pauses: the next value of every stream counts as its first.
    pub fn forget_values(&mut self) {
        self.source_clock.forget();
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
            let is_doubted =
                sample.as_ref().is_ok_and(|sample| !tag.believes(sample, ts, &mut self.source_clock));
            let value = LiveValue { received_at: ts, sample: sample.ok(), is_doubted };
            offer.add(tag, value, longest, self.bound);
        }
        (offer, transitions)
    }

    /// The source is lost: returns one bad reading for every stream whose last one is not bad already.
    pub fn mark_lost(&mut self, at: Micros) -> PendingReadings {
        let mut offer = self.begin_pending(self.by_id.len());
        for tag in self.by_id.values_mut() {
            tag.fault = None;
            let value = LiveValue { received_at: at, sample: None, is_doubted: false };
            offer.add(tag, value, Duration::MAX, self.bound);
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
        for PendingMark { stream, ts, state, is_historical, .. } in offer.marks {
            if let Some(tag) = self.by_id.get_mut(&stream).filter(|_| !is_historical) {
                let time = state.time.map(|time| time.with_ts(ts));
                (tag.last, tag.recalled) = (StoredState { time, ..state }, None);
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
            last: StoredState::nothing(),
            recalled: None,
            told: None,
            fault: None,
            pending_mark: (0, 0),
        }
    }

    /// A stored bad quality is remembered, so that it is not stored twice.
    fn forget_value(&mut self) {
        self.fault = None;
        (self.recalled, self.told) = (None, None);
        if matches!(self.last.content, LastStored::Value(_)) {
            self.last.content = LastStored::Nothing;
        }
    }

    /// Whether the time of a value is believed; the clock of its device is judged by it.
    fn believes(&mut self, sample: &Sample, received_at: Micros, clock: &mut SourceClock) -> bool {
        let Some(time) = sample.source_time else { return true };
        let before = self.told.replace((time, received_at));
        clock.observe(SourceTime { time, received_at, before })
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
}

impl PendingReadings {
    fn add(&mut self, tag: &mut StreamState, mut value: LiveValue, longest: Duration, bound: AheadBound) {
        let offered = self.marks.get(tag.pending_mark.1).filter(|_| tag.pending_mark.0 == self.round);
        let last = offered.map_or(&tag.last, |mark| &mark.state);
        let interval = StoringInterval { deadband: tag.stream.spec.deadband, longest };
        let is_recalled = tag.recalled.as_ref().is_some_and(|known| known.is_said_again(&value, longest));
        if is_recalled && offered.is_none() || !last.is_followed_by(&value, interval, bound) {
            return;
        }
        value.is_doubted |= last.is_doubted && value.sample.as_ref().is_some_and(|sample| last.is_of(sample));
        let source_time = value.sample.as_ref().and_then(|sample| sample.source_time);
        let source_time = source_time.filter(|_| !value.is_doubted);
        let time = ReadingTime::next(last.time, value.received_at, source_time, bound);
        tag.pending_mark = (self.round, self.marks.len());
        let stored = value
            .sample
            .as_ref()
            .and_then(|sample| sample.value.to_reading(tag.stream.id, time.ts, value.quality(sample)));
        let (reading, content) = match (stored, value.sample) {
            (Some(reading), Some(sample)) => (reading, LastStored::Value(sample)),
            _ => (Reading::lost(tag.stream.id, time.ts), LastStored::Bad),
        };
        let state = StoredState { content, time: Some(time), is_doubted: value.is_doubted };
        let (stream, ts) = (tag.stream.id, time.ts);
        self.marks.push(PendingMark { stream, ts, state, is_historical: false });
        self.readings.push(reading);
    }

    /// Adds a value of the past at its own time. One without a time, or from the future, is left out: it is not known
    /// when it was.
    fn add_historical(&mut self, tag: &StreamState, received_at: Micros, sample: Option<Sample>) {
        let Some(sample) = sample else { return };
        let latest = Micros(received_at.0.saturating_add(MAX_HISTORICAL_AHEAD_US));
        let Some(ts) = sample.source_time.filter(|time| *time <= latest) else { return };
        let Some(reading) = sample.value.to_reading(tag.stream.id, ts, sample.quality) else { return };
        let (stream, state) = (tag.stream.id, tag.last.clone());
        self.marks.push(PendingMark { stream, ts, state, is_historical: true });
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
        if self.marks.iter().all(|mark| mark.ts == mark.received_ts()) {
            return None;
        }
        let mut offer = PendingReadings::default();
        for (mark, reading) in self.marks.into_iter().zip(self.readings.iter()) {
            let ts = mark.received_ts();
            offer.readings.push(Reading { ts, ..reading });
            offer.marks.push(PendingMark { ts, ..mark });
        }
        Some(offer)
    }
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

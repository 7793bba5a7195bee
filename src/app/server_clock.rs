//! Events about the server's own clock: that it was set, and that retention does not believe it or believes it again.
//!
//! They are events of the default organization, whose people look after the machine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::core_parts::CoreParts;
use super::event::Events;
use crate::domain::arrival::AheadBound;
use crate::domain::clock_trust::{ClockReading, step};
use crate::domain::event::{EventSource, EventSpec, Level};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Micros, Principal, Result};
use crate::store::Store;

/// Kind of the events, as of those about the clocks of devices.
const KIND: &str = "clock";
/// Time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Changes that wait to be stored. Of more, the oldest are left out.
const MAX_PENDING: usize = 16;

/// A change of the clock that is worth an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockChange {
    /// It was set by so many microseconds, or the machine slept.
    Set(i64),
    /// It is so many microseconds ahead of the time expected, and retention does not believe it.
    Doubted(i64),
    /// Retention believes it again.
    Believed,
}

/// Watch over the clock: its last reading, and the changes whose events wait.
#[derive(Debug, Default)]
pub struct ServerClockWatch {
    last: Option<ClockReading>,
    is_doubted: bool,
    /// Changes whose events are not stored yet.
    pending: VecDeque<(Micros, ClockChange)>,
}

impl ServerClockWatch {
    /// Takes note of the clock, which retention finds ahead by `ahead_us`, or by 0 where it believes it. A step within the bound
    /// is none: clocks are corrected all the time.
    fn look(&mut self, reading: ClockReading, ahead_us: i64, bound: AheadBound) {
        let set_by = self.last.map_or(0, |last| step(last, reading));
        self.last = Some(reading);
        let was_doubted = std::mem::replace(&mut self.is_doubted, ahead_us > 0);
        let step_us = i64::try_from(set_by.unsigned_abs()).unwrap_or(i64::MAX);
        if bound.is_ahead(Micros(step_us), Micros(0)) {
            self.note(reading.now, ClockChange::Set(set_by));
        }
        match (was_doubted, self.is_doubted) {
            (false, true) => self.note(reading.now, ClockChange::Doubted(ahead_us)),
            (true, false) => self.note(reading.now, ClockChange::Believed),
            _ => {}
        }
    }

    fn note(&mut self, at: Micros, change: ClockChange) {
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back((at, change));
    }
}

/// Events about the server's own clock.
pub struct ServerClock {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    events: Arc<Events>,
}

impl ServerClock {
    pub(super) fn new(parts: &CoreParts, events: Arc<Events>) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), events }
    }

    /// Writes an event when the server's clock is set by more than `ingest.max_ahead_live`, and when retention stops or begins
    /// to believe it, until `stop`. What cannot be stored is tried again.
    pub async fn run_server_clock(self: Arc<Self>, stop: CancellationToken) {
        let mut watch = ServerClockWatch::default();
        while !stop.is_cancelled() {
            self.look_at_server_clock(&mut watch).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    /// Looks at the clock once, and stores the events that are due.
    pub async fn look_at_server_clock(&self, watch: &mut ServerClockWatch) {
        let reading = ClockReading::read(&*self.clock);
        watch.look(reading, self.store.catalog().retention.clock_ahead_us(), self.store.ahead_bound());
        while let Some((at, change)) = watch.pending.front().copied() {
            if let Err(error) = self.record_server_clock(at, change).await {
                let error = error.full_message();
                tracing::warn!(error, "the event about the server's clock was not stored; it is tried again");
                return;
            }
            watch.pending.pop_front();
        }
    }

    async fn record_server_clock(&self, at: Micros, change: ClockChange) -> Result<()> {
        let (level, message, payload) = describe(change);
        let spec =
            EventSpec { ts: at, kind: KIND.to_owned(), level, message, payload, ..self.events.blank_event() };
        let who = Principal::system(self.store.catalog().orgs.default_org());
        self.store.catalog().events.create_event_of(&who, EventSource::System, spec).await.map(drop)
    }
}

/// Returns level, text and payload of an event. Of the payload, `step` says by how much the clock was set, and `ahead` how far
/// it is ahead of the time expected, seconds.
fn describe(change: ClockChange) -> (Level, String, Map<String, Value>) {
    let seconds = |us: i64| us as f64 / MICROS_PER_SECOND as f64;
    let (level, message, payload) = match change {
        ClockChange::Set(by) => {
            let (count, side) = (seconds(by).abs(), if by < 0 { "back" } else { "ahead" });
            let message = format!("The server's clock was set {side} by {count:.0} s, or the machine slept.");
            (Level::Warning, message, json!({"step": seconds(by)}))
        }
        ClockChange::Doubted(by) => {
            let message = format!(
                "The server's clock is {:.0} s ahead of the time expected: retention removes nothing until it is right, \
                 is confirmed or has stayed so for a day.",
                seconds(by)
            );
            (Level::Warning, message, json!({"ahead": seconds(by)}))
        }
        ClockChange::Believed => {
            (Level::Info, "The server's clock is believed again.".to_owned(), json!({"ahead": 0.0}))
        }
    };
    (level, message, payload.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(now_s: i64, monotonic_s: i64) -> ClockReading {
        let second = |at: i64| Micros(at * MICROS_PER_SECOND);
        ClockReading { now: second(now_s), monotonic: second(monotonic_s) }
    }

    #[test]
    fn a_step_beyond_the_bound_is_noted_and_time_that_passes_is_not() {
        let rows: [(i64, i64, Option<i64>); 6] = [
            (1, 1, None),
            (60, 0, None),
            (61, 0, Some(61)),
            (3600, 3600, None),
            (-61, 0, Some(-61)),
            (400 * 86_400, 5, Some(400 * 86_400 - 5)),
        ];
        for (by_s, passed_s, expected) in rows {
            let mut watch = ServerClockWatch::default();
            watch.look(reading(1_000_000, 100), 0, AheadBound::default());
            assert!(watch.pending.is_empty(), "the first look");
            watch.look(reading(1_000_000 + by_s, 100 + passed_s), 0, AheadBound::default());
            let noted = watch.pending.pop_front().map(|(_, change)| change);
            assert_eq!(
                noted,
                expected.map(|s| ClockChange::Set(s * MICROS_PER_SECOND)),
                "{by_s}, {passed_s}"
            );
        }
    }

    #[test]
    fn doubt_is_noted_when_it_begins_and_when_it_ends() {
        let mut watch = ServerClockWatch::default();
        for (at, ahead_us) in [(1, 0), (2, 7), (3, 8), (4, 0), (5, 0)] {
            watch.look(reading(at, at), ahead_us, AheadBound::default());
        }
        let noted: Vec<_> = watch.pending.iter().map(|(_, change)| *change).collect();
        assert_eq!(noted, [ClockChange::Doubted(7), ClockChange::Believed]);
    }

    #[test]
    fn of_many_changes_that_cannot_be_stored_the_last_are_kept() {
        let mut watch = ServerClockWatch::default();
        for nth in 0..100 {
            watch.look(reading(nth * 1000, nth), 0, AheadBound::default());
        }
        assert_eq!(watch.pending.len(), MAX_PENDING);
        assert_eq!(watch.pending.back().map(|(at, _)| at.0), Some(99_000 * MICROS_PER_SECOND));
    }
}

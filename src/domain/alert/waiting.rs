//! Readings whose time is ahead of the clock, which a rule evaluates once their time has come. Pure.
//!
//! A rule keeps at most [`MAX_WAITING`] of them, spread over their times: a device whose clock is ahead sends many, and one
//! reading of next year must not take the place of those of the next minutes. They are kept as what the rule compares, so
//! that a long text takes no memory.

use serde_json::Value;

use super::window::take;
use crate::domain::Micros;
use crate::domain::arrival::has_come;

/// Most readings of a rule that wait for their time.
pub const MAX_WAITING: usize = 16;
/// Most bytes of the stored form of a value: a text that an alert shows, each character escaped.
const MAX_VALUE_BYTES: usize = 16_384;
const VERDICT: u8 = 1;
const NUMBER: u8 = 0;

/// A reading that waits for its time.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingReading {
    /// Its time.
    pub ts: Micros,
    /// Meaning for the rule then.
    pub content: WaitingContent,
}

/// Meaning of a reading that waits for a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum WaitingContent {
    /// The value was compared already: what raises an alert, `None` when the condition does not hold.
    Verdict(Option<Value>),
    /// It enters the window of the rule.
    Number(f64),
}

/// The readings of a rule that wait, the earliest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WaitingReadings {
    readings: Vec<WaitingReading>,
}

impl WaitingReadings {
    /// Adds a reading; of one time the last that arrived counts. Of too many, the one that is closest to its neighbours goes,
    /// but never the first.
    pub fn add(&mut self, reading: WaitingReading) {
        let at = self.readings.partition_point(|other| other.ts < reading.ts);
        match self.readings.get_mut(at) {
            Some(same) if same.ts == reading.ts => *same = reading,
            _ => self.readings.insert(at, reading),
        }
        if self.readings.len() > MAX_WAITING {
            let between = self.readings.windows(3).enumerate();
            let closest = between.min_by_key(|(_, three)| span(three)).map(|(at, _)| at + 1);
            self.readings.remove(closest.unwrap_or(MAX_WAITING));
        }
    }

    /// Takes away the reading of a time, because another of that time has arrived.
    pub fn remove(&mut self, ts: Micros) {
        self.readings.retain(|other| other.ts != ts);
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty()
    }

    /// Takes the earliest reading if its time has come.
    pub fn take_due(&mut self, now: Micros) -> Option<WaitingReading> {
        let is_due = self.readings.first().is_some_and(|first| has_come(first.ts, now));
        is_due.then(|| self.readings.remove(0))
    }

    /// Appends the stored form: the number of readings, then each as its time, its kind and its content.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        // At most MAX_WAITING.
        out.push(self.readings.len() as u8);
        for WaitingReading { ts, content } in &self.readings {
            out.extend(ts.0.to_le_bytes());
            match content {
                WaitingContent::Number(number) => {
                    out.push(NUMBER);
                    out.extend(number.to_le_bytes());
                }
                WaitingContent::Verdict(value) => {
                    out.push(VERDICT);
                    let text = value.as_ref().map(Value::to_string).unwrap_or_default();
                    out.extend((text.len() as u32).to_le_bytes());
                    out.extend(text.as_bytes());
                }
            }
        }
    }

    /// Reads the stored form from the front of `rest`; `None` for anything else.
    pub(super) fn decode(rest: &mut &[u8]) -> Option<WaitingReadings> {
        let [number] = take(rest)?;
        if usize::from(number) > MAX_WAITING {
            return None;
        }
        let mut readings: Vec<WaitingReading> = Vec::with_capacity(usize::from(number));
        for _ in 0..number {
            let ts = Micros(i64::from_le_bytes(take(rest)?));
            let content = match take(rest)? {
                [NUMBER] => WaitingContent::Number(f64::from_le_bytes(take(rest)?)),
                [VERDICT] => WaitingContent::Verdict(decode_value(rest)?),
                _ => return None,
            };
            if readings.last().is_some_and(|before| before.ts >= ts) {
                return None;
            }
            readings.push(WaitingReading { ts, content });
        }
        Some(WaitingReadings { readings })
    }
}

/// How far the ends of neighbours are apart.
fn span(neighbours: &[WaitingReading]) -> i64 {
    let ends = neighbours.first().zip(neighbours.last());
    ends.map_or(i64::MAX, |(first, last)| last.ts.0.saturating_sub(first.ts.0))
}

fn decode_value(rest: &mut &[u8]) -> Option<Option<Value>> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    if length > MAX_VALUE_BYTES {
        return None;
    }
    let (text, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    if text.is_empty() { Some(None) } else { serde_json::from_slice(text).ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(ts: i64) -> WaitingReading {
        WaitingReading { ts: Micros(ts), content: WaitingContent::Number(ts as f64) }
    }

    #[test]
    fn a_year_ahead_does_not_take_the_place_of_the_next_minutes() {
        let mut waiting = WaitingReadings::default();
        waiting.add(number(1_000_000_000));
        (1..=1000).for_each(|ts| waiting.add(number(ts * 10)));
        assert_eq!(waiting.readings.len(), MAX_WAITING);
        assert_eq!(waiting.take_due(Micros(9)), None);
        assert_eq!(waiting.take_due(Micros(10)), Some(number(10)));
        let mut times = Vec::new();
        while let Some(due) = waiting.take_due(Micros(10_000)) {
            times.push(due.ts.0);
        }
        assert!(times.is_sorted() && times.len() == MAX_WAITING - 2, "{times:?}");
        assert_eq!(waiting.take_due(Micros(i64::MAX)), Some(number(1_000_000_000)));
    }

    #[test]
    fn what_waits_is_stored_and_anything_cut_is_refused() {
        let mut waiting = WaitingReadings::default();
        let contents = [
            WaitingContent::Verdict(None),
            WaitingContent::Verdict(Some(Value::from("\u{1}hot"))),
            WaitingContent::Verdict(Some(Value::from(1.5))),
            WaitingContent::Number(-2.5),
        ];
        for (nth, content) in contents.into_iter().enumerate() {
            waiting.add(WaitingReading { ts: Micros(nth as i64), content });
        }
        let mut stored = Vec::new();
        waiting.encode(&mut stored);
        let mut rest = stored.as_slice();
        assert_eq!(WaitingReadings::decode(&mut rest), Some(waiting));
        assert!(rest.is_empty());
        for len in 0..stored.len() {
            assert_eq!(WaitingReadings::decode(&mut &stored[..len]), None, "{len}");
        }
    }
}

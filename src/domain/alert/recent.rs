//! The readings that a rule evaluated last, so that one that a sender repeats, because it saw no answer, decides nothing
//! twice. Pure.

use std::collections::VecDeque;

use super::sample::Sample;
use super::window::take;
use crate::domain::Micros;

/// Most readings that are remembered: those of a request or two.
pub const MAX_RECENT: usize = 64;
/// Most bytes of a text that tell it from another, beside its length.
const MAX_TEXT_BYTES: usize = 4096;
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Digests of the last readings, the oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecentReadings {
    digests: VecDeque<u64>,
    /// The greatest of their times and of those before them: a later reading is new.
    newest: Option<Micros>,
    /// Time of the last one.
    last: Option<Micros>,
}

impl RecentReadings {
    /// Takes note of a reading. Returns whether it is new: a value of another time, or one that differs from the last, whose
    /// sender has a clock that stands still.
    pub fn note(&mut self, sample: Sample<'_>) -> bool {
        let digest = digest(sample);
        let is_later = self.newest.is_none_or(|newest| sample.ts > newest);
        if !is_later && self.digests.contains(&digest) {
            let is_of_last = self.last == Some(sample.ts);
            if !is_of_last || self.digests.back() == Some(&digest) {
                return false;
            }
        }
        if self.digests.len() >= MAX_RECENT {
            self.digests.pop_front();
        }
        self.digests.push_back(digest);
        self.newest = self.newest.max(Some(sample.ts));
        self.last = Some(sample.ts);
        true
    }

    /// Appends the stored form: the number of readings; then, unless there is none, two times and the digests.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        // At most MAX_RECENT.
        out.push(self.digests.len() as u8);
        if let (Some(newest), Some(last)) = (self.newest, self.last) {
            out.extend(newest.0.to_le_bytes());
            out.extend(last.0.to_le_bytes());
        }
        self.digests.iter().for_each(|digest| out.extend(digest.to_le_bytes()));
    }

    /// Reads the stored form from the front of `rest`; `None` for anything else.
    pub(super) fn decode(rest: &mut &[u8]) -> Option<RecentReadings> {
        let [number] = take(rest)?;
        if number == 0 {
            return Some(RecentReadings::default());
        }
        if usize::from(number) > MAX_RECENT {
            return None;
        }
        let newest = Some(Micros(i64::from_le_bytes(take(rest)?)));
        let last = Some(Micros(i64::from_le_bytes(take(rest)?)));
        let digests = (0..number).map(|_| take(rest).map(u64::from_le_bytes)).collect::<Option<_>>()?;
        Some(RecentReadings { digests, newest, last })
    }
}

/// FNV-1a of the time and the value; it is stored, so it is the same in every version.
fn digest(sample: Sample<'_>) -> u64 {
    let add = |state: u64, bytes: &[u8]| {
        bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
    };
    let state = add(FNV_OFFSET, &sample.ts.0.to_le_bytes());
    let state = add(state, &sample.number.map_or(0, f64::to_bits).to_le_bytes());
    let text = sample.text.unwrap_or_default().as_bytes();
    let state = add(state, &(text.len() as u64).to_le_bytes());
    add(state, &text[..text.len().min(MAX_TEXT_BYTES)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ts: i64, value: f64) -> Sample<'static> {
        Sample { ts: Micros(ts), number: Some(value), text: None }
    }

    #[test]
    fn a_reading_that_is_repeated_is_told_from_one_that_is_late() {
        let mut recent = RecentReadings::default();
        assert!(recent.note(sample(10, 1.0)) && recent.note(sample(20, 2.0)) && recent.note(sample(30, 1.0)));
        assert!(
            !recent.note(sample(10, 1.0)) && !recent.note(sample(20, 2.0)),
            "a request that is sent again"
        );
        assert!(!recent.note(sample(30, 1.0)));
        assert!(recent.note(sample(15, 1.0)), "one that is late");
        assert!(recent.note(sample(20, 3.0)), "one that corrects another");
        assert!(recent.note(sample(20, 2.0)) && recent.note(sample(20, 3.0)), "a clock that stands still");
        let mut stored = Vec::new();
        recent.encode(&mut stored);
        assert_eq!(RecentReadings::decode(&mut stored.as_slice()), Some(recent));
        (1..stored.len()).for_each(|len| assert_eq!(RecentReadings::decode(&mut &stored[..len]), None));
    }

    #[test]
    fn they_take_bounded_memory() {
        let mut recent = RecentReadings::default();
        (0..1000).for_each(|ts| assert!(recent.note(sample(ts, 1.0))));
        assert_eq!(recent.digests.len(), MAX_RECENT);
        assert!(!recent.note(sample(1000 - MAX_RECENT as i64, 1.0)));
    }
}

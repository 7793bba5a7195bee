//! Silence after answers that have no numbers: only time tells an answer that comes twice, or late, from the next one.
//!
//! A line on which all that comes is an answer waits for nothing. After the first bytes that answer no request, silence must
//! follow each answer, twice as long each time that it was too short.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Silence after the first bytes that answer no request.
const FIRST_SILENCE: Duration = Duration::from_millis(200);
/// Time after which bytes that answered no request are forgotten, and after which a line is checked again.
const MEMORY: Duration = Duration::from_secs(600);
/// Answers that looked like copies and were none, after which no others are checked: each check takes a while, and registers that
/// hold the same are usual.
const MAX_CHECKED: usize = 8;
/// Time for which a device is not asked whose answers come again after the longest silence.
const REST: Duration = Duration::from_secs(60);

/// Experience with the line to one device, which outlives its connections.
#[derive(Debug, Default)]
pub struct LineSilence(Mutex<SilenceState>);

#[derive(Debug, Default)]
struct SilenceState {
    /// Zero while all that comes is an answer.
    awaited: Duration,
    /// Time of the latest bytes that answered no request.
    unsolicited_at: Option<Instant>,
    /// Answers that looked like copies and were none, and when that was found.
    checked: HashMap<SuspectAnswer, Instant>,
    /// End of the rest of a device whose answers came again after the longest silence.
    rests_until: Option<Instant>,
}

/// An answer that came to another request just before: a hash of it and of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuspectAnswer(pub u64);

/// Bytes that follow an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followers {
    /// There are none.
    Silence,
    /// Copies of the answer, one or several.
    Copies,
    /// Anything else, so that the answer may be that of an earlier request.
    Others,
}

impl LineSilence {
    /// Whether the device is not asked now, because no silence is long enough.
    pub fn is_resting(&self) -> bool {
        self.0.lock().rests_until.is_some_and(|end| Instant::now() < end)
    }

    /// Whether silence must follow each answer, so that the latest ones were followed by it.
    pub fn is_awaited(&self) -> bool {
        !self.awaited().is_zero()
    }

    /// Silence that must follow an answer before it is believed; zero where nothing speaks against it. `slowest` says how long the
    /// device takes to answer.
    pub fn after_answer(
        &self,
        suspect: Option<SuspectAnswer>,
        slowest: Duration,
        limit: Duration,
    ) -> Duration {
        let awaited = self.awaited();
        if awaited.is_zero() && !suspect.is_some_and(|answer| self.needs_check(answer)) {
            return Duration::ZERO;
        }
        // After a copy that was taken for the answer, the answer itself takes as long as any other.
        (awaited.max(FIRST_SILENCE) + slowest).min(limit)
    }

    /// Whether an answer can be one to its request, by what followed it. Remembers copies.
    pub fn is_believed(&self, followers: Followers) -> bool {
        match followers {
            Followers::Silence => true,
            Followers::Copies if self.is_awaited() => {
                self.0.lock().unsolicited_at = Some(Instant::now());
                true
            }
            Followers::Copies | Followers::Others => false,
        }
    }

    /// Remembers an answer that looked like a copy and was none.
    pub fn record_checked(&self, answer: SuspectAnswer) {
        self.0.lock().checked.insert(answer, Instant::now());
    }

    /// Doubles the silence after bytes that answer no request, up to the time limit of a request, and returns it. Where it was
    /// the longest already, the device rests.
    pub fn extend(&self, limit: Duration) -> Duration {
        let before = self.awaited();
        let mut state = self.0.lock();
        let now = Instant::now();
        if before >= limit {
            state.rests_until = Some(now + REST);
        }
        state.awaited = (before * 2).clamp(FIRST_SILENCE.min(limit), limit);
        state.unsolicited_at = Some(now);
        state.checked.clear();
        state.awaited
    }

    /// Makes each answer that looks like a copy be checked again, after one that made no sense.
    pub fn forget_checks(&self) {
        self.0.lock().checked.clear();
    }

    fn awaited(&self) -> Duration {
        let mut state = self.0.lock();
        if state.unsolicited_at.is_some_and(|at| at.elapsed() >= MEMORY) {
            *state = SilenceState::default();
        }
        state.awaited
    }

    fn needs_check(&self, answer: SuspectAnswer) -> bool {
        let checked = &mut self.0.lock().checked;
        checked.retain(|_, at| at.elapsed() < MEMORY);
        checked.len() < MAX_CHECKED && !checked.contains_key(&answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn plain(line: &LineSilence) -> Duration {
        line.after_answer(None, Duration::ZERO, LIMIT)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_doubles_up_to_the_limit_and_is_forgotten() {
        let line = LineSilence::default();
        assert_eq!(plain(&line), Duration::ZERO, "a line in order waits for nothing");
        for expected in [200, 400, 800, 1000] {
            assert_eq!(line.extend(LIMIT).as_millis(), expected);
            assert!(!line.is_resting(), "{expected}");
        }
        line.extend(LIMIT);
        assert!(line.is_resting(), "no silence is long enough");
        advance(REST).await;
        assert!(!line.is_resting());
        assert_eq!(plain(&line), LIMIT);
        advance(MEMORY / 2).await;
        assert!(line.is_believed(Followers::Copies), "copies within the silence harm nobody");
        advance(MEMORY / 2).await;
        assert_eq!(plain(&line), LIMIT, "they still come");
        assert!(!line.is_believed(Followers::Others));
        advance(MEMORY).await;
        assert_eq!(plain(&line), Duration::ZERO);
        assert!(!line.is_believed(Followers::Copies), "nobody waited for them");
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspect_answer_is_checked_once_in_a_long_time_and_few_are() {
        let line = LineSilence::default();
        let silence_after = |answer| line.after_answer(Some(answer), Duration::from_millis(30), LIMIT);
        let answers = (0..).map(SuspectAnswer).take(MAX_CHECKED);
        for answer in answers.clone() {
            assert_eq!(silence_after(answer), Duration::from_millis(230));
            assert!(line.is_believed(Followers::Silence));
            line.record_checked(answer);
            assert_eq!(silence_after(answer), Duration::ZERO);
        }
        assert_eq!(silence_after(SuspectAnswer(100)), Duration::ZERO, "enough are checked");
        line.forget_checks();
        for answer in answers {
            assert!(!silence_after(answer).is_zero(), "an answer made no sense");
            assert!(line.is_believed(Followers::Silence));
            line.record_checked(answer);
        }
        advance(MEMORY).await;
        assert!(!silence_after(SuspectAnswer(0)).is_zero());
    }
}

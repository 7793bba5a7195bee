//! Recent answers of a connection without numbers, by which a copy that is taken for another answer is suspected.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use super::line_silence::SuspectAnswer;

/// Answers that are remembered.
const MAX_ANSWERS: usize = 64;

/// The latest requests of a connection and their answers, by hashes.
#[derive(Debug, Default)]
pub struct RecentAnswers {
    answers: VecDeque<RecentAnswer>,
    has_any: bool,
}

#[derive(Debug)]
struct RecentAnswer {
    at: Instant,
    request: u64,
    answer: u64,
    round_trip: Duration,
}

impl RecentAnswers {
    /// Whether any answer came on the connection. Before the first one, nothing that comes is a copy.
    pub fn has_any(&self) -> bool {
        self.has_any
    }

    /// Adds an answer. Returns it if the same one came to another request within the time limit, so that it may be a copy.
    pub fn add(
        &mut self,
        request: &[u8],
        answer: &[u8],
        round_trip: Duration,
        limit: Duration,
    ) -> Option<SuspectAnswer> {
        self.answers.retain(|one| one.at.elapsed() <= limit);
        let pair = SuspectAnswer(hash_of([request, answer]));
        let (request, answer) = (hash_of(request), hash_of(answer));
        let is_suspect = self.answers.iter().any(|one| one.answer == answer && one.request != request);
        if self.answers.len() == MAX_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(RecentAnswer { at: Instant::now(), request, answer, round_trip });
        self.has_any = true;
        is_suspect.then_some(pair)
    }

    /// The longest time that an answer took.
    pub fn slowest(&self) -> Duration {
        self.answers.iter().map(|one| one.round_trip).max().unwrap_or_default()
    }
}

fn hash_of(bytes: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_suspect_that_came_to_another_request_just_before() {
        let (mut recent, limit) = (RecentAnswers::default(), Duration::from_secs(1));
        let mut add = |request: &[u8], answer: &[u8]| recent.add(request, answer, limit / 2, limit).is_some();
        assert!(!add(b"D0", b"7"));
        assert!(!add(b"D0", b"7"), "the value has not changed");
        assert!(!add(b"D200", b"8"));
        assert!(add(b"D200", b"7"), "it came to D0");
        tokio::time::advance(2 * limit).await;
        assert!(!add(b"D300", b"7"), "that is long ago");
        assert_eq!((recent.slowest(), recent.has_any()), (limit / 2, true));
    }
}

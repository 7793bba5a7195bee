//! When what a device's refusals have taught is forgotten, so that registers are read together again: what was refused
//! then may have been a fault that is mended. Pure; time is handed in.

use std::time::Duration;

use tokio::time::Instant;

/// After the first lesson. Trying costs one refused request and one for each of its streams.
const FIRST: Duration = Duration::from_secs(600);
/// Lessons that are learnt again each time are forgotten this many times more seldom, at most.
const MOST: u32 = 16;

#[derive(Debug)]
pub struct Relearn {
    first: Duration,
    delay: Duration,
    due: Option<Instant>,
    forgotten: Option<Instant>,
}

impl Default for Relearn {
    fn default() -> Self {
        Relearn::after(FIRST)
    }
}

impl Relearn {
    pub fn after(first: Duration) -> Self {
        Relearn { first, delay: first, due: None, forgotten: None }
    }

    /// Something was learnt.
    pub fn learnt(&mut self, now: Instant) {
        if self.due.is_some() {
            return;
        }
        let is_still_so = self.forgotten.is_some_and(|at| now.duration_since(at) < self.delay);
        let longest = self.first.saturating_mul(MOST);
        self.delay = if is_still_so { self.delay.saturating_mul(2).min(longest) } else { self.first };
        self.due = Some(now + self.delay);
    }

    /// Whether it is time to forget it. Says so once.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            (self.due, self.forgotten) = (None, Some(now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learnt_again_is_forgotten_more_seldom() {
        let (second, mut now) = (Duration::from_secs(1), Instant::now());
        let mut relearn = Relearn::after(10 * second);
        assert!(!relearn.is_due(now), "nothing is learnt");
        for delay in [10, 20, 40, 80, 160, 160] {
            relearn.learnt(now);
            relearn.learnt(now + 5 * second);
            now += delay * second;
            assert!(!relearn.is_due(now - second / 2), "{delay}");
            assert!(relearn.is_due(now), "{delay}");
            assert!(!relearn.is_due(now), "once");
            now += second;
        }
        now += 1000 * second;
        relearn.learnt(now);
        assert!(relearn.is_due(now + 10 * second), "all was well for a long time");
    }
}

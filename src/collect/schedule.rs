//! When which group of streams is due. Pure: time is handed in.

use std::time::Duration;

use tokio::time::Instant;

/// Groups polled each at its own interval, on a fixed grid: a late poll never shifts the next one, and ticks
/// missed while the device was slow are skipped, not made up for in a bunch.
#[derive(Debug)]
pub struct Schedule {
    epoch: Instant,
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    interval: Duration,
    due: Instant,
}

impl Schedule {
    /// Everything is due at `now` for the first time.
    pub fn new(intervals: impl IntoIterator<Item = Duration>, now: Instant) -> Self {
        let slots = intervals.into_iter().map(|interval| Slot { interval, due: now }).collect();
        Self { epoch: now, slots }
    }

    /// Makes everything due at `now` and moves the grid there.
    pub fn restart(&mut self, now: Instant) {
        self.epoch = now;
        self.slots.iter_mut().for_each(|slot| slot.due = now);
    }

    /// The time of the next poll; `None` when there is nothing to poll.
    pub fn next_due(&self) -> Option<Instant> {
        self.slots.iter().map(|slot| slot.due).min()
    }

    /// The groups due at `now`, each moved on to its next tick after `now`.
    pub fn take_due(&mut self, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.due <= now) {
            slot.due = next_tick(self.epoch, slot.interval, now);
            due.push(index);
        }
        due
    }
}

/// The first tick of the grid strictly after `now`.
fn next_tick(epoch: Instant, interval: Duration, now: Instant) -> Instant {
    let elapsed = now.saturating_duration_since(epoch).as_nanos();
    let interval_ns = interval.as_nanos().max(1);
    let into_tick = u64::try_from(elapsed % interval_ns).unwrap_or(u64::MAX);
    now + interval.saturating_sub(Duration::from_nanos(into_tick))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn groups_keep_their_grid() {
        let start = Instant::now();
        let mut schedule = Schedule::new([ms(100), ms(250)], start);
        for (at, due, next) in [
            (0, vec![0, 1], 100),
            (50, vec![], 100),
            (100, vec![0], 200),
            // Late by 30: the next tick is still on the grid.
            (230, vec![0], 250),
            (250, vec![1], 300),
            // Six ticks missed: one poll, then on.
            (910, vec![0, 1], 1000),
            (1000, vec![0, 1], 1100),
        ] {
            assert_eq!(schedule.take_due(start + ms(at)), due, "due at {at}");
            assert_eq!(schedule.next_due(), Some(start + ms(next)), "next after {at}");
        }
    }

    #[test]
    fn a_restart_makes_everything_due() {
        let start = Instant::now();
        let mut schedule = Schedule::new([ms(100), ms(60_000)], start);
        schedule.take_due(start);
        schedule.restart(start + ms(42));
        assert_eq!(schedule.take_due(start + ms(42)), [0, 1]);
        assert_eq!(schedule.next_due(), Some(start + ms(142)));
    }

    #[test]
    fn nothing_to_poll_is_never_due() {
        assert_eq!(Schedule::new([], Instant::now()).next_due(), None);
    }
}

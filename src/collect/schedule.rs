//! Poll schedule: when each group of streams is due. Pure; the caller passes the time.

use std::time::Duration;

use tokio::time::Instant;

/// Groups that are polled each at its own interval, on a fixed grid: a late poll never shifts the next one, and ticks
/// missed while the device was slow are skipped and not made up for in a burst.
#[derive(Debug)]
pub struct Schedule {
    epoch: Instant,
    groups: Vec<ScheduledGroup>,
}

/// The time at which a poll was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    pub at: Instant,
    /// Number of ticks before it that were not polled.
    pub skipped: u64,
}

#[derive(Debug)]
struct ScheduledGroup {
    interval: Duration,
    due: Instant,
}

impl Schedule {
    /// Everything is due at `now` for the first time.
    pub fn new(intervals: impl IntoIterator<Item = Duration>, now: Instant) -> Self {
        let slots = intervals.into_iter().map(|interval| ScheduledGroup { interval, due: now }).collect();
        Self { epoch: now, groups: slots }
    }

    /// Makes everything due at `now` and moves the grid there.
    pub fn restart(&mut self, now: Instant) {
        self.epoch = now;
        self.groups.iter_mut().for_each(|slot| slot.due = now);
    }

    /// The time of the next poll; `None` when there is nothing to poll.
    pub fn next_due(&self) -> Option<Instant> {
        self.groups.iter().map(|slot| slot.due).min()
    }

    /// Returns the groups due at `now`, each with its latest tick, and advances each to its next tick after `now`.
    pub fn take_due(&mut self, now: Instant) -> Vec<(usize, Tick)> {
        let mut due = Vec::new();
        for (index, slot) in self.groups.iter_mut().enumerate().filter(|(_, slot)| slot.due <= now) {
            let at = latest_tick(self.epoch, slot.interval, now);
            let missed = at.saturating_duration_since(slot.due).as_nanos() / interval_ns(slot.interval);
            slot.due = at + slot.interval;
            due.push((index, Tick { at, skipped: u64::try_from(missed).unwrap_or(u64::MAX) }));
        }
        due
    }
}

/// The last tick of the grid that is not after `now`.
fn latest_tick(epoch: Instant, interval: Duration, now: Instant) -> Instant {
    let into_tick = now.saturating_duration_since(epoch).as_nanos() % interval_ns(interval);
    now - Duration::from_nanos(u64::try_from(into_tick).unwrap_or(u64::MAX))
}

fn interval_ns(interval: Duration) -> u128 {
    interval.as_nanos().max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Group, tick in milliseconds from `start`, skipped.
    fn taken(schedule: &mut Schedule, start: Instant, at: u64) -> Vec<(usize, u64, u64)> {
        let due = schedule.take_due(start + ms(at)).into_iter();
        due.map(|(group, tick)| (group, (tick.at - start).as_millis() as u64, tick.skipped)).collect()
    }

    #[test]
    fn groups_keep_their_grid() {
        let start = Instant::now();
        let mut schedule = Schedule::new([ms(100), ms(250)], start);
        for (at, due, next) in [
            (0, vec![(0, 0, 0), (1, 0, 0)], 100),
            (50, vec![], 100),
            (100, vec![(0, 100, 0)], 200),
            // Late by 30: the next tick is still on the grid.
            (230, vec![(0, 200, 0)], 250),
            (250, vec![(1, 250, 0)], 300),
            // Late by more than the interval: one poll, for the latest tick, then on.
            (910, vec![(0, 900, 6), (1, 750, 1)], 1000),
            (1000, vec![(0, 1000, 0), (1, 1000, 0)], 1100),
        ] {
            assert_eq!(taken(&mut schedule, start, at), due, "due at {at}");
            assert_eq!(schedule.next_due(), Some(start + ms(next)), "next after {at}");
        }
    }

    #[test]
    fn a_restart_makes_everything_due_and_skips_nothing() {
        let start = Instant::now();
        let mut schedule = Schedule::new([ms(100), ms(60_000)], start);
        schedule.take_due(start);
        schedule.restart(start + ms(442));
        assert_eq!(taken(&mut schedule, start, 442), [(0, 442, 0), (1, 442, 0)]);
        assert_eq!(schedule.next_due(), Some(start + ms(542)));
    }

    proptest! {
        /// Polls take any time, from far below the intervals to far above.
        #[test]
        fn no_tick_drifts_is_lost_or_is_served_twice(
            intervals_ms in prop::collection::vec(10u64..500, 1..4),
            polls_ns in prop::collection::vec(prop_oneof![0u64..1_000_000, 0u64..2_000_000_000], 1..200),
        ) {
            let start = Instant::now();
            let intervals: Vec<_> = intervals_ms.iter().map(|interval| ms(*interval)).collect();
            let mut schedule = Schedule::new(intervals.clone(), start);
            let mut seen = vec![0; intervals.len()];
            let mut now = start;
            for poll_ns in polls_ns {
                now = now.max(schedule.next_due().unwrap());
                for (group, Tick { at, skipped }) in schedule.take_due(now) {
                    let interval = intervals[group];
                    prop_assert!(at <= now && now - at < interval, "it is polled for the latest tick");
                    let number = (at - start).as_nanos() / interval.as_nanos();
                    prop_assert_eq!(start + interval * number as u32, at, "a tick is on the grid of the first");
                    seen[group] += u128::from(skipped) + 1;
                    prop_assert_eq!(seen[group], number + 1, "every tick was polled for or skipped");
                }
                prop_assert!(schedule.take_due(now).is_empty(), "what was missed does not come in a bunch");
                now += Duration::from_nanos(poll_ns);
            }
        }
    }

    #[test]
    fn nothing_to_poll_is_never_due() {
        assert_eq!(Schedule::new([], Instant::now()).next_due(), None);
    }
}

//! Counts windows from rows: from all of them, or from those that are newer than the kept counts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::scope::MessageScope;
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::store::message_counts::counter::{count_windows, first_times};
use crate::store::message_counts::day_counts::{MessageCount, Visibility};
use crate::store::message_counts::job::MAX_PART_ROWS;
use crate::store::message_counts::keys::{DayPart, DeviceTimes, KeySource, StoredKey};
use crate::store::message_counts::window_set::{WindowSet, bounds_of};

/// Receives the count of a device in a window. Of a device whose whole day is taken from its total, the window is 0.
pub type CountReceiver<'a> = &'a mut dyn FnMut(i32, u8, &MessageCount);

/// Windows by device.
pub type LiveWindows = BTreeMap<i32, WindowSet>;

/// Rows are filtered when they are read, so all that are left are seen.
const ALL_SEEN: Visibility = Visibility { readings: true, stored: true };

/// Windows that have rows which are newer than their kept counts.
#[derive(Debug, Default)]
pub struct GrowingWindows {
    pub windows: LiveWindows,
    /// The kept counts, where there are any.
    pub kept: HashMap<(i32, u8), WindowCount>,
}

/// The kept count of a device's window.
#[derive(Debug, Clone, Copy)]
pub struct WindowCount {
    /// The part that the reader sees.
    pub seen: MessageCount,
    /// Time of the newest reading or message that was counted, microseconds.
    pub newest: i64,
}

/// The keys of some adjacent windows.
struct PartKeys {
    windows: WindowSet,
    times: HashMap<i32, DeviceTimes>,
    stored: Vec<StoredKey>,
}

/// Counts windows from all of their rows.
///
/// # Errors
/// `Unavailable` when a file cannot be read; `Timeout`.
pub fn count_all(scope: &MessageScope, day: Day, live: &LiveWindows, give: CountReceiver<'_>) -> Result<()> {
    read_parts(scope, &scope.keys(), day, live, &mut |part| {
        for ((device, window), counts) in count_windows(&part.times, &part.stored) {
            if live.get(&device).is_some_and(|own| own.contains(window)) {
                give(device, window, &counts.visible(ALL_SEEN));
            }
        }
    })
}

/// Counts windows from their kept counts and the rows after the seq `covered`. Rows that come later than all that was
/// counted are more messages; any other may belong to a message that is counted already. Returns the windows with such
/// rows, which are not given.
///
/// # Errors
/// The errors of [`count_all`].
pub fn count_newer(
    scope: &MessageScope,
    (day, covered): (Day, u64),
    grown: &GrowingWindows,
    give: CountReceiver<'_>,
) -> Result<LiveWindows> {
    let mut left = LiveWindows::new();
    read_parts(scope, &scope.keys().after(covered), day, &grown.windows, &mut |part| {
        let counted = count_windows(&part.times, &part.stored);
        let first = first_times(&part.times, &part.stored);
        for (device, windows) in &grown.windows {
            for window in windows.intersection(part.windows).iter() {
                let place = (*device, window);
                let newer = counted.get(&place).map(|counts| counts.visible(ALL_SEEN));
                match (grown.kept.get(&place), newer) {
                    (Some(kept), Some(_)) if first.get(&place).is_none_or(|first| *first <= kept.newest) => {
                        left.entry(*device).or_default().insert(window);
                    }
                    (Some(kept), newer) => {
                        let mut all = kept.seen;
                        newer.iter().for_each(|newer| all.add(newer));
                        give(*device, window, &all);
                    }
                    (None, Some(newer)) => give(*device, window, &newer),
                    (None, None) => {}
                }
            }
        }
    })?;
    Ok(left)
}

/// Reads the keys of windows of devices, some windows at a time.
fn read_parts(
    scope: &MessageScope,
    source: &KeySource<'_>,
    day: Day,
    wanted: &LiveWindows,
    take: &mut dyn FnMut(PartKeys),
) -> Result<()> {
    let all = wanted.values().fold(WindowSet::default(), |all, windows| all.union(*windows));
    let rows = all.iter().map(|window| source.estimate_rows(day, bounds_of(day, window))).max();
    let most = usize::try_from(MAX_PART_ROWS / rows.unwrap_or(0).max(1)).unwrap_or(usize::MAX).max(1);
    for (first, last) in all.runs(most) {
        let span = MinMax::new(bounds_of(day, first).min, bounds_of(day, last).max);
        let span = span.intersection(scope.ts);
        let (part, windows) = (DayPart { day, ts: span }, WindowSet::overlapping(day, span));
        let is_concerned =
            |device: &i32| wanted.get(device).is_some_and(|own| !own.intersection(windows).is_empty());
        let devices: Arc<[i32]> = wanted.keys().copied().filter(is_concerned).collect();
        let mut tick = || scope.check();
        let streams = scope.streams().of_devices(|device| devices.binary_search(&device).is_ok());
        let times = source.times(part, &streams, scope.streams(), &mut tick)?;
        let from = &scope.snapshot().retention_bounds.messages_from;
        let stored = source.stored(part, &devices, from, &mut tick)?;
        take(PartKeys { windows, times, stored });
    }
    Ok(())
}

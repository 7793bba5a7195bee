//! Counts the messages of devices by window from their keys.

use std::collections::{BTreeMap, HashMap};

use super::day_counts::KeyCounts;
use super::keys::{DeviceTimes, StoredKey};
use super::window_set::window_of;

/// Counts of devices by (device, window).
pub type WindowCounts = BTreeMap<(i32, u8), KeyCounts>;

/// Counts the keys of one day. Times of a device are ascending and distinct, `stored` is sorted.
pub fn count_windows(times: &HashMap<i32, DeviceTimes>, stored: &[StoredKey]) -> WindowCounts {
    let mut counts = WindowCounts::new();
    for (device, of_device) in times {
        let messages: Vec<(i64, u32)> = of_device.messages().collect();
        for same in messages.chunk_by(|a, b| window_of(a.0) == window_of(b.0)) {
            let (newest, _) = same[same.len() - 1];
            let of_window = counts.entry((*device, window_of(newest))).or_default();
            of_window.times += same.len() as u64;
            of_window.sensors += same.iter().map(|(_, sensors)| u64::from(*sensors)).sum::<u64>();
            of_window.newest_reading = of_window.newest_reading.max(newest);
        }
    }
    // Messages of one device and time hide one derived message together.
    for same in stored.chunk_by(|a, b| (a.device, a.ts) == (b.device, b.ts)) {
        let StoredKey { device, ts, .. } = same[0];
        let of_window = counts.entry((device, window_of(ts))).or_default();
        of_window.stored += same.len() as u64;
        of_window.newest_stored = of_window.newest_stored.max(ts);
        of_window.stored_sensors += same.iter().map(|key| u64::from(key.sensors)).sum::<u64>();
        let hidden = times.get(&device).map_or(0, |of_device| of_device.sensors_at(ts));
        of_window.hidden += u64::from(hidden > 0);
        of_window.hidden_sensors += u64::from(hidden);
    }
    counts
}

/// Returns the earliest time of any key of a device in a window. Times and keys are those of [`count_windows`].
pub fn first_times(times: &HashMap<i32, DeviceTimes>, stored: &[StoredKey]) -> HashMap<(i32, u8), i64> {
    let mut first: HashMap<(i32, u8), i64> = HashMap::new();
    let mut add = |device: i32, ts: i64| {
        first.entry((device, window_of(ts))).and_modify(|first| *first = ts.min(*first)).or_insert(ts);
    };
    for (device, of_device) in times {
        let by_window = of_device.times.chunk_by(|a, b| window_of(a.0) == window_of(b.0));
        by_window.for_each(|same| add(*device, same[0].0));
    }
    stored.iter().for_each(|key| add(key.device, key.ts));
    first
}

//! Hours: the second level of statistics. An hour consists of whole windows of a stream.

use std::sync::LazyLock;

use super::time_ranges::TimeRanges;
use crate::domain::time::MICROS_PER_HOUR;
use crate::domain::window::Windows;

/// Seconds of an hour.
const HOUR_S: u32 = 3600;

/// Returns all hours, as windows.
pub fn hours() -> &'static Windows {
    static HOURS: LazyLock<Windows> = LazyLock::new(|| Windows::with_interval(Some(HOUR_S)));
    &HOURS
}

/// Returns the whole hours within a set of times in which every window of the stream is shorter than an hour and divides
/// it. Other hours have no row: their windows are as long, or are cut by an edge of the hour.
pub fn divided_hours(windows: &Windows, within: &TimeRanges) -> TimeRanges {
    let steps = windows.steps();
    let ends = steps.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX]);
    let divided =
        steps.iter().zip(ends).filter(|((_, length), _)| *length < HOUR_S && HOUR_S.is_multiple_of(*length));
    // Where one length that divides an hour follows another, the hour around the change consists of whole windows too.
    let divided = TimeRanges::new(divided.map(|((from, _), to)| (*from, to)).collect());
    let whole = within.iter().flat_map(|(from, to)| {
        let parts: Vec<(i64, i64)> = divided.within(from, to).iter().collect();
        parts.into_iter().map(|(a, b)| (end_of_hour(a), start_of_hour(b)))
    });
    TimeRanges::new(whole.collect())
}

/// Returns the last start of an hour up to a time.
pub fn start_of_hour(ts: i64) -> i64 {
    ts.div_euclid(MICROS_PER_HOUR).saturating_mul(MICROS_PER_HOUR)
}

/// Returns the first start of an hour from a time on.
pub fn end_of_hour(ts: i64) -> i64 {
    let start = start_of_hour(ts);
    if start == ts { ts } else { start.saturating_add(MICROS_PER_HOUR) }
}

#[cfg(test)]
#[path = "hours_tests.rs"]
mod tests;

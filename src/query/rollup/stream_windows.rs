//! The windows of a stream in a request for statistics.

use crate::domain::window::Windows;
use crate::store::statistics::time_ranges::TimeRanges;

/// A stream in a request for statistics.
#[derive(Debug, Clone)]
pub struct StreamWindows {
    pub id: i32,
    pub windows: Windows,
    /// The windows in the range whose computed rows are not valid.
    pub stale: TimeRanges,
    /// Windows that begin before this time are closed.
    pub ended_before: i64,
}

impl StreamWindows {
    /// Returns the windows to compute now.
    pub fn realtime_ranges(&self) -> TimeRanges {
        self.stale.within(i64::MIN, self.ended_before)
    }
}

//! Statistics: one row per stream and window, computed in the background from flushed rows, and one per stream and hour,
//! combined from these.
//!
//! Computed rows are valid for every window that ended by `Materialization::watermark` and was not touched since by a
//! row with a seq above `Materialization::seq`. Every snapshot contains which windows these are, so a reader computes
//! the others from raw rows and never waits for the job. Hours have a `Materialization` of their own under the same
//! rules: where an hour is not valid, a reader takes its windows.

pub mod compute_day;
pub mod day_partitions;
pub mod hourly_job;
pub mod hourly_rows;
pub mod hours;
pub mod invalidations;
pub mod job;
pub mod materialization;
pub mod points;
pub mod raw_windows;
pub mod rows;
pub mod time_ranges;
pub mod window_summary;
pub mod window_writer;

//! Counts of messages per device and window of ten minutes, kept so that totals and deep pages need no scan.
//!
//! A device has one message per distinct time of its readings, unless a message was stored for that time, and each
//! stored message. Counts are computed in the background from flushed rows, like statistics, and kept in files of
//! their own (`message-counts/` in the data directory). They are only a cache: a reader counts every window from rows
//! that it cannot take from here, and files that are lost are computed again.
//!
//! Which windows those are follows from what the reader has pinned anyway. The counts of a day cover every row up to a
//! seq: a file with a later seq, or a row in memory, makes the windows it overlaps stale. Each count also names the
//! streams that contributed. When one of these was deleted, or begins later by its retention, the count is not taken.

pub mod codec;
pub mod counter;
pub mod day_counts;
pub mod index;
pub mod job;
pub mod keys;
pub mod window_set;

#[cfg(test)]
mod tests;

//! Statistics: one row a stream and window, computed in the background from what is flushed.
//!
//! Computed rows are right for every window that ended by `Computed::sealed` and was not touched since by a row of a
//! higher seq than `Computed::seq`. Which windows those are is part of every snapshot, so that a reader takes the
//! others from raw rows and never waits for the job.

pub mod compute;
pub mod computed;
pub mod day;
pub mod job;
pub mod parts;
pub mod points;
pub mod ranges;
pub mod rows;
pub mod touched;

//! The write-ahead log.
//!
//! Crash contract: when `Log::append` of a group returns `Ok`, every record of it survives `kill -9` and loss of
//! power. Records carry consecutive numbers (`seq`). An unfinished tail of the last segment, with nothing valid
//! after it, is cut at start; damage anywhere else refuses the start and names segment and offset. After a failed
//! write or fsync the log is poisoned: nothing more is appended until the process starts again.

pub mod columns;
pub mod frame;
pub mod log;
pub mod reader;
pub mod record;
pub mod recovery;

pub use log::Log;
pub use record::{Idempotent, Record};

#[cfg(test)]
mod fuzz_tests;

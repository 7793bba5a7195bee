//! The write-ahead log.
//!
//! Crash contract: when `Log::append` of a group returns `Ok`, every record of it survives `kill -9` and power loss.
//! Records have consecutive numbers (`seq`). An unfinished tail of the last segment is cut off at start: bytes that no
//! record of a later group follows, so that none of them was durable. Damage anywhere else refuses the start and names
//! segment and offset. A failed write is cut off and may be retried. After a failed fsync the log is poisoned: nothing more is appended until the process starts again.

pub mod columns;
pub mod frame;
pub mod log;
pub mod reader;
pub mod record;
pub mod recovery;

pub use log::{Log, LogSize};
pub use record::{IdempotencyRecord, Record};

#[cfg(test)]
mod fuzz_tests;

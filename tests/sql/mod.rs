//! SQL as clients see it: answers, parameters, formats, limits and the words of errors.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod answers;
mod delivery;
mod describe;
mod differential;
mod document;
mod errors;
mod formats;
mod limits;
mod log;
mod memory;
mod named;
mod order;
mod postgres_semantics;

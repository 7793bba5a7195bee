//! Anomaly scoring: models and scalers that users upload, and the windows of readings that they score.
//!
//! Everything here is pure and treats its input as hostile: bytes and readings in, values out. No I/O, clock or
//! catalog.

#![warn(missing_docs)]

pub mod detector;
pub mod scaler;
pub mod tflite;
pub mod window;

#[cfg(test)]
mod fuzz_tests;

//! Anomaly scores: the models and scalers that users upload, and the windows of readings that these judge.
//!
//! Everything here is pure, on bytes nobody trusts: bytes and readings come in, values come out. No I/O, no clock, no catalog.

pub mod detector;
pub mod scaler;
pub mod tflite;
pub mod window;

#[cfg(test)]
mod fuzz_tests;

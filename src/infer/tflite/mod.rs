//! TensorFlow Lite models: an interpreter in safe Rust for files that anybody may have made.
//!
//! Owns the file format, the operators that converters emit for autoencoders, and the limits that keep a hostile file from
//! taking memory or time. It does not scale values, cut windows or judge scores, and it keeps nothing between runs.
//! Why it is our own: docs/decisions/0007-own-tflite-interpreter.md.

mod constants;
mod error;
mod flatbuffer;
mod fold;
mod functions;
mod graph;
mod limits;
mod matrix;
mod model;
mod names;
mod ops;
mod recurrent;
mod run;
mod schema;
mod shape;
mod tensor;
mod walk;
mod workspace;

pub use error::{Refused, RunError};
pub use limits::Limits;
pub use model::{Model, Port};
pub use tensor::Tensor;
pub use workspace::Workspace;

#[cfg(test)]
mod fixtures_tests;
#[cfg(test)]
mod forge_tests;
#[cfg(test)]
mod functions_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod matrix_tests;
#[cfg(test)]
mod model_tests;

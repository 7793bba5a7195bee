//! TensorFlow Lite interpreter in safe Rust, for untrusted model files.
//!
//! It owns the file format, the operators that converters emit for autoencoders, and the limits on memory and time for
//! hostile files. It does not scale values, cut windows or judge scores, and it keeps nothing between runs.
//! Why it is our own: docs/decisions/0007-own-tflite-interpreter.md.

mod builtin_operator;
mod constant_tensors;
mod error;
mod flatbuffer;
mod interpreter;
mod limits;
mod matmul;
mod model;
mod operator_names;
mod ops;
mod optimize;
mod recurrent;
mod schema;
mod shape;
mod simd_functions;
mod strides;
mod subgraph;
mod tensor;
mod workspace;

pub use error::{LoadError, RunError};
pub use limits::ModelLimits;
pub use model::{Model, TensorSpec};
pub use tensor::Tensor;
pub use workspace::Workspace;

#[cfg(test)]
mod fixtures_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod matmul_tests;
#[cfg(test)]
mod model_builder_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod simd_functions_tests;

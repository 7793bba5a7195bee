//! Recurrent layers as one kernel: their arithmetic, and the loops as which converters write them.
//!
//! Keras 3 exports LSTM and GRU as a WHILE with some twenty small operators per step. `pattern` finds the loops that
//! are exactly a layer; `fused_loop` runs them as one if the values fit too. All other loops run as loops.

mod affine;
mod expression;
mod fused_loop;
mod layer;
mod pattern;

pub use fused_loop::FusedLoop;
pub use layer::{GateWeights, InputSteps, OutputSteps, RecurrentCell, RecurrentLayer};
pub use pattern::match_recurrent_loop;

#[cfg(test)]
mod layer_tests;
#[cfg(test)]
mod pattern_tests;

//! Recurrent layers as one kernel: their arithmetic, and the loops that converters write them as.
//!
//! Keras 3 exports LSTM and GRU as a WHILE over some twenty small operators a step. `recognise` finds those whose meaning is
//! exactly a layer's; `turns` runs them so, wherever the values at hand fit too. All others run as the loops they are.

mod expression;
mod layer;
mod linear;
mod recognise;
mod turns;

pub use layer::{Cell, Gate, Layer, Output, Steps};
pub use recognise::recognise;
pub use turns::Turns;

#[cfg(test)]
mod layer_tests;
#[cfg(test)]
mod recognise_tests;

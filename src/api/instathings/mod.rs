//! The vocabulary of Instathings: wire types and translation only.

pub mod cloud;
mod number;
pub mod onpremise;

//! The vocabulary of Instathings: wire types and translation only.

pub mod onpremise;

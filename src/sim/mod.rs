//! Simulated devices for `demo` and `simulate`: a small plant with plausible physics, and a Modbus server over it.
//!
//! Knows nothing of collectors, streams in a catalog, or storage; a real client cannot tell it from a device.

pub mod modbus;
pub mod plant;
pub mod registers;
pub mod tags;

pub use modbus::Simulator;
pub use plant::Plant;
pub use tags::{DemoTag, demo_tags};

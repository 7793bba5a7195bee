//! Simulated devices for `demo` and `simulate`: a small plant with plausible physics, and Modbus, MELSEC, FEnet and OPC UA
//! servers over it.
//!
//! Knows nothing of collectors, streams in a catalog, or storage; a real client cannot tell it from a device.

mod accept;

pub mod fault;
pub mod fenet;
pub mod field;
pub mod melsec;
pub mod memory;
pub mod modbus;
pub mod opcua;
pub mod plant;
pub mod registers;
pub mod simulator;
pub mod tags;

pub use opcua::nodes as opcua_nodes;
pub use plant::Plant;
pub use simulator::{SIMULATED, Simulator};
pub use tags::{DemoTag, demo_tags};

//! Simulated devices for `demo` and `simulate`: a small plant with plausible physics, and Modbus, MELSEC, FEnet, S7,
//! EtherNet/IP and OPC UA servers and an MQTT broker for it.
//!
//! The module knows nothing of collectors, the catalog's streams, or storage; a real client cannot distinguish it
//! from a device.

mod accept;
mod past_incidents;

pub mod eip;
pub mod fault;
pub mod fenet;
pub mod fleet;
pub mod melsec;
pub mod memory;
pub mod modbus;
pub mod mqtt;
pub mod opcua;
pub mod past;
pub mod plant;
pub mod readout;
pub mod registers;
pub mod s7;
pub mod simulator;
pub mod tags;

pub use opcua::nodes as opcua_nodes;
pub use plant::Plant;
pub use simulator::{SIMULATED_PROTOCOLS, Simulator};
pub use tags::{DemoTag, demo_tags};

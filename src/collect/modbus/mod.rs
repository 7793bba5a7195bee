//! Modbus TCP, RTU over TCP and RTU on serial lines: addresses, limits, and the client.

pub mod address;
pub mod client;
pub mod link;
pub mod space;

mod answer_stream;
mod exchange;
mod identify;
mod protocol;
mod rtu_frames;
mod session;
mod strict_stream;
mod transaction_stream;
mod unit_connection;

pub use identify::identify;
pub use protocol::Modbus;

#[cfg(test)]
mod adapter_tests;
#[cfg(test)]
pub(super) mod fake;

//! Modbus TCP and RTU over TCP: addresses, limits, and the client.

pub mod address;
pub mod client;
pub mod space;

mod protocol;
mod strict_stream;

pub use protocol::Modbus;

#[cfg(test)]
pub(super) mod fake;

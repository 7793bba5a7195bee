//! Modbus TCP and RTU over TCP: addresses, coalesced reads, one connection per device.

pub mod address;
pub mod client;
pub mod plan;

pub(super) mod line;
pub(super) mod link;
pub(super) mod point;
mod wire;

#[cfg(test)]
pub(super) mod fake;

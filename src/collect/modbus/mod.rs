//! Modbus TCP and RTU over TCP: addresses, limits, and the client.

pub mod address;
pub mod client;

mod strict_stream;

#[cfg(test)]
pub(super) mod fake;

/// Modbus Application Protocol V1.1b3, 6.3 and 6.4: at most 125 registers in one read.
pub const MAX_READ_WORDS: u16 = 125;
/// Modbus Application Protocol V1.1b3, 6.1 and 6.2: at most 2000 coils or inputs in one read.
pub const MAX_READ_BITS: u16 = 2000;
/// The widest gap that is read over to save a request; small, because some devices have illegal holes.
pub const DEFAULT_GAP: u16 = 8;
/// Every space has 65,536 cells.
pub const SPACE_END: u32 = 1 << 16;

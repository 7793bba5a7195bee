//! Client for LS Electric PLCs with the XGT dedicated protocol (FEnet) over TCP.

pub mod address;
pub mod client;
pub mod frame;

mod nak;

/// Bytes that one request may read or write (XGT FEnet manual, frame structure).
pub const MAX_BYTES: u16 = 1400;
/// Variables that one request may name (XGT FEnet manual, frame structure).
pub const MAX_VARIABLES: u16 = 16;
/// Upper bound of an area in bytes: beyond any CPU's memory, and the numbers always fit into a variable name.
pub const AREA_END: u32 = 1 << 24;

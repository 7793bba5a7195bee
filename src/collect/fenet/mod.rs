//! LS Electric PLCs by the XGT dedicated protocol (FEnet) over TCP.

pub mod address;
pub mod client;
pub mod frame;

mod nak;

/// Bytes that one request may read or write (XGT FEnet manual, frame structure).
pub const MAX_BYTES: u16 = 1400;
/// Variables that one request may name (the same).
pub const MAX_VARIABLES: u16 = 16;
/// Bytes of an area at most: beyond what any CPU has, and their numbers always fit into a name.
pub const AREA_END: u32 = 1 << 24;

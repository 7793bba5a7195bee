//! Client for MELSEC PLCs with SLMP, which is MC protocol 3E and 4E: binary and ASCII code, TCP and UDP.

pub mod address;
pub mod client;
pub mod device;
pub mod frame;

mod encoding;
mod end_code;

/// Device numbers have three bytes in the layout of Q and L; no device of iQ-R has more cells.
pub const SPACE_END: u32 = 1 << 24;
/// Words in one batch read or write (Q/L MC protocol manual, 0401 and 1401 in word units).
pub const MAX_WORDS: u16 = 960;
/// Bits in one batch read or write in ASCII code, the lower of the two limits: 7168 in binary code.
pub const MAX_BITS: u16 = 3584;
/// Words in one random read in the layout of iQ-R, the lower of the two limits: 192 in the layout of Q and L.
pub const MAX_SCATTERED: u16 = 96;

//! Client for MELSEC PLCs with SLMP, which is MC protocol 3E and 4E: binary and ASCII code, TCP and UDP.

pub mod address;
pub mod client;
pub mod device;
pub mod format;
pub mod frame;

mod encoding;
mod end_code;
mod identify;
mod protocol;

pub use identify::identify;
pub use protocol::Melsec;

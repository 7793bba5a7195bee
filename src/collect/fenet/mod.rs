//! Client for LS Electric PLCs with the XGT dedicated protocol (FEnet) over TCP.

pub mod address;
pub mod client;
pub mod frame;
pub mod space;

mod identify;
mod nak;
mod protocol;

pub use identify::identify;
pub use protocol::Fenet;

//! Client for Siemens S7 CPUs (S7-300, S7-400, S7-1200, S7-1500) over ISO on TCP: Read Var and Write Var.
//!
//! It neither loads blocks nor stops a CPU.

pub mod address;
pub mod area;
pub mod client;
pub mod frame;
pub mod transport;

mod endpoint;
mod error_code;
mod identify;
mod notation;
mod protocol;

pub use identify::identify;
pub use protocol::S7;

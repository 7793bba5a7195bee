//! EtherNet/IP with the tags of Logix controllers: unconnected explicit messages over TCP.
//!
//! Sources: "The CIP Networks Library" of ODVA, volumes 1 (CIP) and 2 (EtherNet/IP), for encapsulation and messages;
//! Rockwell 1756-PM020, "Logix 5000 Controllers Data Access", for the services of tags, their types and status codes.

mod batch;
pub mod browse;
pub mod cip;
pub mod client;
pub mod data_type;
mod endpoint;
pub mod frame;
pub mod identify;
mod isolation;
pub mod one_shot;
mod poll_group;
mod project_string;
pub mod protocol;
pub mod source;
mod status;
pub mod symbol;
pub mod tag;
mod tag_reader;
pub mod value;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod golden_tests;

pub use identify::identify;
pub use protocol::Eip;

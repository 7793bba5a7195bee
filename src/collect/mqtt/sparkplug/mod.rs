//! Sparkplug B (version 3.0) as a host application: a device is a subscription to edge nodes at somebody else's broker,
//! and its streams are their metrics.
//!
//! Pure: `proto` and `decode` read payloads, `data_type`, `value` and `data_set` their values, `topic` and `address`
//! names; `birth`, `edge_node` and `host` are the state of a host, `host_event` is what it tells; `targets` are
//! its streams; `command` makes what a host sends. `endpoint`, `client`
//! and `source` connect them to the collector. `browse` lists metrics for the command line.
//!
//! The session at the broker ends with the connection, as the specification wants it of hosts, and edge nodes send data
//! without acknowledgement. What is published while nobody listens is lost, unless the edge node keeps it and sends it
//! later as historical values. After every connect the edge nodes are asked for their births.

pub mod address;
pub mod browse;
pub mod endpoint;
pub mod source;
pub mod topic;

mod birth;
mod client;
mod command;
mod data_set;
mod data_type;
mod decode;
mod edge_node;
mod host;
mod host_event;
mod proto;
mod targets;
mod value;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod session_tests;

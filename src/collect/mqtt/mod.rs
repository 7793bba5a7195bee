//! MQTT client: a device is a subscription at somebody else's broker, and its streams are values in the messages.
//!
//! Addresses, settings, times and payloads are pure. `wire` translates the codec's packets, `transport` opens the
//! connection, `session` drives it in a task and keeps messages in a bounded `inbox`, `client` sends requests through
//! it, and `source` is the polling source for the collector. `browse` lists topics for the command line.
//!
//! A message is acknowledged only after the store has its readings. The session at the broker outlasts connections
//! (Clean Session 0, one client id), so what was not acknowledged comes again.
//!
//! `sparkplug` reads the same brokers as a host application of Sparkplug B, with a codec, addresses and a session of its
//! own kind.

pub mod address;
pub mod broker_client;
pub mod browse;
pub mod endpoint;
pub mod sparkplug;
pub mod wire;

mod client;
mod identify;
mod inbox;
mod message_time;
mod payload;
mod protocol;
mod seen_topics;
mod session;
mod skipped_message;
mod source;
mod transport;

pub use identify::identify;
pub use protocol::Mqtt;

#[cfg(test)]
mod fake_broker;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod session_tests;

//! What gateways report about devices: sessions, pairing and installations, logs of containers, and answers to
//! commands; with a feed of all of it, and of messages, for those who follow.
//!
//! The last session event of each device and the newest log lines are kept in memory only: after a restart a device is
//! unknown until it reports again. Commands are in the catalog.

mod container_logs;
mod event;
pub mod feed;
mod hub;
pub mod last_report;
mod last_reports;
pub mod log;
mod report;
pub mod session;

pub use self::event::GatewayEvent;
pub use self::hub::GatewayHub;

//! Reports of gateways about devices: sessions, pairing and installations, logs of containers, and answers to
//! commands; with a feed of all of it, and of messages, for those who follow.
//!
//! The last session event of each device and the newest log lines are kept in memory only: after a restart a device is
//! unknown until it reports again. Commands are in the catalog.

mod container_logs;
pub mod event;
pub mod feed;
pub mod hub;
pub mod last_report;
mod last_reports;
pub mod log;
mod report;
pub mod session;

use std::sync::Arc;

use self::hub::GatewayHub;
use super::command::Commands;
use super::core_parts::CoreParts;
use super::device::Devices;
use super::live::LiveFeeds;
use super::messages::MessageSettings;
use crate::domain::Clock;
use crate::store::Store;

/// Services that a gateway calls.
pub(super) struct GatewayCalls {
    pub feeds: Arc<LiveFeeds>,
    pub devices: Arc<Devices>,
    pub commands: Arc<Commands>,
}

/// Gateways: what they report about devices, and the feed of it.
pub struct Gateway {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hub: Arc<GatewayHub>,
    feeds: Arc<LiveFeeds>,
    devices: Arc<Devices>,
    pub(super) commands: Arc<Commands>,
    /// Whether messages are derived from readings that came another way.
    derives: bool,
}

impl Gateway {
    pub(super) fn new(
        parts: &CoreParts,
        hub: Arc<GatewayHub>,
        calls: GatewayCalls,
        settings: &MessageSettings,
    ) -> Self {
        let GatewayCalls { feeds, devices, commands } = calls;
        let (store, clock) = (parts.store.clone(), parts.clock.clone());
        Self { store, clock, hub, feeds, devices, commands, derives: settings.derives }
    }
}

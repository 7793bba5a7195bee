//! Events of gateways, as subscribers of the feed receive them.

use std::sync::Arc;

use super::log::LogLines;
use super::session::SessionRecord;
use crate::domain::DeviceId;
use crate::domain::command::Command;
use crate::domain::message::StoredMessage;

/// Something that was reported.
#[derive(Debug, Clone, PartialEq)]
pub enum GatewayEvent {
    /// A session, a pairing state or an installation changed.
    Session(Arc<SessionRecord>),
    /// Lines of a container's log.
    Log(Arc<LogLines>),
    /// A message was stored.
    Message(Arc<StoredMessage>),
    /// A command was created or its state changed.
    Command(Arc<Command>),
}

impl GatewayEvent {
    /// Returns the device that the event is about.
    pub fn device(&self) -> DeviceId {
        match self {
            GatewayEvent::Session(record) => record.device,
            GatewayEvent::Log(lines) => lines.device,
            GatewayEvent::Message(message) => message.device,
            GatewayEvent::Command(command) => command.spec.device,
        }
    }
}

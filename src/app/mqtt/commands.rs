//! Commands for a session: those that are stored, the oldest first and as its client takes them, and those that are new.

use bytes::Bytes;

use super::feed;
use super::message::{MessageSource, OutboundMessage};
use super::retained;
use super::session::MqttSession;
use super::topics::CONTROL_TREE;
use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::mqtt::{Qos, Subscription, topic};
use crate::domain::{CommandId, Resource, Scope};

/// Stored commands that are looked at before others have their turn.
const COMMAND_SLICE: usize = 256;
/// The id before all others.
const FIRST_COMMAND: CommandId = CommandId(0);

impl MqttSession {
    /// Looks through the stored commands for those that wait for the devices of the subscriptions.
    pub(super) fn look_for_commands(&mut self) {
        if self.new_commands.is_some() {
            self.command_backlog = Some(FIRST_COMMAND);
        }
    }

    /// Queues the next of the stored commands, the oldest first, as far as there is room.
    pub(super) fn queue_waiting_commands(&mut self) {
        let Some(from) = self.command_backlog else { return };
        let stored =
            self.broker.store.catalog().commands.stored_commands(self.principal(), from, COMMAND_SLICE);
        self.command_backlog = (stored.len() == COMMAND_SLICE)
            .then(|| stored.last().map(|command| CommandId(command.id.0.saturating_add(1))))
            .flatten();
        for command in stored {
            if !self.queue_command(&command) {
                self.command_backlog = Some(command.id);
                return;
            }
        }
    }

    /// Queues a command that was made or changed, unless it is found in its turn.
    pub(super) fn queue_new_command(&mut self, command: &Command) {
        let is_in_backlog = self.command_backlog.is_some_and(|from| command.id >= from);
        if is_in_backlog {
            self.forget_command(command);
        } else if !self.queue_command(command) {
            self.command_backlog = Some(command.id);
        }
    }

    /// Forgets a command that nobody waits for any more; `false` for one that is open.
    fn forget_command(&mut self, command: &Command) -> bool {
        let is_over = command.state_at(self.broker.clock.now()).is_final() || command.acked_at.is_some();
        if is_over {
            self.memory.commands.remove(&command.uuid);
        }
        is_over
    }

    /// Queues a command if it is open, matches a subscription and was not sent in this session before; `false` when there
    /// is no room for it.
    fn queue_command(&mut self, command: &Command) -> bool {
        if self.forget_command(command) || self.memory.commands.contains(&command.uuid) {
            return true;
        }
        let of_platform = self.platform_command_topic(command);
        let is_platform = of_platform.is_some();
        let Some((topic, qos)) = of_platform.or_else(|| self.command_topic(command)) else { return true };
        if !self.has_room() {
            return false;
        }
        let (source, payload) = match is_platform {
            true => {
                let Some(payload) = self.platform_payload(command) else { return true };
                (MessageSource::PlatformCommand(command.uuid), payload)
            }
            false => (MessageSource::Command(command.uuid), feed::command_payload(command)),
        };
        self.memory.commands.insert(command.uuid);
        self.queue(OutboundMessage { topic: topic.into(), payload, qos, is_retained: false, source });
        true
    }

    /// A command as the platform sends it. One whose firmware is gone waits for its timeout.
    fn platform_payload(&self, command: &Command) -> Option<Bytes> {
        match self.broker.firmware.device_command_message(self.principal(), command) {
            Ok(message) => Some(message.to_string().into()),
            Err(error) => {
                let (id, error) = (command.uuid, error.full_message());
                tracing::warn!(%id, error, "a command is not sent to its device");
                None
            }
        }
    }

    /// `control/{project}/{gateway}/{device}/{kind}`, under the names that a subscription has. A filter that begins with
    /// a wildcard gets no commands: a second subscriber would take them from the gateway's queue.
    fn command_topic(&self, command: &Command) -> Option<(String, Qos)> {
        let (catalog, who) = (self.broker.store.catalog(), self.principal());
        // The rights may have changed since a session that goes on had subscribed.
        if who.require(Scope::write(Resource::Device)).is_err()
            || !who.owns_device(command.org, command.spec.device)
        {
            return None;
        }
        let device = catalog.devices.device(who, command.spec.device).ok()?;
        let gateway = device.spec.parent_device.and_then(|id| catalog.devices.device(who, id).ok());
        let gateway = gateway.as_deref().unwrap_or(&device);
        let org = catalog.orgs.org_of(who)?;
        let keys_first = |device: &Device| retained::names(device).into_iter().rev().collect::<Vec<_>>();
        let (gateways, devices) = (keys_first(gateway), keys_first(&device));
        let mut topics = Vec::new();
        for project in [&org.slug, &org.name] {
            for gateway in &gateways {
                for device in &devices {
                    topics.push(format!("{CONTROL_TREE}/{project}/{gateway}/{device}/{}", command.spec.kind));
                }
            }
        }
        let of_tree = |known: &&Subscription| known.filter.starts_with(CONTROL_TREE);
        for name in topics {
            let own = self.subscriptions.iter().filter(of_tree);
            if let Some(qos) = own.filter(|s| topic::matches(&s.filter, &name)).map(|s| s.qos).max() {
                return Some((name, qos));
            }
        }
        None
    }
}

//! Commands as the MK platform has them, over the command queue of the core: created for a device, sent to it when it is
//! connected, answered by it, or ended by their time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::configuration::Configurations;
use super::firmware::Firmware;
use super::new_command::{BIND, NewCommand, UNBIND, UPDATE_FIRMWARE};
use crate::app::core_parts::CoreParts;
use crate::domain::command::{Command, CommandFilter, CommandSpec, CommandState};
use crate::domain::command_message::parse_command_response;
use crate::domain::configuration::binding::TargetType;
use crate::domain::pagination::Pagination;
use crate::domain::topology::ProvisioningPhase;
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Commands for devices of the platform.
pub struct DeviceCommands {
    store: Arc<Store>,
    firmware: Arc<Firmware>,
    configurations: Arc<Configurations>,
}

impl DeviceCommands {
    pub(super) fn new(
        parts: &CoreParts,
        firmware: Arc<Firmware>,
        configurations: Arc<Configurations>,
    ) -> Self {
        Self { store: parts.store.clone(), firmware, configurations }
    }

    /// Queues a command for a device. One that binds or unbinds an artefact changes the binding first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound` for a device that the principal may not change; `Conflict`
    /// for one that was never seen; `Invalid` naming the rule; `Busy` when too many commands wait.
    pub async fn create_device_command(
        &self,
        principal: &Principal,
        device: Uuid,
        mut new: NewCommand,
    ) -> Result<Command> {
        principal.require(Scope::write(Resource::Device))?;
        let device = self.store.catalog().devices.device_by_uuid(principal, device)?;
        Error::check(new.problems())?;
        if device.topology.phase == ProvisioningPhase::Pending {
            return Err(Error::conflict("the device is PENDING: it takes commands once it has checked in"));
        }
        if new.kind == UPDATE_FIRMWARE {
            self.firmware.complete_firmware_update(principal, &device, &mut new)?;
        }
        if new.kind == BIND || new.kind == UNBIND {
            let (target_type, target) = match new.id("componentId") {
                Some(component) => (TargetType::Component, component),
                None => (TargetType::Device, device.aliases.uuid),
            };
            let Some(artefact) = new.id("configArtefactId") else {
                return Err(Error::field("params.configArtefactId", "must not be null"));
            };
            let is_bound = new.kind == BIND;
            let (configurations, place) = (&self.configurations, (target_type, target));
            configurations.bind_by_command(principal, device.id, place, (artefact, is_bound)).await?;
        }
        let spec = CommandSpec { device: device.id, kind: new.kind, params: new.params.into() };
        let ttl = Duration::from_secs(new.timeout_s.unsigned_abs());
        let catalog = self.store.catalog();
        let created = catalog.commands.create_commands_as(principal, vec![spec], ttl, new.created_by).await?;
        let command = created.first().ok_or_else(|| Error::internal("a command was not created"))?;
        Ok(Command::clone(command))
    }

    /// Returns the commands of a device, the newest first, with their state now.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn device_commands(
        &self,
        principal: &Principal,
        device: Uuid,
        state: Option<CommandState>,
    ) -> Result<Vec<Command>> {
        principal.require(Scope::read(Resource::Device))?;
        let device = self.store.catalog().devices.device_by_uuid(principal, device)?;
        let page = Pagination::ALL;
        Ok(self
            .store
            .catalog()
            .commands
            .commands(principal, &CommandFilter { device: Some(device.id), state, page }))
    }

    /// Returns a command of a device.
    ///
    /// # Errors
    /// The errors of [`DeviceCommands::device_commands`]; `NotFound` for a command of another device too.
    pub fn device_command(&self, principal: &Principal, device: Uuid, command: Uuid) -> Result<Command> {
        principal.require(Scope::read(Resource::Device))?;
        let device = self.store.catalog().devices.device_by_uuid(principal, device)?;
        let command = self.store.catalog().commands.command(principal, command)?;
        if command.spec.device == device.id { Ok(command) } else { Err(Error::not_found()) }
    }

    /// Stores the answer of a device to one of its commands, as it was sent over MQTT.
    ///
    /// # Errors
    /// The errors of `Commands::report_command`; those of [`parse_command_response`]; `NotFound` for a command of another device.
    pub async fn report_device_command(
        &self,
        principal: &Principal,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<Command> {
        principal.require(Scope::write(Resource::Device))?;
        let response = parse_command_response(bytes)?;
        let command = self.store.catalog().commands.command(principal, response.id)?;
        if command.spec.device != device {
            return Err(Error::not_found());
        }
        self.store.catalog().commands.report_command(principal, response.id, response.report).await
    }

    /// Follows the commands that a device is to be sent: first those that wait, then each new one.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn follow_device_commands(
        &self,
        principal: Arc<Principal>,
        device: DeviceId,
    ) -> Result<DeviceCommandFeed> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().devices.device(&principal, device)?;
        Ok(DeviceCommandFeed {
            // Before the waiting ones are read, so that none is missed between.
            changes: self.store.catalog().commands.subscribe_command_changes(&principal),
            store: self.store.clone(),
            who: principal,
            device,
            is_behind: true,
            waiting: Vec::new(),
        })
    }
}

/// The commands that a device is to be sent. A command may come twice: whoever sends it marks it as sent, and one that is
/// marked does not come again.
pub struct DeviceCommandFeed {
    changes: broadcast::Receiver<Arc<Command>>,
    store: Arc<Store>,
    who: Arc<Principal>,
    device: DeviceId,
    /// Whether the waiting commands have to be read from the catalog.
    is_behind: bool,
    /// Commands to be sent, the newest first.
    waiting: Vec<Command>,
}

impl DeviceCommandFeed {
    /// Waits for the next command. Dropping the future loses nothing. Commands whose time is over never come.
    ///
    /// # Errors
    /// `Unavailable` when the server is shutting down.
    pub async fn next(&mut self) -> Result<Command> {
        loop {
            if std::mem::take(&mut self.is_behind) {
                self.waiting = self.pending_commands();
            }
            while let Some(command) = self.waiting.pop() {
                // It may have been sent, answered or ended while others were sent.
                let current = self.store.catalog().commands.command(&self.who, command.uuid);
                if let Ok(current) = current
                    && current.state == CommandState::Pending
                {
                    return Ok(current);
                }
            }
            match self.changes.recv().await {
                Ok(changed) if changed.spec.device == self.device => {
                    if changed.state == CommandState::Pending {
                        self.waiting.push(Command::clone(&changed));
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return Err(Error::unavailable("the server is shutting down")),
            }
        }
    }

    /// The commands that wait, the newest first.
    fn pending_commands(&self) -> Vec<Command> {
        let filter = CommandFilter {
            device: Some(self.device),
            state: Some(CommandState::Pending),
            page: Pagination::ALL,
        };
        self.store.catalog().commands.commands(&self.who, &filter)
    }
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;

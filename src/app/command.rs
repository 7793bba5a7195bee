//! Commands for devices: queued, delivered by subscribers, answered by the device or its gateway.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::core_parts::CoreParts;
use crate::domain::command::{Command, CommandFilter, CommandReport, CommandSpec, CommandState};
use crate::domain::{Clock, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Settings of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSettings {
    /// How long a command waits for its answer.
    pub ttl: Duration,
}

impl Default for CommandSettings {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(60) }
    }
}

/// Commands for devices.
pub struct Commands {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// How long a command waits for its answer.
    pub(super) ttl: Duration,
}

impl Commands {
    pub(super) fn new(parts: &CoreParts, settings: &CommandSettings) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), ttl: settings.ttl }
    }

    /// Queues commands, all or none.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; as `CommandCatalog::create_commands`.
    pub async fn create_commands(
        &self,
        principal: &Principal,
        specs: Vec<CommandSpec>,
    ) -> Result<Vec<Arc<Command>>> {
        principal.require(Scope::write(Resource::Device))?;
        self.store.catalog().commands.create_commands(principal, specs, self.ttl).await
    }

    /// Returns the commands of devices that the principal may change, the newest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn commands(&self, principal: &Principal, filter: &CommandFilter) -> Result<Vec<Command>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().commands.commands(principal, filter))
    }

    /// Returns a command.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub fn command(&self, principal: &Principal, uuid: Uuid) -> Result<Command> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().commands.command(principal, uuid)
    }

    /// Returns a command for a principal that may report about it.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound`.
    pub fn command_to_report(&self, principal: &Principal, uuid: Uuid) -> Result<Command> {
        principal.require(Scope::write(Resource::Device))?;
        self.store.catalog().commands.command(principal, uuid)
    }

    /// Returns a command by its short key.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub fn command_by_key(&self, principal: &Principal, key: &str) -> Result<Command> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().commands.command_by_key(principal, key)
    }

    /// Stores what a device or its gateway reports about a command.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound`; `Conflict` after a final state; `Gone` after the
    /// command's time; `Invalid` naming the rule.
    pub async fn report_command(
        &self,
        principal: &Principal,
        uuid: Uuid,
        report: CommandReport,
    ) -> Result<Command> {
        principal.require(Scope::write(Resource::Device))?;
        self.store.catalog().commands.report_command(principal, uuid, report).await
    }

    /// Notes that commands were passed on. Those that were answered or ended meanwhile stay as they are.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read` or `device:write`; `NotFound`.
    pub async fn mark_sent(&self, principal: &Principal, uuid: Uuid) -> Result<Command> {
        let command = self.command(principal, uuid)?;
        if command.state != CommandState::Pending {
            return Ok(command);
        }
        let sent = CommandReport {
            state: CommandState::Sent,
            result: serde_json::Value::Null,
            error: String::new(),
        };
        self.report_command(principal, uuid, sent).await
    }

    /// Waits until a command has its final state, at most `patience`, and returns it as it is then.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub async fn wait_for_command(
        &self,
        principal: &Principal,
        uuid: Uuid,
        patience: Duration,
    ) -> Result<Command> {
        let end = Instant::now() + patience;
        let mut changes = self.store.catalog().commands.subscribe_command_changes(principal);
        loop {
            let command = self.command(principal, uuid)?;
            if command.state.is_final() {
                return Ok(command);
            }
            let left = command.expires_at.0.saturating_sub(self.clock.now().0).max(0);
            let expiry = Instant::now() + Duration::from_micros(left.unsigned_abs());
            let changed = async {
                loop {
                    match changes.recv().await {
                        Ok(changed) if changed.uuid == uuid => return Ok(()),
                        // What was missed is read again.
                        Err(RecvError::Lagged(_)) => return Ok(()),
                        Ok(_) => {}
                        Err(RecvError::Closed) => {
                            return Err(Error::unavailable("the server is shutting down"));
                        }
                    }
                }
            };
            match timeout_at(end.min(expiry), changed).await {
                Ok(changed) => changed?,
                Err(_) if Instant::now() >= end => return self.command(principal, uuid),
                Err(_) => {}
            }
        }
    }
}

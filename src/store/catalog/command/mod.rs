//! Commands in the catalog: created for a device, answered once, removed an hour after their time.

pub(super) mod index;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::mirror::Mirror;
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use crate::domain::alias::short_key;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::command::{
    Command, CommandFilter, CommandReport, CommandSpec, CommandState, MAX_OPEN_PER_DEVICE, MAX_PER_ORG,
};
use crate::domain::{CommandId, DeviceId, Error, Micros, OrgId, Principal, Result};
use crate::store::org_channels::OrgChannels;

/// Changes of commands that a slow subscriber may lag behind.
const COMMAND_CHANNEL_CAPACITY: usize = 4096;
/// Commands removed per statement: databases limit the number of parameters.
const MAX_REMOVED_PER_STATEMENT: usize = 500;

/// Commands for devices.
pub struct CommandCatalog {
    core: Arc<CatalogCore>,
    command_changes: Arc<OrgChannels<Arc<Command>>>,
}

impl CommandCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core, command_changes: Arc::new(OrgChannels::new(COMMAND_CHANNEL_CAPACITY)) }
    }

    /// Creates commands that are delivered and answered within `ttl`, all or none.
    ///
    /// # Errors
    /// `Invalid` naming the rule; `NotFound` for a device that the principal may not change; `Busy` when too many
    /// commands of the device wait, or the organization has too many.
    pub async fn create_commands(
        &self,
        who: &Principal,
        specs: Vec<CommandSpec>,
        ttl: Duration,
    ) -> Result<Vec<Arc<Command>>> {
        let created_by = who.caller.to_string();
        self.create_commands_as(who, specs, ttl, created_by).await
    }

    /// Creates commands in the name of `created_by`.
    ///
    /// # Errors
    /// The errors of [`CommandCatalog::create_commands`].
    pub async fn create_commands_as(
        &self,
        who: &Principal,
        specs: Vec<CommandSpec>,
        ttl: Duration,
        created_by: String,
    ) -> Result<Vec<Arc<Command>>> {
        for spec in &specs {
            Error::check(spec.problems())?;
        }
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let over = {
            let visible = transaction.visible_to(who);
            specs.iter().try_for_each(|spec| visible.writable_device(spec.device).map(drop))?;
            let commands = &visible.mirror.commands;
            let over = commands.eviction(who.org, specs.len(), MAX_PER_ORG, now);
            let over = over.ok_or_else(|| Error::busy("the organization has too many commands"))?;
            check_open(&visible, &specs, now)?;
            over
        };
        let blank = |spec| Command { created_by: created_by.clone(), ..blank(who.org, spec, now, ttl) };
        let commands: Vec<Command> = specs.into_iter().map(blank).collect();
        let gone = over.clone();
        let insert = async move |db: DbTransaction| {
            for some in gone.chunks(MAX_REMOVED_PER_STATEMENT) {
                let ids = some.iter().map(|id| id.0);
                let old =
                    entity::command::Entity::delete_many().filter(entity::command::Column::Id.is_in(ids));
                old.exec(&*db).await.map_err(unavailable)?;
            }
            let mut stored = Vec::with_capacity(commands.len());
            for command in &commands {
                let row = entity::command::new(command).insert(&*db).await.map_err(unavailable)?;
                stored.push(Arc::new(Command::try_from(row)?));
            }
            Ok(stored)
        };
        let audit = |stored: &Vec<Arc<Command>>| {
            stored.iter().map(|command| AuditChange::new(Action::Create, "command", command.id.0)).collect()
        };
        let changes = Arc::clone(&self.command_changes);
        let apply = move |mirror: &mut Mirror, stored: &Vec<Arc<Command>>| {
            over.iter().for_each(|id| mirror.commands.remove(*id));
            for command in stored {
                mirror.commands.put(Arc::clone(command));
                changes.send(command.org, || Arc::clone(command));
            }
        };
        transaction.commit_changes(who, insert, audit, apply).await
    }

    /// Returns the commands of the devices that the principal may change, the newest first, with their state now.
    pub fn commands(&self, who: &Principal, filter: &CommandFilter) -> Vec<Command> {
        let now = self.core.clock.now();
        let visible = self.core.visible_to(who);
        let is_wanted = |command: &&Arc<Command>| {
            is_visible(&visible, command, now)
                && filter.state.is_none_or(|state| command.state_at(now) == state)
        };
        let commands = &visible.mirror.commands;
        let all: Box<dyn Iterator<Item = &Arc<Command>>> = match filter.device {
            Some(device) => Box::new(commands.of_device(device).rev()),
            None => Box::new(commands.all().rev()),
        };
        let page = all.filter(is_wanted).skip(filter.page.offset).take(filter.page.limit);
        page.map(|command| command.at(now)).collect()
    }

    /// Returns the next commands of the devices that the principal may change, from an id on, the oldest first and as they
    /// are stored: nothing is copied.
    pub fn stored_commands(&self, who: &Principal, from: CommandId, most: usize) -> Vec<Arc<Command>> {
        let now = self.core.clock.now();
        let visible = self.core.visible_to(who);
        let commands = visible.mirror.commands.from(from);
        commands.filter(|command| is_visible(&visible, command, now)).take(most).cloned().collect()
    }

    /// Returns a command with its state now; `NotFound` when it is absent, over, or of a device that the principal may
    /// not change.
    pub fn command(&self, who: &Principal, uuid: Uuid) -> Result<Command> {
        let now = self.core.clock.now();
        let visible = self.core.visible_to(who);
        let command = visible.mirror.commands.by_uuid(uuid).ok_or_else(Error::not_found)?;
        if is_visible(&visible, command, now) { Ok(command.at(now)) } else { Err(Error::hidden()) }
    }

    /// Returns the command with this key, with its state now; `NotFound` as for [`CommandCatalog::command`].
    pub fn command_by_key(&self, who: &Principal, key: &str) -> Result<Command> {
        let now = self.core.clock.now();
        let visible = self.core.visible_to(who);
        let command = visible.mirror.commands.by_key(who.org, key).ok_or_else(Error::not_found)?;
        if is_visible(&visible, command, now) { Ok(command.at(now)) } else { Err(Error::hidden()) }
    }

    /// Stores a report about a command and returns the command.
    ///
    /// # Errors
    /// `NotFound` when it is absent, or of a device that the principal may not change; `Conflict` after a final state; `Gone`
    /// after its time.
    pub async fn report_command(
        &self,
        who: &Principal,
        uuid: Uuid,
        report: CommandReport,
    ) -> Result<Command> {
        Error::check(report.problems())?;
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let changed = {
            let visible = transaction.visible_to(who);
            let command = visible.mirror.commands.by_uuid(uuid).ok_or_else(Error::not_found)?;
            if !is_visible(&visible, command, now) {
                return Err(Error::hidden());
            }
            reported(command, report, now)?
        };
        let changed = Arc::new(changed);
        let row = entity::command::for_update(&changed);
        let update = async move |db: DbTransaction| {
            row.update(&*db).await.map_err(unavailable)?;
            Ok(changed)
        };
        let changes = Arc::clone(&self.command_changes);
        let apply = move |mirror: &mut Mirror, command: &Arc<Command>| {
            mirror.commands.put(Arc::clone(command));
            changes.send(command.org, || Arc::clone(command));
        };
        transaction.commit_unaudited(update, apply).await.map(|command| Command::clone(&command))
    }

    /// Receives every future change of a command of the principal's organization: the receiver checks visibility
    /// itself.
    pub fn subscribe_command_changes(&self, who: &Principal) -> broadcast::Receiver<Arc<Command>> {
        self.command_changes.subscribe(who.org)
    }
}

fn is_visible(visible: &VisibleCatalog, command: &Command, now: Micros) -> bool {
    !command.is_over(now) && visible.who.owns_device(command.org, command.spec.device)
}

/// Checks that no device has too many commands that wait for an answer.
fn check_open(visible: &VisibleCatalog, specs: &[CommandSpec], now: Micros) -> Result<()> {
    let commands = &visible.mirror.commands;
    let mut devices: Vec<DeviceId> = specs.iter().map(|spec| spec.device).collect();
    devices.sort_unstable();
    for same in devices.chunk_by(|a, b| a == b) {
        let open = commands.of_device(same[0]).filter(|command| !command.state_at(now).is_final()).count();
        if open + same.len() > MAX_OPEN_PER_DEVICE {
            return Err(Error::busy("too many commands of the device wait for an answer"));
        }
    }
    Ok(())
}

/// The command after a report.
fn reported(command: &Command, report: CommandReport, now: Micros) -> Result<Command> {
    match command.state_at(now) {
        CommandState::Expired => return Err(Error::gone("the time of the command is over")),
        CommandState::Done | CommandState::Failed => {
            return Err(Error::conflict(format!("the command is already {}", command.state.name())));
        }
        CommandState::Pending | CommandState::Sent | CommandState::Acknowledged => {}
    }
    if report.state == CommandState::Sent && command.acked_at.is_some() {
        // The device's own word came first; that the command was sent is known by it.
        return Ok(Command { sent_at: command.sent_at.or(Some(now)), ..command.clone() });
    }
    let mut changed = Command { state: report.state, ..command.clone() };
    match report.state {
        CommandState::Sent => changed.sent_at = changed.sent_at.or(Some(now)),
        CommandState::Acknowledged => changed.acked_at = changed.acked_at.or(Some(now)),
        CommandState::Done | CommandState::Failed => {
            changed.done_at = Some(now);
            (changed.result, changed.error) = (report.result, report.error);
        }
        CommandState::Pending | CommandState::Expired => {
            return Err(Error::field("state", format!("\"{}\" is not a valid choice.", report.state.name())));
        }
    }
    Ok(changed)
}

/// A new command of nobody, which the database gives its id.
fn blank(org: OrgId, spec: CommandSpec, now: Micros, ttl: Duration) -> Command {
    let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
    Command {
        id: CommandId(0),
        org,
        uuid: Uuid::new_v4(),
        key: short_key(Uuid::new_v4()),
        spec,
        created_by: String::new(),
        state: CommandState::Pending,
        created_at: now,
        expires_at: Micros(now.0.saturating_add(ttl)),
        sent_at: None,
        acked_at: None,
        done_at: None,
        result: serde_json::Value::Null,
        error: String::new(),
    }
}

//! In-memory index of commands: by id, uuid, key and device, with counts per organization.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::command::Command;
use crate::domain::{CommandId, DeviceId, Micros, OrgId};

/// Every command of every organization that is not over.
#[derive(Default)]
pub(super) struct CommandIndex {
    by_id: BTreeMap<CommandId, Arc<Command>>,
    by_uuid: HashMap<Uuid, CommandId>,
    by_key: HashMap<(OrgId, String), CommandId>,
    by_device: HashMap<DeviceId, BTreeSet<CommandId>>,
    counts: HashMap<OrgId, usize>,
}

impl CommandIndex {
    pub(super) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Command>> {
        self.by_id.get(self.by_uuid.get(&uuid)?)
    }

    pub(super) fn by_key(&self, org: OrgId, key: &str) -> Option<&Arc<Command>> {
        self.by_id.get(self.by_key.get(&(org, key.to_owned()))?)
    }

    /// Commands of a device, the oldest first.
    pub(super) fn of_device(&self, device: DeviceId) -> impl DoubleEndedIterator<Item = &Arc<Command>> {
        self.by_device.get(&device).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Every command, the oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Command>> {
        self.by_id.values()
    }

    /// The commands from an id on, the oldest first.
    pub(super) fn from(&self, id: CommandId) -> impl Iterator<Item = &Arc<Command>> {
        self.by_id.range(id..).map(|(_, command)| command)
    }

    pub(super) fn count_of(&self, org: OrgId) -> usize {
        self.counts.get(&org).copied().unwrap_or(0)
    }

    /// Ids of the commands that nobody can ask for any more.
    pub(super) fn expired(&self, now: Micros) -> Vec<CommandId> {
        self.all().filter(|command| command.is_over(now)).map(|command| command.id).collect()
    }

    /// Adds or replaces a command.
    pub(super) fn put(&mut self, command: Arc<Command>) {
        self.remove(command.id);
        self.by_uuid.insert(command.uuid, command.id);
        self.by_key.insert((command.org, command.key.clone()), command.id);
        self.by_device.entry(command.spec.device).or_default().insert(command.id);
        *self.counts.entry(command.org).or_default() += 1;
        self.by_id.insert(command.id, command);
    }

    pub(super) fn remove(&mut self, id: CommandId) {
        let Some(command) = self.by_id.remove(&id) else { return };
        self.by_uuid.remove(&command.uuid);
        self.by_key.remove(&(command.org, command.key.clone()));
        if let Some(ids) = self.by_device.get_mut(&command.spec.device) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_device.remove(&command.spec.device);
            }
        }
        if let Some(count) = self.counts.get_mut(&command.org) {
            *count -= 1;
        }
    }

    pub(super) fn remove_device(&mut self, device: DeviceId) {
        for id in self.by_device.get(&device).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }
}

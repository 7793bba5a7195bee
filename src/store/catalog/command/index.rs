//! In-memory index of commands: by id, uuid, key and device, with counts per organization.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::command::{Command, VIRTUAL_WRITE_KIND};
use crate::domain::{CommandId, DeviceId, Micros, OrgId};
use crate::store::catalog::mirror::id_sets::{IdSets, remove_id};

/// Every command of every organization that is not over.
#[derive(Default)]
pub(in crate::store::catalog) struct CommandIndex {
    by_id: BTreeMap<CommandId, Arc<Command>>,
    by_uuid: HashMap<Uuid, CommandId>,
    by_key: HashMap<(OrgId, String), CommandId>,
    by_device: IdSets<DeviceId, CommandId>,
    counts: HashMap<OrgId, usize>,
}

impl CommandIndex {
    pub(in crate::store::catalog) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Command>> {
        self.by_id.get(self.by_uuid.get(&uuid)?)
    }

    pub(in crate::store::catalog) fn by_key(&self, org: OrgId, key: &str) -> Option<&Arc<Command>> {
        self.by_id.get(self.by_key.get(&(org, key.to_owned()))?)
    }

    /// Commands of a device, the oldest first.
    pub(in crate::store::catalog) fn of_device(
        &self,
        device: DeviceId,
    ) -> impl DoubleEndedIterator<Item = &Arc<Command>> {
        self.by_device.get(&device).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Every command, the oldest first.
    pub(in crate::store::catalog) fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Command>> {
        self.by_id.values()
    }

    /// The commands from an id on, the oldest first.
    pub(in crate::store::catalog) fn from(&self, id: CommandId) -> impl Iterator<Item = &Arc<Command>> {
        self.by_id.range(id..).map(|(_, command)| command)
    }

    pub(in crate::store::catalog) fn count_of(&self, org: OrgId) -> usize {
        self.counts.get(&org).copied().unwrap_or(0)
    }

    /// Ids of the commands that nobody can ask for any more.
    pub(in crate::store::catalog) fn expired(&self, now: Micros) -> Vec<CommandId> {
        self.all().filter(|command| command.is_over(now)).map(|command| command.id).collect()
    }

    /// Ids of the commands to remove before `added` more of an organization, which then has at most `most`: those that
    /// nobody can ask for any more, and as many as it takes of the oldest ones that set a virtual pin and have ended. An
    /// application that sets values all the time would otherwise leave no room for any command. `None` when that is not
    /// enough.
    pub(in crate::store::catalog) fn eviction(
        &self,
        org: OrgId,
        added: usize,
        most: usize,
        now: Micros,
    ) -> Option<Vec<CommandId>> {
        let mut evicted = self.expired(now);
        if self.count_of(org) + added <= most {
            return Some(evicted);
        }
        let kept: Vec<&Arc<Command>> =
            self.all().filter(|command| command.org == org && !command.is_over(now)).collect();
        let excess = (kept.len() + added).saturating_sub(most);
        let gives_way =
            |command: &Command| command.spec.kind == VIRTUAL_WRITE_KIND && command.state_at(now).is_final();
        let ended = kept.iter().filter(|command| gives_way(command)).map(|command| command.id);
        let over = evicted.len();
        evicted.extend(ended.take(excess));
        (evicted.len() - over == excess).then_some(evicted)
    }

    /// Adds or replaces a command.
    pub(in crate::store::catalog) fn put(&mut self, command: Arc<Command>) {
        self.remove(command.id);
        self.by_uuid.insert(command.uuid, command.id);
        self.by_key.insert((command.org, command.key.clone()), command.id);
        self.by_device.entry(command.spec.device).or_default().insert(command.id);
        *self.counts.entry(command.org).or_default() += 1;
        self.by_id.insert(command.id, command);
    }

    pub(in crate::store::catalog) fn remove(&mut self, id: CommandId) {
        let Some(command) = self.by_id.remove(&id) else { return };
        self.by_uuid.remove(&command.uuid);
        self.by_key.remove(&(command.org, command.key.clone()));
        remove_id(&mut self.by_device, &command.spec.device, id);
        if let Some(count) = self.counts.get_mut(&command.org) {
            *count -= 1;
        }
    }

    pub(in crate::store::catalog) fn remove_device(&mut self, device: DeviceId) {
        for id in self.by_device.get(&device).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::command::{CommandSpec, CommandState, RESULT_KEEP_S};
    use crate::domain::time::MICROS_PER_SECOND;

    /// Microsecond at which the commands expire.
    const EXPIRY: i64 = 60;

    /// A command of an organization.
    fn command(id: i32, org: i32, kind: &str, state: CommandState) -> Arc<Command> {
        let spec = CommandSpec { device: DeviceId(org), kind: kind.to_owned(), params: Default::default() };
        Arc::new(Command {
            id: CommandId(id),
            org: OrgId(org),
            uuid: Uuid::from_u64_pair(0, u64::from(id.unsigned_abs())),
            key: format!("key_{id:05}"),
            spec,
            created_by: String::new(),
            state,
            created_at: Micros(0),
            expires_at: Micros(EXPIRY),
            sent_at: None,
            acked_at: None,
            done_at: None,
            result: Value::Null,
            error: String::new(),
        })
    }

    #[test]
    fn ended_writes_of_virtual_pins_give_way_to_new_commands() {
        let mut index = CommandIndex::default();
        for command in [
            command(1, 1, VIRTUAL_WRITE_KIND, CommandState::Done),
            command(2, 1, "set", CommandState::Done),
            command(3, 1, VIRTUAL_WRITE_KIND, CommandState::Pending),
            command(4, 1, VIRTUAL_WRITE_KIND, CommandState::Failed),
            command(5, 2, VIRTUAL_WRITE_KIND, CommandState::Done),
        ] {
            index.put(command);
        }
        let kept_until = EXPIRY + RESULT_KEEP_S * MICROS_PER_SECOND;
        let rows = [
            ("there is room", 1, 5, 10, Some(vec![])),
            ("the oldest one", 1, 4, 10, Some(vec![1])),
            ("as many as it takes", 2, 4, 10, Some(vec![1, 4])),
            ("one waits, and one is of another kind", 3, 4, 10, None),
            ("one has expired", 3, 4, EXPIRY, Some(vec![1, 3, 4])),
            ("results of other kinds stay", 4, 4, EXPIRY, None),
            ("all are over", 4, 4, kept_until, Some(vec![1, 2, 3, 4, 5])),
        ];
        for (name, added, most, now, expected) in rows {
            let evicted = index.eviction(OrgId(1), added, most, Micros(now));
            let expected = expected.map(|ids| ids.into_iter().map(CommandId).collect::<Vec<_>>());
            assert_eq!(evicted, expected, "{name}");
        }
    }
}

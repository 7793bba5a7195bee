//! The mirror: every organization, user, session, key, device, stream, group, model and policy in memory, with the indexes that
//! reads need. It repeats the database's cascades. Events are not here: their number has no bound.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::database::unavailable;
use super::entity;
use super::rows::Rows;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::model::{Model, ModelVersion};
use crate::domain::org::{Org, User};
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::retention::{EVERYTHING, NOTHING};
use crate::domain::session::Session;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, GroupId, ModelId, OrgId, Result, SessionId, StreamId, UserId};
use crate::store::table::Table;

/// The tables of the lake that hold rows of streams.
pub(super) const OF_STREAMS: [Table; 2] = [Table::Readings, Table::Statistics];

/// Rows that are read together: at their longest some tens of megabytes as text and as what it says.
const STREAMS_AT_ONCE: u64 = 1024;
/// Fewer, because a device may have metadata of many megabytes from before there was a limit.
const DEVICES_AT_ONCE: u64 = 64;

/// A policy's identity: one a table, for the organization (no stream) and for each stream.
type PolicyKey = (OrgId, PolicyTable, Option<StreamId>);

#[derive(Default)]
pub(super) struct Mirror {
    /// Named by slug.
    pub(super) orgs: Rows<Org>,
    users: Rows<User>,
    /// By the hash of their token.
    sessions: HashMap<[u8; 32], Arc<Session>>,
    /// Named by prefix.
    pub(super) keys: Rows<Key>,
    pub(super) devices: Rows<Device>,
    pub(super) groups: Rows<Group>,
    streams: Rows<Stream>,
    streams_of_org: HashMap<OrgId, BTreeSet<StreamId>>,
    members: HashMap<GroupId, BTreeSet<StreamId>>,
    models: BTreeMap<ModelId, Arc<Model>>,
    model_of: HashMap<StreamId, ModelId>,
    policies: HashMap<PolicyKey, Arc<Policy>>,
    /// From when on rows are kept for good, where that is not the beginning of time; by table and source, deleted ones
    /// included.
    floors: HashMap<(Table, i32), i64>,
    /// Counts the changes of streams, policies and floors.
    revision: u64,
}

impl Mirror {
    /// Reads the whole catalog.
    pub(super) async fn load(db: &DatabaseConnection) -> Result<Self> {
        let mut mirror = Self::default();
        for row in read(db, entity::org::Entity, |row| Ok(Org::from(row))).await? {
            mirror.orgs.put(row);
        }
        for row in read(db, entity::user::Entity, |row| Ok(User::from(row))).await? {
            mirror.put_user(row);
        }
        for row in read(db, entity::session::Entity, Session::try_from).await? {
            mirror.put_session(row);
        }
        for row in read(db, entity::key::Entity, Key::try_from).await? {
            mirror.keys.put(row);
        }
        mirror.load_devices(db).await?;
        for row in read(db, entity::group::Entity, |row| Ok(Group::from(row))).await? {
            mirror.groups.put(row);
        }
        mirror.load_streams(db).await?;
        mirror.load_models(db).await?;
        for row in read(db, entity::policy::Entity, Policy::try_from).await? {
            mirror.put_policy(row);
        }
        for row in read(db, entity::floor::Entity, |row| Ok((row.table()?, row))).await? {
            let (table, floor) = row.as_ref();
            mirror.put_floor(*table, floor.source_id, floor.kept_from);
        }
        Ok(mirror)
    }

    /// Devices and streams are read some at a time: as the driver holds rows, all of them together would take more memory
    /// than the server does afterwards.
    async fn load_devices(&mut self, db: &DatabaseConnection) -> Result<()> {
        use entity::device::{Column, Entity};
        let mut after = 0;
        while let Some(rows) = read_some::<Entity>(db, Column::Id, after, DEVICES_AT_ONCE).await? {
            for row in rows {
                after = row.id;
                self.devices.put(Arc::new(Device::try_from(row)?));
            }
        }
        Ok(())
    }

    async fn load_streams(&mut self, db: &DatabaseConnection) -> Result<()> {
        use entity::stream::{Column, Entity};
        let mut after = 0;
        while let Some(rows) = read_some::<Entity>(db, Column::Id, after, STREAMS_AT_ONCE).await? {
            for row in rows {
                after = row.id;
                self.put_stream(Arc::new(Stream::try_from(row)?));
            }
        }
        Ok(())
    }

    /// Models with their current versions; those of other versions, and all files, stay in the database.
    async fn load_models(&mut self, db: &DatabaseConnection) -> Result<()> {
        let rows = entity::model::Entity::find().all(db).await.map_err(unavailable)?;
        let versions = entity::model_version::Entity::find().all(db).await.map_err(unavailable)?;
        let mut current: HashMap<_, _> = versions.into_iter().map(|v| ((v.model_id, v.number), v)).collect();
        for row in rows {
            let version = current.remove(&(row.id, row.number));
            let damaged =
                || Error::unavailable(format!("the catalog's model {} has no current version", row.id));
            let version = ModelVersion::try_from(version.ok_or_else(damaged)?)?;
            self.put_model(Arc::new(row.with(version)));
        }
        Ok(())
    }

    pub(super) fn users(&self) -> &Rows<User> {
        &self.users
    }

    /// Adds a user, or replaces the one of the same id. Sessions of one who may not log in end.
    pub(super) fn put_user(&mut self, user: Arc<User>) {
        if !user.may_log_in() {
            self.sessions.retain(|_, session| session.user != user.id);
        }
        self.users.put(user);
    }

    /// Removes a user with the sessions.
    pub(super) fn remove_user(&mut self, id: UserId) {
        self.sessions.retain(|_, session| session.user != id);
        self.users.remove(id);
    }

    pub(super) fn session(&self, hash: &[u8; 32]) -> Option<&Arc<Session>> {
        self.sessions.get(hash)
    }

    /// Sessions of a user, the oldest first.
    pub(super) fn sessions_of(&self, user: UserId) -> Vec<Arc<Session>> {
        let mut own: Vec<_> =
            self.sessions.values().filter(|session| session.user == user).cloned().collect();
        own.sort_by_key(|session| session.id);
        own
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.sessions.values()
    }

    pub(super) fn put_session(&mut self, session: Arc<Session>) {
        self.sessions.insert(session.hash, session);
    }

    pub(super) fn remove_sessions(&mut self, ids: &[SessionId]) {
        self.sessions.retain(|_, session| !ids.contains(&session.id));
    }

    /// About what the devices, streams, groups and keys of an organization take in memory.
    pub(super) fn bytes_of(&self, org: OrgId) -> usize {
        let Self { devices, streams, groups, keys, .. } = self;
        devices.bytes_of(org) + streams.bytes_of(org) + groups.bytes_of(org) + keys.bytes_of(org)
    }

    pub(super) fn streams(&self) -> &Rows<Stream> {
        &self.streams
    }

    /// Ids of an organization's streams, ascending.
    pub(super) fn streams_of_org(&self, org: OrgId) -> impl Iterator<Item = StreamId> {
        self.streams_of_org.get(&org).into_iter().flatten().copied()
    }

    /// Ids of the streams in a group, ascending.
    pub(super) fn members(&self, group: GroupId) -> impl Iterator<Item = StreamId> {
        self.members.get(&group).into_iter().flatten().copied()
    }

    /// Adds a stream, or replaces the one of the same id.
    pub(super) fn put_stream(&mut self, stream: Arc<Stream>) {
        self.forget_stream(stream.id);
        self.revision += 1;
        self.streams_of_org.entry(stream.org).or_default().insert(stream.id);
        if let Some(group) = stream.spec.group {
            self.members.entry(group).or_default().insert(stream.id);
        }
        self.streams.put(stream);
    }

    /// Removes a stream, its policies and its model; its rows are to go.
    pub(super) fn remove_stream(&mut self, id: StreamId) {
        if let Some(model) = self.model_of.remove(&id) {
            self.models.remove(&model);
        }
        for table in OF_STREAMS {
            self.put_floor(table, id.0, NOTHING);
        }
        if let Some(stream) = self.forget_stream(id) {
            for table in PolicyTable::ALL {
                self.policies.remove(&(stream.org, table, Some(id)));
            }
        }
    }

    fn forget_stream(&mut self, id: StreamId) -> Option<Arc<Stream>> {
        let stream = self.streams.remove(id)?;
        remove_from(&mut self.streams_of_org, stream.org, id);
        if let Some(group) = stream.spec.group {
            remove_from(&mut self.members, group, id);
        }
        Some(stream)
    }

    /// Removes a device and its streams; says which those were, ascending.
    pub(super) fn remove_device(&mut self, id: DeviceId) -> Vec<StreamId> {
        let streams: Vec<StreamId> = self.streams.ids_of(id).collect();
        streams.iter().for_each(|stream| self.remove_stream(*stream));
        self.devices.remove(id);
        self.put_floor(Table::Messages, id.0, NOTHING);
        streams
    }

    /// Removes a group; its streams are then in none.
    pub(super) fn remove_group(&mut self, id: GroupId) {
        for stream in self.members.remove(&id).unwrap_or_default() {
            if let Some(stream) = self.streams.get(stream).map(|s| Stream::clone(s)) {
                self.put_stream(Arc::new(without_group(stream)));
            }
        }
        self.groups.remove(id);
    }

    pub(super) fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        self.models.get(&id)
    }

    /// The model whose scores a stream holds.
    pub(super) fn model_of(&self, stream: StreamId) -> Option<&Arc<Model>> {
        self.models.get(self.model_of.get(&stream)?)
    }

    /// By id ascending.
    pub(super) fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// Adds a model, or replaces the one of the same id.
    pub(super) fn put_model(&mut self, model: Arc<Model>) {
        self.model_of.insert(model.stream, model.id);
        self.models.insert(model.id, model);
    }

    pub(super) fn remove_model(&mut self, id: ModelId) {
        if let Some(model) = self.models.remove(&id) {
            self.model_of.remove(&model.stream);
        }
    }

    pub(super) fn policy(
        &self,
        org: OrgId,
        table: PolicyTable,
        stream: Option<StreamId>,
    ) -> Option<&Arc<Policy>> {
        self.policies.get(&(org, table, stream))
    }

    #[cfg(test)]
    pub(super) fn policies(&self) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.values()
    }

    /// Seconds that a table keeps the rows of a stream: its own policy goes before the organization's.
    pub(super) fn drop_after_s(&self, stream: &Stream, table: PolicyTable) -> Option<i64> {
        let of = |id| self.policy(stream.org, table, id);
        of(Some(stream.id)).or_else(|| of(None)).map(|policy| policy.drop_after_s)
    }

    /// Whether there is neither a policy nor a floor.
    pub(super) fn keeps_everything(&self) -> bool {
        self.policies.is_empty() && self.floors.is_empty()
    }

    pub(super) fn floor(&self, table: Table, source: i32) -> i64 {
        self.floors.get(&(table, source)).copied().unwrap_or(EVERYTHING)
    }

    pub(super) fn floors(&self, table: Table) -> impl Iterator<Item = (i32, i64)> {
        self.floors.iter().filter(move |((of, _), _)| *of == table).map(|((_, id), from)| (*id, *from))
    }

    /// A floor never goes back.
    pub(super) fn put_floor(&mut self, table: Table, source: i32, kept_from: i64) {
        let floor = self.floors.entry((table, source)).or_insert(EVERYTHING);
        *floor = (*floor).max(kept_from);
        self.revision += 1;
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// A mirror loaded anew in place of `before`: nobody may take it for the same.
    pub(super) fn following(mut self, before: &Mirror) -> Self {
        self.revision += before.revision + 1;
        self
    }

    pub(super) fn put_policy(&mut self, policy: Arc<Policy>) {
        self.revision += 1;
        self.policies.insert((policy.org, policy.table, policy.stream), policy);
    }

    pub(super) fn remove_policy(&mut self, org: OrgId, table: PolicyTable, stream: Option<StreamId>) {
        self.revision += 1;
        self.policies.remove(&(org, table, stream));
    }
}

fn without_group(mut stream: Stream) -> Stream {
    stream.spec.group = None;
    stream
}

fn remove_from<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<StreamId>>, key: K, id: StreamId) {
    if let Some(ids) = index.get_mut(&key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(&key);
        }
    }
}

/// Every row of one table as its domain type.
async fn read<E: EntityTrait, R>(
    db: &DatabaseConnection,
    _table: E,
    convert: impl Fn(E::Model) -> Result<R>,
) -> Result<Vec<Arc<R>>> {
    let rows = E::find().all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|row| convert(row).map(Arc::new)).collect()
}

/// The next rows of a table whose ids are above `after`, by id ascending; `None` behind the last. Ids are positive.
async fn read_some<E: EntityTrait>(
    db: &DatabaseConnection,
    id: E::Column,
    after: i32,
    at_once: u64,
) -> Result<Option<Vec<E::Model>>> {
    let next = E::find().filter(id.gt(after)).order_by_asc(id).limit(at_once);
    let rows = next.all(db).await.map_err(unavailable)?;
    Ok((!rows.is_empty()).then_some(rows))
}

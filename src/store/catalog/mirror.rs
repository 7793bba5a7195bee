//! In-memory mirror of the catalog: every organization, user, session, key, device, stream, group, model and policy,
//! with the indexes that reads need. It repeats the database's cascades. Events are not mirrored: their number is
//! unbounded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::database::unavailable;
use super::entity;
use super::named_index::NamedIndex;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::model::{Model, ModelVersion};
use crate::domain::org::{Org, User};
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::retention::{BEGINNING_OF_TIME, END_OF_TIME};
use crate::domain::session::Session;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, GroupId, ModelId, OrgId, Result, SessionId, StreamId, UserId};
use crate::store::table::Table;

/// Lake tables with rows of streams.
pub(super) const STREAM_TABLES: [Table; 2] = [Table::Readings, Table::Statistics];

/// Streams loaded per query: at most some tens of megabytes as text and parsed.
const STREAM_LOAD_BATCH_ROWS: u64 = 1024;
/// Devices loaded per query: fewer, because a device stored before the size limit may have many megabytes of
/// metadata.
const DEVICE_LOAD_BATCH_ROWS: u64 = 64;

/// Identity of a policy: one per table for the organization (no stream) and for each stream.
type PolicyKey = (OrgId, PolicyTable, Option<StreamId>);

#[derive(Default)]
pub(super) struct Mirror {
    /// Named by slug.
    pub(super) orgs: NamedIndex<Org>,
    users: NamedIndex<User>,
    /// Keyed by the hash of their token.
    sessions: HashMap<[u8; 32], Arc<Session>>,
    /// Named by prefix.
    pub(super) keys: NamedIndex<Key>,
    pub(super) devices: NamedIndex<Device>,
    pub(super) groups: NamedIndex<Group>,
    streams: NamedIndex<Stream>,
    streams_of_org: HashMap<OrgId, BTreeSet<StreamId>>,
    members: HashMap<GroupId, BTreeSet<StreamId>>,
    models: BTreeMap<ModelId, Arc<Model>>,
    model_of: HashMap<StreamId, ModelId>,
    policies: HashMap<PolicyKey, Arc<Policy>>,
    /// Retention watermarks by table and source, deleted sources included: rows before them are gone for good.
    /// Sources that keep everything are absent.
    floors: HashMap<(Table, i32), i64>,
    /// Counts changes of streams, policies and floors.
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

    /// Devices and streams are loaded in batches: all rows at once, as the driver holds them, would take more memory
    /// than the server needs afterwards.
    async fn load_devices(&mut self, db: &DatabaseConnection) -> Result<()> {
        use entity::device::{Column, Entity};
        let mut after = 0;
        while let Some(rows) = read_some::<Entity>(db, Column::Id, after, DEVICE_LOAD_BATCH_ROWS).await? {
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
        while let Some(rows) = read_some::<Entity>(db, Column::Id, after, STREAM_LOAD_BATCH_ROWS).await? {
            for row in rows {
                after = row.id;
                self.put_stream(Arc::new(Stream::try_from(row)?));
            }
        }
        Ok(())
    }

    /// Loads models with their current versions; other versions and all files stay in the database.
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

    pub(super) fn users(&self) -> &NamedIndex<User> {
        &self.users
    }

    /// Adds or replaces a user. The sessions of a user who may not log in end.
    pub(super) fn put_user(&mut self, user: Arc<User>) {
        if !user.may_log_in() {
            self.sessions.retain(|_, session| session.user != user.id);
        }
        self.users.put(user);
    }

    /// Removes a user and its sessions.
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

    /// Estimated memory of an organization's devices, streams, groups and keys, bytes.
    pub(super) fn bytes_of(&self, org: OrgId) -> usize {
        let Self { devices, streams, groups, keys, .. } = self;
        devices.bytes_of(org) + streams.bytes_of(org) + groups.bytes_of(org) + keys.bytes_of(org)
    }

    pub(super) fn streams(&self) -> &NamedIndex<Stream> {
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

    /// Adds or replaces a stream.
    pub(super) fn put_stream(&mut self, stream: Arc<Stream>) {
        self.forget_stream(stream.id);
        self.revision += 1;
        self.streams_of_org.entry(stream.org).or_default().insert(stream.id);
        if let Some(group) = stream.spec.group {
            self.members.entry(group).or_default().insert(stream.id);
        }
        self.streams.put(stream);
    }

    /// Removes a stream, its policies and its model, and marks its rows for deletion.
    pub(super) fn remove_stream(&mut self, id: StreamId) {
        if let Some(model) = self.model_of.remove(&id) {
            self.models.remove(&model);
        }
        for table in STREAM_TABLES {
            self.put_floor(table, id.0, END_OF_TIME);
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

    /// Removes a device and its streams; returns their ids, ascending.
    pub(super) fn remove_device(&mut self, id: DeviceId) -> Vec<StreamId> {
        let streams: Vec<StreamId> = self.streams.ids_of(id).collect();
        streams.iter().for_each(|stream| self.remove_stream(*stream));
        self.devices.remove(id);
        self.put_floor(Table::Messages, id.0, END_OF_TIME);
        streams
    }

    /// Removes a group; its streams then have none.
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

    /// Adds or replaces a model.
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

    /// Retention of a stream in a table, seconds: its own policy takes precedence over the organization's.
    pub(super) fn drop_after_s(&self, stream: &Stream, table: PolicyTable) -> Option<i64> {
        let of = |id| self.policy(stream.org, table, id);
        of(Some(stream.id)).or_else(|| of(None)).map(|policy| policy.drop_after_s)
    }

    /// Whether there are no policies and no floors.
    pub(super) fn keeps_everything(&self) -> bool {
        self.policies.is_empty() && self.floors.is_empty()
    }

    pub(super) fn floor(&self, table: Table, source: i32) -> i64 {
        self.floors.get(&(table, source)).copied().unwrap_or(BEGINNING_OF_TIME)
    }

    pub(super) fn floors(&self, table: Table) -> impl Iterator<Item = (i32, i64)> {
        self.floors.iter().filter(move |((of, _), _)| *of == table).map(|((_, id), from)| (*id, *from))
    }

    /// Raises a floor; it never goes back.
    pub(super) fn put_floor(&mut self, table: Table, source: i32, kept_from: i64) {
        let floor = self.floors.entry((table, source)).or_insert(BEGINNING_OF_TIME);
        *floor = (*floor).max(kept_from);
        self.revision += 1;
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Continues the revision of `before`, so that a reloaded mirror is never mistaken for the old one.
    pub(super) fn with_revision_after(mut self, before: &Mirror) -> Self {
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

/// Loads every row of a table as its domain type.
async fn read<E: EntityTrait, R>(
    db: &DatabaseConnection,
    _table: E,
    convert: impl Fn(E::Model) -> Result<R>,
) -> Result<Vec<Arc<R>>> {
    let rows = E::find().all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|row| convert(row).map(Arc::new)).collect()
}

/// Loads the next rows with ids above `after`, by id ascending; `None` after the last. Ids are positive.
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

//! In-memory mirror of the catalog: every organization, user, session, key, device, stream, group, model and policy,
//! with the indexes that reads need. It repeats the database's cascades. Events are not mirrored: their number is
//! unbounded.

pub(super) mod id_sets;
pub(super) mod id_table;
mod load;
mod lone_table;
pub(super) mod named_index;
mod row_table;
mod rows;
#[cfg(test)]
mod summary;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use self::id_sets::{IdSets, remove_id};
use self::id_table::IdTable;
use self::named_index::NamedIndex;
use super::alert::rule_index::AlertRuleIndex;
use super::client::token_index::TokenIndex;
use super::command::index::CommandIndex;
use super::device::index::DeviceIndex;
use super::document::binding_report_index::BindingReportIndex;
use super::document::index::DocumentIndex;
use super::media::index::MediaIndex;
use super::object::index::ObjectIndex;
use super::provisioning::certificate_index::CertificateIndex;
use super::provisioning::registration_index::RegistrationIndex;
use crate::domain::alert::target::RuleTarget;
use crate::domain::client::Client;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::model::Model;
use crate::domain::org::{Org, User};
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::product::Product;
use crate::domain::retention::{BEGINNING_OF_TIME, END_OF_TIME};
use crate::domain::session::Session;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, ModelId, OrgId, ProductId, SessionId, StreamId, UserId};
use crate::store::table::Table;

pub(super) use self::lone_table::LoneTable;
pub(super) use self::row_table::{RowIds, RowTable};

/// Lake tables with rows of streams.
pub(super) const STREAM_TABLES: [Table; 2] = [Table::Readings, Table::Statistics];

/// Identity of a policy: one per table for the organization (no stream) and for each stream.
type PolicyKey = (OrgId, PolicyTable, Option<StreamId>);

#[derive(Default)]
pub(super) struct Mirror {
    /// Named by slug.
    pub(super) orgs: NamedIndex<Org>,
    /// Names of the plans that organizations have chosen.
    pub(super) plans: HashMap<OrgId, String>,
    users: NamedIndex<User>,
    /// Keyed by the hash of their token.
    sessions: HashMap<[u8; 32], Arc<Session>>,
    /// Named by prefix.
    pub(super) keys: NamedIndex<Key>,
    /// Named by client id.
    pub(super) clients: NamedIndex<Client>,
    pub(super) tokens: TokenIndex,
    pub(super) products: NamedIndex<Product>,
    pub(super) devices: DeviceIndex,
    pub(super) certificates: CertificateIndex,
    pub(super) registrations: RegistrationIndex,
    pub(super) groups: NamedIndex<Group>,
    streams: NamedIndex<Stream>,
    /// Streams by device and channel.
    channels: IdTable<StreamId>,
    /// Streams whose pin is not their channel, by device and pin.
    pins: HashMap<(DeviceId, i32), StreamId>,
    streams_of_org: IdSets<OrgId, StreamId>,
    members: IdSets<GroupId, StreamId>,
    models: BTreeMap<ModelId, Arc<Model>>,
    model_of: HashMap<StreamId, ModelId>,
    policies: HashMap<PolicyKey, Arc<Policy>>,
    pub(super) commands: CommandIndex,
    pub(super) objects: ObjectIndex,
    pub(super) binding_reports: BindingReportIndex,
    pub(super) documents: DocumentIndex,
    pub(super) alert_rules: AlertRuleIndex,
    pub(super) media: MediaIndex,
    /// Streams by UUID.
    stream_uuids: IdTable<StreamId>,
    /// Retention watermarks by table and source, deleted sources included: rows before them are gone for good.
    /// Sources that keep everything are absent.
    floors: HashMap<(Table, i32), i64>,
    /// Counts changes of streams, policies and floors.
    revision: u64,
}

impl Mirror {
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

    /// Removes a user, its sessions, its clients and tokens; its devices then have no owner.
    pub(super) fn remove_user(&mut self, id: UserId) {
        self.sessions.retain(|_, session| session.user != id);
        if let Some(user) = self.users.remove(id) {
            self.devices.remove_owner(&user.name);
            let of_user = |client: &&Arc<Client>| client.spec.user == Some(id);
            let clients: Vec<_> = self.clients.all().filter(of_user).map(|client| client.id).collect();
            for client in clients {
                self.tokens.remove_of_client(client);
                self.clients.remove(client);
            }
            self.tokens.remove_of_user(id);
        }
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

    /// The product of an organization's devices that have no other.
    pub(super) fn default_product(&self, org: OrgId) -> Option<&Arc<Product>> {
        self.products.rows_of(org).find(|product| product.is_default)
    }

    /// Removes a product; its devices and derived products then refer to none.
    pub(super) fn remove_product(&mut self, id: ProductId) {
        let Some(product) = self.products.remove(id) else { return };
        let derived = self.products.rows_of(product.org).filter(|other| other.spec.parent == Some(id));
        let derived: Vec<_> = derived.map(|product| Product::clone(product)).collect();
        for mut product in derived {
            product.spec.parent = None;
            self.products.put(Arc::new(product));
        }
        self.devices.remove_product(product.org, id);
    }

    /// Estimated memory of an organization's devices, streams, groups, keys, products, clients and documents, bytes.
    pub(super) fn bytes_of(&self, org: OrgId) -> usize {
        let Self { devices, streams, groups, keys, products, clients, documents, alert_rules, .. } = self;
        let small =
            groups.bytes_of(org) + keys.bytes_of(org) + products.bytes_of(org) + clients.bytes_of(org);
        let small = small + documents.bytes_of(org) + alert_rules.bytes_of(org);
        devices.bytes_of(org) + streams.bytes_of(org) + small
    }

    pub(super) fn streams(&self) -> &NamedIndex<Stream> {
        &self.streams
    }

    /// The stream of a device with this channel.
    pub(super) fn stream_by_channel(&self, device: DeviceId, channel: i32) -> Option<&Arc<Stream>> {
        let is_it =
            |id| self.streams.get(id).is_some_and(|s| s.spec.device == device && s.channel == channel);
        self.streams.get(self.channels.find(&(device, channel), is_it)?)
    }

    /// The stream with this UUID.
    pub(super) fn stream_by_uuid(&self, uuid: Uuid) -> Option<&Arc<Stream>> {
        let is_it = |id| self.streams.get(id).is_some_and(|stream| stream.uuid == uuid);
        self.streams.get(self.stream_uuids.find(&uuid, is_it)?)
    }

    /// The stream of a device with this pin.
    pub(super) fn stream_by_pin(&self, device: DeviceId, pin: i32) -> Option<&Arc<Stream>> {
        match self.pins.get(&(device, pin)) {
            Some(id) => self.streams.get(*id),
            None => self.stream_by_channel(device, pin).filter(|stream| stream.spec.pin.is_none()),
        }
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
        self.channels.insert(&(stream.spec.device, stream.channel), stream.id);
        self.stream_uuids.insert(&stream.uuid, stream.id);
        if let Some(pin) = stream.spec.pin {
            self.pins.insert((stream.spec.device, pin), stream.id);
        }
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
        self.alert_rules.remove_target(RuleTarget::Stream(id));
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
        remove_id(&mut self.streams_of_org, &stream.org, id);
        self.channels.remove(&(stream.spec.device, stream.channel), id);
        self.stream_uuids.remove(&stream.uuid, id);
        if let Some(pin) = stream.spec.pin {
            let place = (stream.spec.device, pin);
            if self.pins.get(&place) == Some(&id) {
                self.pins.remove(&place);
            }
        }
        if let Some(group) = stream.spec.group {
            remove_id(&mut self.members, &group, id);
        }
        Some(stream)
    }

    /// Removes a device and its streams; returns their ids, ascending.
    pub(super) fn remove_device(&mut self, id: DeviceId) -> Vec<StreamId> {
        let streams: Vec<StreamId> = self.streams.ids_of(id).collect();
        streams.iter().for_each(|stream| self.remove_stream(*stream));
        self.alert_rules.remove_target(RuleTarget::Device(id));
        self.devices.remove(id);
        self.certificates.remove(id);
        self.registrations.remove_device(id);
        self.commands.remove_device(id);
        self.binding_reports.remove_device(id);
        self.documents.remove_device(id);
        self.media.remove_where(|job| job.device == id);
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

    /// Sets a floor that a wrong clock has raised back to an earlier time.
    pub(super) fn lower_floor(&mut self, table: Table, source: i32, kept_from: i64) {
        self.floors.insert((table, source), kept_from);
        self.revision += 1;
    }

    /// Raises a floor; one that is later already stays.
    pub(super) fn put_floor(&mut self, table: Table, source: i32, kept_from: i64) {
        let floor = self.floors.entry((table, source)).or_insert(BEGINNING_OF_TIME);
        *floor = (*floor).max(kept_from);
        self.revision += 1;
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Continues the revision of `before`, so that a reloaded mirror is never mistaken for the old one, and its
    /// subscriptions.
    pub(super) fn with_revision_after(mut self, before: &Mirror) -> Self {
        self.revision += before.revision + 1;
        self.documents.continue_after(&before.documents);
        self.alert_rules.continue_after(&before.alert_rules);
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

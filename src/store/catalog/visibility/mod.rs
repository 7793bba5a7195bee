//! Row-level visibility: the part of the catalog that one principal sees. Organization and allowed lists are applied
//! here and nowhere else; for users in `user_visibility`.
//!
//! The entities' files read rows for a principal only through these methods. They use `mirror` directly only for
//! names and dependent rows, in rules that hold for every caller.

pub(super) mod user;

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLockReadGuard;
use sea_orm::{ColumnTrait, Condition};
use serde_json::Value;
use uuid::Uuid;

use super::mirror::Mirror;
use super::{entity, no_such_row};
use crate::domain::annotation::AnnotationPlace;
use crate::domain::caller::Caller;
use crate::domain::client::Client;
use crate::domain::device::{Device, Protocol};
use crate::domain::document::{Document, DocumentKind, RowVisibility};
use crate::domain::event::Event;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::model::Model;
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::product::Product;
use crate::domain::stream::Stream;
use crate::domain::{
    ClientId, DeviceId, Error, FieldError, GroupId, KeyId, ModelId, OrgId, Principal, ProductId, Result,
    StreamId,
};

/// Metadata key of an AI device for the ids of its model's sources.
pub(super) const MODEL_SOURCE_KEY: &str = "source";

pub(super) struct VisibleCatalog<'a> {
    pub(super) who: &'a Principal,
    pub(super) mirror: RwLockReadGuard<'a, Mirror>,
}

/// Only the server's administrator may access organizations and users.
pub(super) fn require_administrator(who: &Principal) -> Result<()> {
    match who.caller {
        Caller::System => Ok(()),
        Caller::Key(_) | Caller::User(_) | Caller::Client { .. } | Caller::Subject(_) | Caller::Device(_) => {
            Err(Error::forbidden("only the server's administrator may do this"))
        }
    }
}

/// A principal restricted to some rows may not access what concerns the whole organization.
pub(super) fn require_unrestricted(who: &Principal) -> Result<()> {
    if who.is_restricted() {
        return Err(Error::forbidden("a key restricted to some devices or data may not do this"));
    }
    Ok(())
}

impl<'a> VisibleCatalog<'a> {
    pub(super) fn new(who: &'a Principal, mirror: RwLockReadGuard<'a, Mirror>) -> Self {
        Self { who, mirror }
    }

    /// Keys by id ascending. They belong to the whole organization, so a restricted key sees none, not even itself.
    pub(super) fn keys(&self) -> Vec<Arc<Key>> {
        if self.who.is_restricted() {
            return Vec::new();
        }
        self.mirror.keys.rows_of(()).filter(|key| key.org == self.who.org).cloned().collect()
    }

    pub(super) fn key(&self, id: KeyId) -> Result<&Arc<Key>> {
        let key = self.mirror.keys.get(id).ok_or_else(Error::not_found)?;
        let is_seen = key.org == self.who.org && !self.who.is_restricted();
        if is_seen { Ok(key) } else { Err(Error::hidden()) }
    }

    /// Clients by id ascending. They belong to the whole organization, so a restricted key sees none.
    pub(super) fn clients(&self) -> Vec<Arc<Client>> {
        if self.who.is_restricted() {
            return Vec::new();
        }
        let own = self.mirror.clients.all().filter(|client| client.org == self.who.org);
        let mut clients: Vec<_> = own.cloned().collect();
        clients.sort_by_key(|client| client.id);
        clients
    }

    pub(super) fn client(&self, id: ClientId) -> Result<&Arc<Client>> {
        let client = self.mirror.clients.get(id).ok_or_else(Error::not_found)?;
        let is_seen = client.org == self.who.org && !self.who.is_restricted();
        if is_seen { Ok(client) } else { Err(Error::hidden()) }
    }

    /// A device is visible when it is listed, or when one of its streams is.
    pub(super) fn device(&self, id: DeviceId) -> Result<&Arc<Device>> {
        let device = self.mirror.devices.get(id).ok_or_else(Error::not_found)?;
        let is_seen = device.org == self.who.org && (self.owns(device) || self.lists_stream_of(id));
        if is_seen { Ok(device) } else { Err(Error::hidden()) }
    }

    /// A device found by another identifier, as the principal sees it.
    pub(super) fn named_device(&self, found: Option<&Arc<Device>>) -> Result<Arc<Device>> {
        let device = self.device(found.ok_or_else(Error::not_found)?.id)?;
        Ok(self.redact_device(device))
    }

    /// The problem of a device's owner that is no user of the organization.
    pub(super) fn owner_problem(&self, name: &str) -> Option<FieldError> {
        let user = self.mirror.users().get_by_name((), name);
        let is_here = user.is_some_and(|user| user.org == self.who.org);
        (!is_here).then(|| FieldError::new("owner", format!("User \"{name}\" does not exist.")))
    }

    /// Products belong to the whole organization: each of its callers sees them.
    pub(super) fn product(&self, id: ProductId) -> Result<&Arc<Product>> {
        let product = self.mirror.products.get(id).ok_or_else(Error::not_found)?;
        if product.org == self.who.org { Ok(product) } else { Err(Error::hidden()) }
    }

    /// A device that the principal may change: `NotFound` when it is not visible, `Forbidden` when it is read-only.
    pub(super) fn writable_device(&self, id: DeviceId) -> Result<&Arc<Device>> {
        let device = self.device(id)?;
        if !self.owns(device) {
            return Err(Error::forbidden("this key may read the device but not change it"));
        }
        Ok(device)
    }

    /// The device that a new row refers to in `field`. A device that is not visible does not exist; whether a visible
    /// one may be changed is checked by `writable_device`, once everything else is valid.
    pub(super) fn referenced_device(
        &self,
        field: &'static str,
        id: DeviceId,
        problems: &mut Vec<FieldError>,
    ) -> Option<&Arc<Device>> {
        let found = self.device(id).ok();
        if found.is_none() {
            problems.push(no_such_row(field, id));
        }
        found
    }

    /// Ids of the visible devices, ascending.
    pub(super) fn device_ids(&self) -> Vec<DeviceId> {
        let all = self.mirror.devices.ids_of(self.who.org);
        if !self.who.is_restricted() {
            return all.collect();
        }
        let listed = self.who.devices.iter().flatten().copied();
        let candidates: BTreeSet<DeviceId> = listed.chain(self.parents()).collect();
        candidates
            .into_iter()
            .filter(|id| self.mirror.devices.get(*id).is_some_and(|d| d.org == self.who.org))
            .collect()
    }

    pub(super) fn stream(&self, id: StreamId) -> Result<&Arc<Stream>> {
        let stream = self.mirror.streams().get(id).ok_or_else(Error::not_found)?;
        if self.sees(stream) { Ok(stream) } else { Err(Error::hidden()) }
    }

    /// Ids of the visible streams, ascending.
    pub(super) fn stream_ids(&self) -> Vec<StreamId> {
        let Principal { org, devices, streams, .. } = self.who;
        if !self.who.is_restricted() {
            return self.mirror.streams_of_org(*org).collect();
        }
        let of_devices = devices.iter().flatten().flat_map(|d| self.mirror.streams().ids_of(*d));
        let candidates: BTreeSet<StreamId> = streams.iter().flatten().copied().chain(of_devices).collect();
        candidates.into_iter().filter(|id| self.stream(*id).is_ok()).collect()
    }

    /// A model is visible with its device.
    pub(super) fn model(&self, id: ModelId) -> Result<&Arc<Model>> {
        let model = self.mirror.model(id).ok_or_else(Error::not_found)?;
        self.device(model.device)?;
        Ok(model)
    }

    /// The model without the ids of sources that are not visible.
    pub(super) fn redact_model(&self, model: &Arc<Model>) -> Arc<Model> {
        let is_seen = |id: &StreamId| self.stream(*id).is_ok();
        if model.version.settings.sources.iter().all(is_seen) {
            return Arc::clone(model);
        }
        let mut model = Model::clone(model);
        model.version.settings.sources.retain(is_seen);
        Arc::new(model)
    }

    /// The device without the ids of model sources that are not visible: the model's creator may have seen more.
    pub(super) fn redact_device(&self, device: &Arc<Device>) -> Arc<Device> {
        let mut device = Arc::clone(device);
        if device.spec.parent_device.is_some_and(|parent| self.device(parent).is_err()) {
            Arc::make_mut(&mut device).spec.parent_device = None;
        }
        self.redact_sources(device)
    }

    fn redact_sources(&self, mut device: Arc<Device>) -> Arc<Device> {
        let Some(source) = device.spec.metadata.get(MODEL_SOURCE_KEY) else { return device };
        if !self.who.is_restricted() || device.spec.protocol != Protocol::Ai {
            return device;
        }
        let is_seen = |id: &Value| {
            let id = id.as_i64().and_then(|id| i32::try_from(id).ok());
            id.is_some_and(|id| self.stream(StreamId(id)).is_ok())
        };
        let seen = match source {
            Value::Array(ids) => Value::Array(ids.iter().filter(|id| is_seen(id)).cloned().collect()),
            id if is_seen(id) => id.clone(),
            _ => Value::Array(Vec::new()),
        };
        if seen != *source {
            Arc::make_mut(&mut device).spec.metadata.insert(MODEL_SOURCE_KEY.to_owned(), seen);
        }
        device
    }

    /// Groups have no allowed list: every group of the organization is visible, with its visible members only.
    pub(super) fn group(&self, id: GroupId) -> Result<&Arc<Group>> {
        let group = self.mirror.groups.get(id).ok_or_else(Error::not_found)?;
        if group.org == self.who.org { Ok(group) } else { Err(Error::hidden()) }
    }

    /// Visible groups, by id ascending.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.mirror.groups.rows_of(self.who.org)
    }

    /// Visible members of a group, ascending.
    pub(super) fn members(&self, group: GroupId) -> impl Iterator<Item = StreamId> {
        self.mirror.members(group).filter(|id| self.stream(*id).is_ok())
    }

    /// A document of devices is visible with all of them, any other to every caller of its organization who is not
    /// limited to some dashboards.
    pub(super) fn sees_document(&self, document: &Document) -> bool {
        document.org == self.who.org
            && self.who.dashboards.as_ref().is_none_or(|ids| ids.contains(&document.id))
            && [document.spec.device(), document.spec.second_device()]
                .into_iter()
                .flatten()
                .all(|device| self.device(device).is_ok())
    }

    /// The document without the rows that a restricted principal does not see.
    pub(super) fn redact_document(&self, document: &Arc<Document>) -> Arc<Document> {
        let mut document = Arc::clone(document);
        if self.who.is_restricted() {
            let seen = document.spec.visible_content(self);
            if seen != document.spec {
                Arc::make_mut(&mut document).spec = seen;
            }
        }
        document
    }

    pub(super) fn document(&self, kind: DocumentKind, uuid: Uuid) -> Result<&Arc<Document>> {
        let found = self.mirror.documents.by_uuid(uuid).filter(|document| document.spec.kind() == kind);
        let document = found.ok_or_else(Error::not_found)?;
        if self.sees_document(document) { Ok(document) } else { Err(Error::hidden()) }
    }

    /// A stream's policy is visible with the stream; the organization's is visible to all, because it applies to what
    /// they see.
    pub(super) fn policy(
        &self,
        table: PolicyTable,
        stream: Option<StreamId>,
    ) -> Result<Option<&Arc<Policy>>> {
        if let Some(stream) = stream {
            self.stream(stream)?;
        }
        Ok(self.mirror.policy(self.who.org, table, stream))
    }

    pub(super) fn sees_event(&self, event: &Event) -> bool {
        self.sees_event_of(event.org, event.spec.device, event.spec.stream)
    }

    /// An event is visible to a key with a device list when it belongs to a listed device, and to a key with only a
    /// stream list when it belongs to a listed stream.
    pub(super) fn sees_event_of(
        &self,
        org: OrgId,
        device: Option<DeviceId>,
        stream: Option<StreamId>,
    ) -> bool {
        let Principal { org: own, devices, streams, .. } = self.who;
        org == *own
            && match (devices, streams) {
                (Some(devices), _) => device.is_some_and(|d| devices.contains(&d)),
                (None, Some(streams)) => stream.is_some_and(|s| streams.contains(&s)),
                (None, None) => true,
            }
    }

    /// `sees_event_of` as a database condition.
    pub(super) fn events_condition(&self) -> Condition {
        use entity::event::Column;
        let Principal { org, devices, streams, .. } = self.who;
        let of_org = Condition::all().add(Column::OrgId.eq(org.0));
        match (devices, streams) {
            (Some(devices), _) => of_org.add(Column::DeviceId.is_in(devices.iter().map(|d| d.0))),
            (None, Some(streams)) => of_org.add(Column::StreamId.is_in(streams.iter().map(|s| s.0))),
            (None, None) => of_org,
        }
    }

    /// The event without the ids of rows that are not visible: its device may be another one than its stream's.
    pub(super) fn redact_event(&self, mut event: Event) -> Event {
        event.spec.device = event.spec.device.filter(|d| self.device(*d).is_ok());
        event.spec.stream = event.spec.stream.filter(|s| self.stream(*s).is_ok());
        event
    }

    /// An annotation of a device or component is visible to a caller who sees the device as a whole, one of a sensor to a
    /// caller who sees the sensor. One of a site concerns all of its devices: restricted callers do not see it.
    pub(super) fn sees_annotation(&self, org: OrgId, place: AnnotationPlace) -> bool {
        match (place.device, place.stream) {
            (Some(device), Some(stream)) => self.who.sees_stream(org, device, stream),
            (Some(device), None) => self.who.owns_device(org, device),
            (None, _) => org == self.who.org && !self.who.is_restricted(),
        }
    }

    /// `sees_annotation` as a database condition.
    pub(super) fn annotations_condition(&self) -> Condition {
        use entity::annotation::Column;
        let Principal { org, devices, streams, .. } = self.who;
        let of_org = Condition::all().add(Column::OrgId.eq(org.0));
        if !self.who.is_restricted() {
            return of_org;
        }
        let devices = Column::DeviceId.is_in(devices.iter().flatten().map(|device| device.0));
        let streams = Column::StreamId.is_in(streams.iter().flatten().map(|stream| stream.0));
        of_org.add(Condition::any().add(devices).add(streams))
    }

    fn owns(&self, device: &Device) -> bool {
        self.who.owns_device(device.org, device.id)
    }

    fn sees(&self, stream: &Stream) -> bool {
        self.who.sees_stream(stream.org, stream.spec.device, stream.id)
    }

    /// Whether a stream of the device is in the principal's list. The list may be longer than a device's streams.
    fn lists_stream_of(&self, device: DeviceId) -> bool {
        let listed = self.who.streams.as_ref();
        listed.is_some_and(|listed| self.mirror.streams().ids_of(device).any(|id| listed.contains(&id)))
    }

    /// Devices of the streams in the principal's list.
    fn parents(&self) -> impl Iterator<Item = DeviceId> {
        let listed = self.who.streams.iter().flatten();
        listed.filter_map(|id| self.mirror.streams().get(*id)).map(|stream| stream.spec.device)
    }
}

impl RowVisibility for VisibleCatalog<'_> {
    fn sees_device(&self, id: DeviceId) -> bool {
        self.device(id).is_ok()
    }

    fn sees_stream(&self, id: StreamId) -> bool {
        self.stream(id).is_ok()
    }

    fn sees_sensor(&self, uuid: Uuid) -> bool {
        self.mirror.stream_by_uuid(uuid).is_some_and(|stream| self.sees(stream))
    }

    fn sees_row(&self, kind: DocumentKind, uuid: Uuid) -> bool {
        self.document(kind, uuid).is_ok()
    }
}

//! Sight: what one principal sees of the catalog. Organization and allowed lists are applied here and nowhere else.
//! The nouns' files take rows for a principal only from its methods; `mirror` itself they ask about names and
//! dependent rows, for rules that hold whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLockReadGuard;
use sea_orm::{ColumnTrait, Condition};
use serde_json::Value;

use super::mirror::Mirror;
use super::{entity, no_such_row};
use crate::domain::device::{Device, Protocol};
use crate::domain::event::Event;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::model::Model;
use crate::domain::org::User;
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::principal::Caller;
use crate::domain::stream::Stream;
use crate::domain::{
    DeviceId, Error, FieldError, GroupId, KeyId, ModelId, OrgId, Principal, Result, StreamId, UserId,
};

/// Where the metadata of an AI device has the ids of its model's sources.
pub(super) const SOURCE: &str = "source";

pub(super) struct Sight<'a> {
    pub(super) who: &'a Principal,
    pub(super) mirror: RwLockReadGuard<'a, Mirror>,
}

/// Organizations and users belong to whoever runs the server.
pub(super) fn administrator(who: &Principal) -> Result<()> {
    match who.caller {
        Caller::System => Ok(()),
        Caller::Key(_) | Caller::User(_) | Caller::Device(_) => {
            Err(Error::forbidden("only the server's administrator may do this"))
        }
    }
}

/// Things of the whole organization are not for a principal that sees a part of it.
pub(super) fn whole_org(who: &Principal) -> Result<()> {
    if who.is_restricted() {
        return Err(Error::forbidden("this is not for a key restricted to some devices or data"));
    }
    Ok(())
}

impl<'a> Sight<'a> {
    pub(super) fn new(who: &'a Principal, mirror: RwLockReadGuard<'a, Mirror>) -> Self {
        Self { who, mirror }
    }

    /// Users of the administrator's present organization, by id ascending; nobody else sees any.
    pub(super) fn users(&self) -> Vec<Arc<User>> {
        if administrator(self.who).is_err() {
            return Vec::new();
        }
        self.mirror.users().of(()).filter(|user| user.org == self.who.org).cloned().collect()
    }

    pub(super) fn user(&self, id: UserId) -> Result<&Arc<User>> {
        administrator(self.who)?;
        let user = self.mirror.users().get(id).ok_or_else(Error::not_found)?;
        if user.org == self.who.org { Ok(user) } else { Err(Error::hidden()) }
    }

    /// Keys by id ascending. They are of the whole organization, so a restricted key sees none, not even itself.
    pub(super) fn keys(&self) -> Vec<Arc<Key>> {
        if self.who.is_restricted() {
            return Vec::new();
        }
        self.mirror.keys.of(()).filter(|key| key.org == self.who.org).cloned().collect()
    }

    pub(super) fn key(&self, id: KeyId) -> Result<&Arc<Key>> {
        let key = self.mirror.keys.get(id).ok_or_else(Error::not_found)?;
        let is_seen = key.org == self.who.org && !self.who.is_restricted();
        if is_seen { Ok(key) } else { Err(Error::hidden()) }
    }

    /// A device is seen when it is owned, or when one of its streams is allowed.
    pub(super) fn device(&self, id: DeviceId) -> Result<&Arc<Device>> {
        let device = self.mirror.devices.get(id).ok_or_else(Error::not_found)?;
        let is_seen = device.org == self.who.org && (self.owns(device) || self.parents().any(|p| p == id));
        if is_seen { Ok(device) } else { Err(Error::hidden()) }
    }

    /// A device this principal may change: `NotFound` when it does not see it, `Forbidden` when it may only read it.
    pub(super) fn own_device(&self, id: DeviceId) -> Result<&Arc<Device>> {
        let device = self.device(id)?;
        if !self.owns(device) {
            return Err(Error::forbidden("this key may read the device but not change it"));
        }
        Ok(device)
    }

    /// The device that a new row names in `field`. One that is not seen does not exist; whether one that is seen may be
    /// changed is for `own_device` to say, when everything else is right.
    pub(super) fn named_device(
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

    /// Ids of the devices seen, ascending.
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

    /// Ids of the streams seen, ascending.
    pub(super) fn stream_ids(&self) -> Vec<StreamId> {
        let Principal { org, devices, streams, .. } = self.who;
        if !self.who.is_restricted() {
            return self.mirror.streams_of_org(*org).collect();
        }
        let of_devices = devices.iter().flatten().flat_map(|d| self.mirror.streams().ids_of(*d));
        let candidates: BTreeSet<StreamId> = streams.iter().flatten().copied().chain(of_devices).collect();
        candidates.into_iter().filter(|id| self.stream(*id).is_ok()).collect()
    }

    /// A model is seen with its device.
    pub(super) fn model(&self, id: ModelId) -> Result<&Arc<Model>> {
        let model = self.mirror.model(id).ok_or_else(Error::not_found)?;
        self.device(model.device)?;
        Ok(model)
    }

    /// The model without the ids of sources that are not seen.
    pub(super) fn redacted_model(&self, model: &Arc<Model>) -> Arc<Model> {
        let is_seen = |id: &StreamId| self.stream(*id).is_ok();
        if model.version.settings.sources.iter().all(is_seen) {
            return Arc::clone(model);
        }
        let mut model = Model::clone(model);
        model.version.settings.sources.retain(is_seen);
        Arc::new(model)
    }

    /// The device without the ids of a model's sources that are not seen: whoever made it may have been allowed more.
    pub(super) fn redacted_device(&self, device: &Arc<Device>) -> Arc<Device> {
        let Some(source) = device.spec.metadata.get(SOURCE) else { return Arc::clone(device) };
        if !self.who.is_restricted() || device.spec.protocol != Protocol::Ai {
            return Arc::clone(device);
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
        if seen == *source {
            return Arc::clone(device);
        }
        let mut device = Device::clone(device);
        device.spec.metadata.insert(SOURCE.to_owned(), seen);
        Arc::new(device)
    }

    /// Groups have no list of their own: all of the organization's are seen, each with the members seen.
    pub(super) fn group(&self, id: GroupId) -> Result<&Arc<Group>> {
        let group = self.mirror.groups.get(id).ok_or_else(Error::not_found)?;
        if group.org == self.who.org { Ok(group) } else { Err(Error::hidden()) }
    }

    /// Groups seen, by id ascending.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.mirror.groups.of(self.who.org)
    }

    /// The members of a group that are seen, ascending.
    pub(super) fn members(&self, group: GroupId) -> impl Iterator<Item = StreamId> {
        self.mirror.members(group).filter(|id| self.stream(*id).is_ok())
    }

    /// A stream's policy is seen with the stream; the organization's by all, for it applies to what they see.
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

    /// An event is seen by a key with a device list when it is of a listed device, by a key with only a stream list
    /// when it is of a listed stream.
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

    /// `sees_event_of`, asked of the database.
    pub(super) fn events_seen(&self) -> Condition {
        use entity::event::Column;
        let Principal { org, devices, streams, .. } = self.who;
        let of_org = Condition::all().add(Column::OrgId.eq(org.0));
        match (devices, streams) {
            (Some(devices), _) => of_org.add(Column::DeviceId.is_in(devices.iter().map(|d| d.0))),
            (None, Some(streams)) => of_org.add(Column::StreamId.is_in(streams.iter().map(|s| s.0))),
            (None, None) => of_org,
        }
    }

    /// The event without the ids of rows that are not seen: an event may name a device and a stream of another.
    pub(super) fn redacted(&self, mut event: Event) -> Event {
        event.spec.device = event.spec.device.filter(|d| self.device(*d).is_ok());
        event.spec.stream = event.spec.stream.filter(|s| self.stream(*s).is_ok());
        event
    }

    fn owns(&self, device: &Device) -> bool {
        self.who.owns_device(device.org, device.id)
    }

    fn sees(&self, stream: &Stream) -> bool {
        self.who.sees_stream(stream.org, stream.spec.device, stream.id)
    }

    /// Devices of the streams this principal is given by name.
    fn parents(&self) -> impl Iterator<Item = DeviceId> {
        let given = self.who.streams.iter().flatten();
        given.filter_map(|id| self.mirror.streams().get(*id)).map(|stream| stream.spec.device)
    }
}

//! Devices: keeps the catalog rows and the collectors that poll them in step.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use uuid::Uuid;

use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::gateway::event::GatewayEvent;
use super::gateway::hub::GatewayHub;
use super::gateway::session::{PARENT, SessionEvent, SessionRecord};
use super::mqtt::retained_index::RetainedIndex;
use crate::collect;
use crate::collect::mqtt::broker_client::BrokerClient;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec, DeviceStatus};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::shared_name::TakenName;
use crate::domain::{
    Clock, DeviceId, Error, FieldError, OrgId, Principal, Resource, Result, Scope, StreamId,
};
use crate::store::Store;
use crate::store::catalog::DeletedDevice;

/// Returns every problem of a device that needs no other row to find: its own rules and its protocol's settings.
pub fn problems(spec: &DeviceSpec) -> Vec<FieldError> {
    let mut found = spec.problems();
    let settings = collect::device_problems(spec);
    let reported_fields: Vec<_> = found.iter().map(|problem| problem.field.clone()).collect();
    found.extend(settings.into_iter().filter(|problem| !reported_fields.contains(&problem.field)));
    found
}

/// Devices and the history of their states.
pub struct Devices {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) states: CollectorStates,
    /// Tells those who follow a gateway of its devices.
    hub: Arc<GatewayHub>,
    /// Retained MQTT messages, which go with their device.
    retained: Arc<RwLock<RetainedIndex>>,
}

impl Devices {
    pub(super) fn new(parts: &CoreParts, hub: Arc<GatewayHub>, retained: Arc<RwLock<RetainedIndex>>) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            hub,
            retained,
        }
    }

    /// Returns the devices the principal sees, by id.
    pub fn devices(&self, principal: &Principal, filter: &DeviceFilter) -> Result<Vec<Arc<Device>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().devices.devices(principal, filter))
    }

    /// Returns a device; `NotFound` when it is absent or not visible.
    pub fn device(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().devices.device(principal, id)
    }

    /// Returns a device by its UUID.
    pub fn device_by_uuid(&self, principal: &Principal, uuid: Uuid) -> Result<Arc<Device>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().devices.device_by_uuid(principal, uuid)
    }

    /// Returns a device by its key.
    pub fn device_by_key(&self, principal: &Principal, key: &str) -> Result<Arc<Device>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().devices.device_by_key(principal, key)
    }

    /// Returns a device by its external id.
    pub fn device_by_external_id(&self, principal: &Principal, external_id: &str) -> Result<Arc<Device>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().devices.device_by_external_id(principal, external_id)
    }

    /// Returns the devices below a gateway, by id.
    pub fn sub_devices(&self, principal: &Principal, gateway: DeviceId) -> Result<Vec<Arc<Device>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().devices.sub_devices(principal, gateway))
    }

    /// Returns the device for a principal that may change it.
    pub fn device_to_change(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        principal.require(Scope::write(Resource::Device))?;
        let device = self.store.catalog().devices.device(principal, id)?;
        if principal.owns_device(device.org, id) {
            Ok(device)
        } else {
            Err(Error::forbidden("this key may read the device but not change it"))
        }
    }

    /// Returns the collector's status of a device that the caller has already been given.
    pub fn status_of(&self, device: &Device) -> DeviceStatus {
        self.states.status(device)
    }

    /// Requires a principal that may create devices. A restricted key may not: it could not see what it created.
    pub fn check_may_create_device(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::Device))?;
        if principal.is_restricted() {
            return Err(Error::forbidden("a key restricted to some devices or data cannot create devices"));
        }
        Ok(())
    }

    /// Creates a device whose name no other may have.
    pub async fn create_device(&self, principal: &Principal, spec: DeviceSpec) -> Result<Arc<Device>> {
        self.create_named_device(principal, spec, TakenName::Refused).await
    }

    /// Creates a device.
    pub async fn create_named_device(
        &self,
        principal: &Principal,
        spec: DeviceSpec,
        taken: TakenName,
    ) -> Result<Arc<Device>> {
        self.check_may_create_device(principal)?;
        Error::check(problems(&spec))?;
        Error::check(self.problems_beside_others(principal.org, &spec, None))?;
        let device = self.store.catalog().devices.create_named_device(principal, spec, taken).await?;
        self.states.tell_collectors(device.id);
        Ok(device)
    }

    /// The problems that only the other devices of the organization show. What is `stored` already stays as it is.
    fn problems_beside_others(
        &self,
        org: OrgId,
        spec: &DeviceSpec,
        stored: Option<&Device>,
    ) -> Vec<FieldError> {
        let Some(client) = BrokerClient::of_device(spec) else { return Vec::new() };
        let is_its_own = |device: &Device| BrokerClient::of_device(&device.spec).as_ref() == Some(&client);
        if stored.is_some_and(is_its_own) {
            return Vec::new();
        }
        let others = self.store.catalog().devices.all_devices();
        let is_taken = others.iter().any(|other| other.org == org && is_its_own(other));
        is_taken.then(|| client.conflict()).into_iter().collect()
    }

    /// Changes a device; its name is one that no other has.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is not
    /// visible; `Invalid` naming every wrong field, such as a name that another device has.
    pub async fn update_device(
        &self,
        principal: &Principal,
        id: DeviceId,
        change: impl Fn(&mut DeviceSpec) + Send,
    ) -> Result<Arc<Device>> {
        self.update_named_device(principal, id, change, TakenName::Refused).await
    }

    /// Changes a device as it is stored at that moment; polling continues with the new settings. These are checked
    /// against the device as it is now: two concurrent changes may leave settings that do not fit each other, which
    /// the device's status then reports.
    pub async fn update_named_device(
        &self,
        principal: &Principal,
        id: DeviceId,
        change: impl Fn(&mut DeviceSpec) + Send,
        taken: TakenName,
    ) -> Result<Arc<Device>> {
        let stored = self.device_to_change(principal, id)?;
        let mut tried = stored.spec.clone();
        change(&mut tried);
        Error::check(problems(&tried))?;
        Error::check(self.problems_beside_others(stored.org, &tried, Some(&stored)))?;
        let device = self.store.catalog().devices.update_named_device(principal, id, change, taken).await?;
        self.states.tell_collectors(id);
        Ok(device)
    }

    /// Deletes a device with its streams. Their readings disappear from every answer at once.
    pub async fn delete_device(&self, principal: &Principal, id: DeviceId) -> Result<()> {
        let device = self.device_to_change(principal, id)?;
        let gateway = device.spec.parent_device.and_then(|parent| self.key_of(principal, parent));
        let streams = self.store.catalog().devices.delete_device(principal, id).await?;
        self.forget_device(device, &streams, gateway);
        Ok(())
    }

    /// Deletes a device and every device below it, all or none.
    ///
    /// # Errors
    /// `Forbidden` when the principal may not change all of them; `NotFound`.
    pub async fn delete_device_tree(&self, principal: &Principal, id: DeviceId) -> Result<()> {
        let device = self.device_to_change(principal, id)?;
        let above = device.spec.parent_device.and_then(|parent| self.key_of(principal, parent));
        let deleted = self.store.catalog().devices.delete_device_tree(principal, id).await?;
        let keys: HashMap<DeviceId, String> =
            deleted.iter().map(|gone| (gone.device.id, gone.device.aliases.key.clone())).collect();
        for DeletedDevice { device, streams, .. } in deleted {
            let gateway = device.spec.parent_device.and_then(|parent| keys.get(&parent).cloned());
            self.forget_device(device, &streams, gateway.or_else(|| above.clone()));
        }
        Ok(())
    }

    fn key_of(&self, principal: &Principal, id: DeviceId) -> Option<String> {
        let device = self.store.catalog().devices.device(principal, id).ok()?;
        Some(device.aliases.key.clone())
    }

    /// Forgets the retained messages of a deleted device, whose rows have gone with it: its topics exist no more.
    fn forget_retained(&self, device: &Device) {
        let org = self.store.catalog().orgs.org_of(&Principal::system(device.org));
        self.retained.write().forget_device(device, org.map(|org| org.uuid));
    }

    /// Ends what goes on about a deleted device. One that was below the gateway with this key is not paired any more.
    fn forget_device(&self, device: Arc<Device>, streams: &[StreamId], gateway: Option<String>) {
        self.states.tell_collectors(device.id);
        self.store.forget(streams);
        self.hub.forget(device.org, device.id);
        self.forget_retained(&device);
        if let Some(gateway) = gateway.filter(|_| device.spec.parent_device.is_some()) {
            let mut unpaired = SessionRecord::new(device, SessionEvent::NotPaired, self.clock.now());
            unpaired.payload.insert(PARENT.to_owned(), gateway.into());
            self.hub.send(unpaired.subject.org, GatewayEvent::Session(Arc::new(unpaired)));
        }
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;

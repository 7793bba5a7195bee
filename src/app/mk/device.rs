//! Devices as the MK platform knows them: with status, place, tags and groups.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::collector_ports::CollectorStates;
use crate::app::core_parts::CoreParts;
use crate::app::device::{self, Devices};
use crate::app::document::Documents;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec, DeviceStatus, Protocol};
use crate::domain::document::rules::{check_metadata, check_required};
use crate::domain::document::{Document, DocumentKind};
use crate::domain::platform_status::PlatformStatus;
use crate::domain::topology::{GeoLocation, Topology};
use crate::domain::{DeviceId, Error, FieldError, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Most characters of a device's name: names are shared with the other interfaces, which have this limit.
pub const MAX_DEVICE_NAME: usize = 100;

/// Settings of a device on the platform, as a request gives them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlatformDevice {
    /// 1..=100 characters, unique in the organization.
    pub name: String,
    /// Status to change to; `None` keeps it.
    pub status: Option<PlatformStatus>,
    pub device_profile: Option<Uuid>,
    pub site: Option<Uuid>,
    pub groups: Vec<Uuid>,
    pub tags: Vec<String>,
    pub location: Option<GeoLocation>,
    pub metadata: Map<String, Value>,
}

/// A device with its status, and the groups it is in.
#[derive(Debug, Clone)]
pub struct DeviceOverview {
    pub device: Arc<Device>,
    pub status: PlatformStatus,
    pub collector: DeviceStatus,
    pub site: Option<Uuid>,
    pub device_profile: Option<Uuid>,
    /// Serial number of its certificate; `None` without one.
    pub certificate_serial: Option<String>,
    /// Groups by tags, by name and by the device itself, the oldest first.
    pub groups: Vec<Uuid>,
}

impl PlatformDevice {
    /// The settings of a stored device, for a change of some of them.
    pub fn of(device: &Device) -> Self {
        Self::of_parts(&device.spec, &device.topology)
    }

    fn of_parts(spec: &DeviceSpec, topology: &Topology) -> Self {
        let Topology { device_profile, site, groups, tags, location, .. } = topology.clone();
        let (name, metadata) = (spec.name.clone(), spec.metadata.clone());
        Self { name, status: None, device_profile, site, groups, tags, location, metadata }
    }

    /// Puts onto `current` what differs from `base`, the settings that these were made of.
    fn merged_onto(&self, base: &Self, current: Self) -> Self {
        fn choose<T: Clone + PartialEq>(new: &T, base: &T, current: T) -> T {
            if new == base { current } else { new.clone() }
        }
        // All fields by name: one that is missing here does not compile.
        let Self { name, status, device_profile, site, groups, tags, location, metadata } = self;
        Self {
            name: choose(name, &base.name, current.name),
            status: *status,
            device_profile: choose(device_profile, &base.device_profile, current.device_profile),
            site: choose(site, &base.site, current.site),
            groups: choose(groups, &base.groups, current.groups),
            tags: choose(tags, &base.tags, current.tags),
            location: choose(location, &base.location, current.location),
            metadata: choose(metadata, &base.metadata, current.metadata),
        }
    }

    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", self.name.trim(), MAX_DEVICE_NAME);
        check_metadata(&mut found, &self.metadata);
        found.extend(self.topology(Topology::default()).problems());
        found
    }

    fn topology(&self, stored: Topology) -> Topology {
        let Self { device_profile, site, groups, tags, location, .. } = self.clone();
        Topology { device_profile, site, groups, tags, location, ..stored }
    }
}

/// Devices with their status, place, tags and groups.
pub struct PlatformDevices {
    store: Arc<Store>,
    states: CollectorStates,
    devices: Arc<Devices>,
    pub(super) documents: Arc<Documents>,
}

impl PlatformDevices {
    pub(super) fn new(parts: &CoreParts, devices: Arc<Devices>, documents: Arc<Documents>) -> Self {
        Self { store: parts.store.clone(), states: parts.states.clone(), devices, documents }
    }

    /// Returns the devices that the principal sees, by id, as the platform shows them.
    pub fn device_overviews(&self, principal: &Principal) -> Result<Vec<DeviceOverview>> {
        let devices = self.devices.devices(principal, &DeviceFilter::default())?;
        let place = DeviceReferences::of(&self.documents, principal)?;
        Ok(devices.into_iter().map(|device| self.overview(device, &place)).collect())
    }

    /// Returns a device by its UUID, as the platform shows it.
    pub fn device_overview(&self, principal: &Principal, uuid: Uuid) -> Result<DeviceOverview> {
        let device = self.devices.device_by_uuid(principal, uuid)?;
        Ok(self.overview(device, &DeviceReferences::of(&self.documents, principal)?))
    }

    fn overview(&self, device: Arc<Device>, place: &DeviceReferences) -> DeviceOverview {
        let collector = self.devices.status_of(&device);
        let status = PlatformStatus::of(&device, collector.state);
        let is_there = |kind| move |uuid: &Uuid| place.has(kind, *uuid);
        let site = device.topology.site.filter(is_there(DocumentKind::Site));
        let device_profile = device.topology.device_profile.filter(is_there(DocumentKind::DeviceProfile));
        let groups = place.groups.iter().filter(|group| is_member(&device, group)).map(|group| group.uuid);
        let groups = groups.collect();
        let certificate = self.store.catalog().provisioning.certificate_of(&place.principal, device.id);
        let certificate_serial = certificate.and_then(|certificate| certificate.serial.clone());
        DeviceOverview { device, status, collector, site, device_profile, certificate_serial, groups }
    }

    /// Returns a device by its UUID for a principal that may change it.
    pub fn platform_device_to_change(&self, principal: &Principal, uuid: Uuid) -> Result<Arc<Device>> {
        principal.require(Scope::write(Resource::Device))?;
        let device = self.store.catalog().devices.device_by_uuid(principal, uuid)?;
        self.devices.device_to_change(principal, device.id)
    }

    /// Returns every problem of a device except a name that is taken; `stored` is the device that is changed.
    pub fn platform_device_problems(
        &self,
        principal: &Principal,
        new: &PlatformDevice,
        stored: Option<&Device>,
    ) -> Vec<FieldError> {
        let (mut found, catalog) = (new.problems(), self.store.catalog());
        let before = stored.map(|device| &device.topology);
        let is_missing = |kind, uuid| catalog.documents.document(principal, kind, uuid).is_err();
        if stored.is_some_and(|device| device.spec.metadata == new.metadata) {
            // Other interfaces allow more of it.
            found.retain(|problem| problem.field != "metadata");
        }
        // What is stored already may have been deleted since.
        let site = new.site.filter(|_| before.is_none_or(|before| before.site != new.site));
        if site.is_some_and(|site| is_missing(DocumentKind::Site, site)) {
            found.push(FieldError::new("site", "does not exist"));
        }
        let profile = new.device_profile;
        let profile = profile.filter(|_| before.is_none_or(|before| before.device_profile != profile));
        if profile.is_some_and(|profile| is_missing(DocumentKind::DeviceProfile, profile)) {
            found.push(FieldError::new("device_profile", "does not exist"));
        }
        for (index, group) in new.groups.iter().enumerate() {
            let is_new = before.is_none_or(|before| !before.groups.contains(group));
            if is_new && is_missing(DocumentKind::DeviceGroup, *group) {
                found.push(FieldError::new(format!("groups[{index}]"), "does not exist"));
            }
        }
        found
    }

    /// Creates a virtual device. A physical one comes from a registration token.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `Conflict` for a name that is taken.
    pub async fn create_platform_device(
        &self,
        principal: &Principal,
        new: PlatformDevice,
    ) -> Result<DeviceOverview> {
        self.devices.check_may_create_device(principal)?;
        Error::check(self.platform_device_problems(principal, &new, None))?;
        let topology = new.topology(Topology::default());
        let spec = DeviceSpec { metadata: new.metadata, ..DeviceSpec::new(new.name, Protocol::Virtual) };
        self.check_free_name(principal, &spec.name, None)?;
        Error::check(device::problems(&spec))?;
        let created = self.store.catalog().devices.create_device_in_topology(principal, spec, topology).await;
        let device = created.map_err(name_conflict)?;
        self.states.tell_collectors(device.id);
        Ok(self.overview(device, &DeviceReferences::of(&self.documents, principal)?))
    }

    /// Replaces the settings of a device.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `Conflict` for a name that is taken and for an illegal change of status.
    pub async fn replace_platform_device(
        &self,
        principal: &Principal,
        uuid: Uuid,
        new: PlatformDevice,
    ) -> Result<DeviceOverview> {
        self.change_platform_device(principal, uuid, new, None).await
    }

    /// Changes those settings of a device in which `new` differs from `base`, the ones that were read before.
    ///
    /// # Errors
    /// The errors of [`PlatformDevices::replace_platform_device`].
    pub async fn update_platform_device(
        &self,
        principal: &Principal,
        uuid: Uuid,
        base: PlatformDevice,
        new: PlatformDevice,
    ) -> Result<DeviceOverview> {
        self.change_platform_device(principal, uuid, new, Some(base)).await
    }

    async fn change_platform_device(
        &self,
        principal: &Principal,
        uuid: Uuid,
        new: PlatformDevice,
        base: Option<PlatformDevice>,
    ) -> Result<DeviceOverview> {
        let merge = move |current: PlatformDevice| match &base {
            Some(base) => new.merged_onto(base, current),
            None => new.clone(),
        };
        let stored = self.platform_device_to_change(principal, uuid)?;
        let new = merge(PlatformDevice::of(&stored));
        Error::check(self.platform_device_problems(principal, &new, Some(&stored)))?;
        let mut tried = stored.spec.clone();
        tried.metadata.clone_from(&new.metadata);
        Error::check(device::problems(&tried))?;
        if new.name.trim() != stored.spec.name {
            self.check_free_name(principal, new.name.trim(), Some(stored.id))?;
        }
        let collector = self.devices.status_of(&stored);
        let (org, id) = (stored.org, stored.id);
        let before = stored.clone();
        let change = move |spec: &mut DeviceSpec, topology: &mut Topology| -> Result<()> {
            // Merged again onto the row stored by then: concurrent changes of different fields must both last.
            let new = merge(PlatformDevice::of_parts(spec, topology));
            spec.name.clone_from(&new.name);
            spec.metadata.clone_from(&new.metadata);
            *topology = new.topology(topology.clone());
            let Some(next) = new.status else { return Ok(()) };
            // The status that the device has in this moment, not when it was read.
            let now =
                Device { spec: spec.clone(), topology: topology.clone(), org, ..Device::clone(&before) };
            let status = PlatformStatus::of(&now, collector.state);
            status.check_change(next)?;
            set_status(spec, topology, next);
            Ok(())
        };
        let changed = self.store.catalog().devices.update_device_in_topology(principal, id, change).await;
        let device = changed.map_err(name_conflict)?;
        self.states.tell_collectors(id);
        Ok(self.overview(device, &DeviceReferences::of(&self.documents, principal)?))
    }

    /// Returns the effective members of a group that the principal sees, by id.
    pub fn group_members(&self, principal: &Principal, group: &Document) -> Result<Vec<Arc<Device>>> {
        let devices = self.devices.devices(principal, &DeviceFilter::default())?;
        Ok(devices.into_iter().filter(|device| is_member(device, group)).collect())
    }

    /// Returns how many of the devices that the principal sees are at each site.
    pub fn device_counts(&self, principal: &Principal) -> Result<HashMap<Uuid, usize>> {
        let mut counts = HashMap::new();
        for device in self.devices.devices(principal, &DeviceFilter::default())? {
            if let Some(site) = device.topology.site {
                *counts.entry(site).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// Names are unique where this platform sets them, whatever other interfaces allow.
    fn check_free_name(&self, principal: &Principal, name: &str, own: Option<DeviceId>) -> Result<()> {
        let filter = DeviceFilter { name: Some(name.trim().to_owned()), ..DeviceFilter::default() };
        let taken = self
            .store
            .catalog()
            .devices
            .devices(principal, &filter)
            .iter()
            .any(|other| Some(other.id) != own);
        if taken {
            Err(Error::conflict(format!("A device with the name '{}' exists", name.trim())))
        } else {
            Ok(())
        }
    }
}

/// Writes a status that people set into what the core keeps of it: a device that is not enabled is inactive.
fn set_status(spec: &mut DeviceSpec, topology: &mut Topology, next: PlatformStatus) {
    match next {
        PlatformStatus::Active => (spec.enabled, topology.is_in_maintenance) = (true, false),
        PlatformStatus::Inactive => (spec.enabled, topology.is_in_maintenance) = (false, false),
        PlatformStatus::Maintenance => (spec.enabled, topology.is_in_maintenance) = (true, true),
        // Nobody sets these; a device that has one keeps it.
        PlatformStatus::Pending | PlatformStatus::Offline => {}
    }
}

/// Whether a device is in a group: by its tags, because the group names it, or because it names the group.
pub fn is_member(device: &Device, group: &Document) -> bool {
    let Some(spec) = group.device_group() else { return false };
    spec.includes_tags(&device.topology.tags)
        || spec.devices.contains(&device.id)
        || device.topology.groups.contains(&group.uuid)
}

/// A name that another device took in the meantime is a conflict here.
fn name_conflict(error: Error) -> Error {
    let is_name = error.fields.iter().any(|problem| problem.field == "name");
    if is_name { Error::conflict("A device with this name exists").with_source(error) } else { error }
}

/// Rows that devices refer to, read once for many of them.
struct DeviceReferences {
    principal: Principal,
    groups: Vec<Arc<Document>>,
    others: HashMap<Uuid, DocumentKind>,
}

impl DeviceReferences {
    fn of(documents: &Documents, principal: &Principal) -> Result<DeviceReferences> {
        let groups = documents.documents(principal, DocumentKind::DeviceGroup)?;
        let mut others = HashMap::new();
        for kind in [DocumentKind::Site, DocumentKind::DeviceProfile] {
            others.extend(documents.documents(principal, kind)?.iter().map(|document| (document.uuid, kind)));
        }
        Ok(DeviceReferences { principal: principal.clone(), groups, others })
    }

    fn has(&self, kind: DocumentKind, uuid: Uuid) -> bool {
        self.others.get(&uuid) == Some(&kind)
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;

//! In-memory index of devices: by id and by name, and by their other identifiers, their owners and their gateways.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::alias::{DeviceAliases, short_key};
use crate::domain::device::Device;
use crate::domain::{DeviceId, OrgId, ProductId};
use crate::store::catalog::mirror::id_sets::{IdSets, remove_id};
use crate::store::catalog::mirror::id_table::IdTable;
use crate::store::catalog::mirror::named_index::NamedIndex;

/// All devices. It reads like the index by id and name.
#[derive(Default)]
pub(in crate::store::catalog) struct DeviceIndex {
    rows: NamedIndex<Device>,
    by_uuid: IdTable<DeviceId>,
    by_key: IdTable<DeviceId>,
    by_external_id: IdTable<DeviceId>,
    /// Devices with an owner, by its name.
    owned: IdSets<String, DeviceId>,
    children: IdSets<DeviceId, DeviceId>,
}

impl Deref for DeviceIndex {
    type Target = NamedIndex<Device>;

    fn deref(&self) -> &NamedIndex<Device> {
        &self.rows
    }
}

impl DeviceIndex {
    pub(in crate::store::catalog) fn get_by_uuid(&self, uuid: Uuid) -> Option<&Arc<Device>> {
        let id = self.by_uuid.find(&uuid, |id| self.is(id, |aliases| aliases.uuid == uuid))?;
        self.rows.get(id)
    }

    pub(in crate::store::catalog) fn get_by_key(&self, key: &str) -> Option<&Arc<Device>> {
        let id = self.by_key.find(key, |id| self.is(id, |aliases| aliases.key == key))?;
        self.rows.get(id)
    }

    pub(in crate::store::catalog) fn get_by_external_id(
        &self,
        org: OrgId,
        external_id: &str,
    ) -> Option<&Arc<Device>> {
        let is_it =
            |id| self.rows.get(id).is_some_and(|d| d.org == org && d.aliases.external_id == external_id);
        let id = self.by_external_id.find(&(org, external_id), is_it)?;
        self.rows.get(id)
    }

    fn is(&self, id: DeviceId, wanted: impl Fn(&DeviceAliases) -> bool) -> bool {
        self.rows.get(id).is_some_and(|device| wanted(&device.aliases))
    }

    /// Ids of the devices whose owner has this name, ascending.
    pub(in crate::store::catalog) fn owned_by(&self, user: &str) -> impl Iterator<Item = DeviceId> {
        self.owned.get(user).into_iter().flatten().copied()
    }

    /// Ids of the devices below a gateway, ascending.
    pub(in crate::store::catalog) fn children_of(&self, parent: DeviceId) -> impl Iterator<Item = DeviceId> {
        self.children.get(&parent).into_iter().flatten().copied()
    }

    /// Whether `device` is `ancestor` or below it.
    pub(in crate::store::catalog) fn is_below(&self, device: DeviceId, ancestor: DeviceId) -> bool {
        let mut next = Some(device);
        // No device is below itself, so this ends.
        while let Some(id) = next {
            if id == ancestor {
                return true;
            }
            next = self.rows.get(id).and_then(|device| device.spec.parent_device);
        }
        false
    }

    /// Adds or replaces a device.
    pub(in crate::store::catalog) fn put(&mut self, device: Arc<Device>) {
        self.forget(device.id);
        let (id, aliases) = (device.id, &device.aliases);
        self.by_uuid.insert(&aliases.uuid, id);
        self.by_key.insert(aliases.key.as_str(), id);
        self.by_external_id.insert(&(device.org, aliases.external_id.as_str()), id);
        if let Some(owner) = &device.spec.owner {
            self.owned.entry(owner.clone()).or_default().insert(id);
        }
        if let Some(parent) = device.spec.parent_device {
            self.children.entry(parent).or_default().insert(id);
        }
        self.rows.put(device);
    }

    /// Removes a device; those below it are then below none.
    pub(in crate::store::catalog) fn remove(&mut self, id: DeviceId) {
        for child in self.children.remove(&id).unwrap_or_default() {
            self.change(child, |device| device.spec.parent_device = None);
        }
        self.forget(id);
    }

    /// Removes the owner of the devices of a deleted user.
    pub(in crate::store::catalog) fn remove_owner(&mut self, user: &str) {
        for device in self.owned.remove(user).unwrap_or_default() {
            self.change(device, |device| device.spec.owner = None);
        }
    }

    /// Removes a deleted product from the devices of its organization.
    pub(in crate::store::catalog) fn remove_product(&mut self, org: OrgId, product: ProductId) {
        let of_product = self.rows.rows_of(org).filter(|device| device.spec.product == Some(product));
        let ids: Vec<_> = of_product.map(|device| device.id).collect();
        ids.into_iter().for_each(|id| self.change(id, |device| device.spec.product = None));
    }

    /// Sets the highest channel that a stream of the device has had.
    pub(in crate::store::catalog) fn set_last_channel(&mut self, id: DeviceId, channel: i32) {
        self.change(id, |device| device.last_channel = channel);
    }

    /// Every entry beside the rows as text, and which devices are found by their aliases.
    #[cfg(test)]
    pub(in crate::store::catalog) fn entries(&self) -> Vec<String> {
        let Self { rows, by_uuid, by_key, by_external_id, owned, children } = self;
        let id = |device: Option<&Arc<Device>>| device.map(|device| device.id.0);
        let aliases = rows.all().map(|device| {
            let DeviceAliases { uuid, key, external_id } = &device.aliases;
            let by_external_id = self.get_by_external_id(device.org, external_id);
            let found = [self.get_by_uuid(*uuid), self.get_by_key(key), by_external_id].map(id);
            format!("{:?} is {found:?}", device.id)
        });
        let counts = format!("{:?} aliases", [by_uuid.len(), by_key.len(), by_external_id.len()]);
        let owned = owned.iter().map(|(owner, devices)| format!("{owner:?} owns {devices:?}"));
        let children = children.iter().map(|(parent, devices)| format!("{devices:?} are below {parent:?}"));
        let others = rows.entries().into_iter().chain(aliases).chain([counts]);
        others.chain(owned).chain(children).collect()
    }

    fn change(&mut self, id: DeviceId, change: impl FnOnce(&mut Device)) {
        if let Some(mut device) = self.rows.get(id).map(|device| Device::clone(device)) {
            change(&mut device);
            self.put(Arc::new(device));
        }
    }

    /// Takes a device out; devices below it stay below it.
    pub(in crate::store::catalog) fn forget(&mut self, id: DeviceId) {
        let Some(device) = self.rows.remove(id) else { return };
        let aliases = &device.aliases;
        self.by_uuid.remove(&aliases.uuid, id);
        self.by_key.remove(aliases.key.as_str(), id);
        self.by_external_id.remove(&(device.org, aliases.external_id.as_str()), id);
        if let Some(owner) = &device.spec.owner {
            remove_id(&mut self.owned, owner, id);
        }
        if let Some(parent) = &device.spec.parent_device {
            remove_id(&mut self.children, parent, id);
        }
    }
}

/// Chooses the aliases of new devices, each different from those of every device and from each other.
#[derive(Default)]
pub(in crate::store::catalog) struct AliasGenerator {
    external_ids: HashSet<String>,
    keys: HashSet<String>,
}

impl AliasGenerator {
    /// Aliases of a new device of this name.
    pub(in crate::store::catalog) fn next(
        &mut self,
        devices: &DeviceIndex,
        org: OrgId,
        name: &str,
    ) -> DeviceAliases {
        let external_id = self.external_id(devices, org, name);
        let key = loop {
            let key = short_key(Uuid::new_v4());
            if devices.get_by_key(&key).is_none() && self.keys.insert(key.clone()) {
                break key;
            }
        };
        DeviceAliases { uuid: Uuid::new_v4(), key, external_id }
    }

    fn external_id(&mut self, devices: &DeviceIndex, org: OrgId, name: &str) -> String {
        let suffixed = (2..).map(|number: u32| format!("{name}-{number}"));
        for candidate in std::iter::once(name.to_owned()).chain(suffixed) {
            let is_free = devices.get_by_external_id(org, &candidate).is_none();
            if is_free && self.external_ids.insert(candidate.clone()) {
                return candidate;
            }
        }
        unreachable!("there are more numbers than devices")
    }
}

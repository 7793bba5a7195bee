//! In-memory index of registration tokens: by id, UUID and device, and the unused ones of each organization.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::registration::{Registration, RegistrationState};
use crate::domain::{DeviceId, OrgId, RegistrationId};

#[derive(Default)]
pub(in crate::store::catalog) struct RegistrationIndex {
    by_id: BTreeMap<RegistrationId, Arc<Registration>>,
    by_uuid: HashMap<Uuid, RegistrationId>,
    by_device: HashMap<DeviceId, BTreeSet<RegistrationId>>,
    /// Tokens that were neither used nor revoked, expired ones included.
    unused: HashMap<OrgId, BTreeSet<RegistrationId>>,
}

impl RegistrationIndex {
    pub(in crate::store::catalog) fn get(&self, id: RegistrationId) -> Option<&Arc<Registration>> {
        self.by_id.get(&id)
    }

    pub(in crate::store::catalog) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Registration>> {
        self.by_id.get(self.by_uuid.get(&uuid)?)
    }

    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<Registration>> {
        self.by_id.values()
    }

    /// Tokens of a device, the oldest first.
    pub(in crate::store::catalog) fn of_device(
        &self,
        device: DeviceId,
    ) -> impl DoubleEndedIterator<Item = &Arc<Registration>> {
        self.by_device.get(&device).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Tokens of an organization that were neither used nor revoked, the oldest first.
    pub(in crate::store::catalog) fn unused_of(
        &self,
        org: OrgId,
    ) -> impl Iterator<Item = &Arc<Registration>> {
        self.unused.get(&org).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Adds or replaces a token.
    pub(in crate::store::catalog) fn put(&mut self, registration: Arc<Registration>) {
        self.remove(registration.id);
        self.by_uuid.insert(registration.uuid, registration.id);
        self.by_device.entry(registration.device).or_default().insert(registration.id);
        if registration.state == RegistrationState::Pending {
            self.unused.entry(registration.org).or_default().insert(registration.id);
        }
        self.by_id.insert(registration.id, registration);
    }

    pub(in crate::store::catalog) fn remove(&mut self, id: RegistrationId) {
        let Some(registration) = self.by_id.remove(&id) else { return };
        self.by_uuid.remove(&registration.uuid);
        if let Some(ids) = self.by_device.get_mut(&registration.device) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_device.remove(&registration.device);
            }
        }
        if let Some(ids) = self.unused.get_mut(&registration.org) {
            ids.remove(&id);
            if ids.is_empty() {
                self.unused.remove(&registration.org);
            }
        }
    }

    pub(in crate::store::catalog) fn remove_device(&mut self, device: DeviceId) {
        for id in self.by_device.get(&device).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }
}

//! The uploaded objects in the mirror.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::OrgId;
use crate::domain::object::Object;

/// Every object of every organization.
#[derive(Default)]
pub(super) struct ObjectIndex(BTreeMap<Uuid, Arc<Object>>);

impl ObjectIndex {
    /// Adds or replaces an object.
    pub(super) fn put(&mut self, object: Arc<Object>) {
        self.0.insert(object.uuid, object);
    }

    pub(super) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Object>> {
        self.0.get(&uuid)
    }

    pub(super) fn remove(&mut self, uuid: Uuid) {
        self.0.remove(&uuid);
    }

    /// Bytes of an organization's objects, declared ones included.
    pub(super) fn bytes_of(&self, org: OrgId) -> u64 {
        self.of_org(org).map(|object| object.spec.size_bytes).fold(0, u64::saturating_add)
    }

    /// Every object, of whichever organization.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.0.values()
    }

    pub(super) fn of_org(&self, org: OrgId) -> impl Iterator<Item = &Arc<Object>> {
        self.0.values().filter(move |object| object.org == org)
    }
}

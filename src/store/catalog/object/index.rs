//! The uploaded objects in the mirror.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::OrgId;
use crate::domain::object::Object;

/// Every object of every organization.
#[derive(Default)]
pub(in crate::store::catalog) struct ObjectIndex(BTreeMap<Uuid, Arc<Object>>);

impl ObjectIndex {
    /// Adds or replaces an object.
    pub(in crate::store::catalog) fn put(&mut self, object: Arc<Object>) {
        self.0.insert(object.uuid, object);
    }

    pub(in crate::store::catalog) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Object>> {
        self.0.get(&uuid)
    }

    pub(in crate::store::catalog) fn remove(&mut self, uuid: Uuid) {
        self.0.remove(&uuid);
    }

    /// Bytes of an organization's objects, declared ones included.
    pub(in crate::store::catalog) fn bytes_of(&self, org: OrgId) -> u64 {
        self.of_org(org).map(|object| object.spec.size_bytes).fold(0, u64::saturating_add)
    }

    /// Every object, of whichever organization.
    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.0.values()
    }

    pub(in crate::store::catalog) fn of_org(&self, org: OrgId) -> impl Iterator<Item = &Arc<Object>> {
        self.0.values().filter(move |object| object.org == org)
    }
}

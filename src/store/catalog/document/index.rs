//! In-memory index of documents: by id, UUID, kind and name, and device.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::document::{Document, DocumentKind};
use crate::domain::{DeviceId, DocumentId, OrgId};
use crate::store::catalog::mirror::id_sets::{IdSets, remove_id};
use crate::store::catalog::mirror::named_index::{NamedIndex, Row};

impl Row for Document {
    type Id = DocumentId;
    type Owner = (OrgId, DocumentKind);

    fn id(&self) -> DocumentId {
        self.id
    }

    fn owner(&self) -> (OrgId, DocumentKind) {
        (self.org, self.spec.kind())
    }

    fn unique_name(&self) -> &str {
        &self.name
    }
}

/// Every document of every organization.
#[derive(Default)]
pub(in crate::store::catalog) struct DocumentIndex {
    rows: NamedIndex<Document>,
    by_uuid: HashMap<Uuid, DocumentId>,
    by_device: IdSets<DeviceId, DocumentId>,
    /// Counts changes.
    revision: u64,
}

impl DocumentIndex {
    pub(in crate::store::catalog) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Document>> {
        self.rows.get(*self.by_uuid.get(&uuid)?)
    }

    pub(in crate::store::catalog) fn by_id(&self, id: DocumentId) -> Option<&Arc<Document>> {
        self.rows.get(id)
    }

    /// The document of a kind with this unique name.
    pub(in crate::store::catalog) fn by_name(
        &self,
        org: OrgId,
        kind: DocumentKind,
        name: &str,
    ) -> Option<&Arc<Document>> {
        self.rows.get_by_name((org, kind), name)
    }

    /// Documents of a kind, the oldest first.
    pub(in crate::store::catalog) fn of_kind(
        &self,
        org: OrgId,
        kind: DocumentKind,
    ) -> impl Iterator<Item = &Arc<Document>> {
        self.rows.rows_of((org, kind))
    }

    /// Documents of a device, the oldest first.
    pub(in crate::store::catalog) fn of_device(
        &self,
        device: DeviceId,
    ) -> impl Iterator<Item = &Arc<Document>> {
        self.by_device.get(&device).into_iter().flatten().filter_map(|id| self.rows.get(*id))
    }

    #[cfg(test)]
    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.rows.all()
    }

    pub(in crate::store::catalog) fn count_of(&self, org: OrgId) -> usize {
        self.rows.count_of(org)
    }

    /// Estimated memory of an organization's documents, bytes.
    pub(in crate::store::catalog) fn bytes_of(&self, org: OrgId) -> usize {
        self.rows.bytes_of(org)
    }

    /// Differs after every change.
    pub(in crate::store::catalog) fn revision(&self) -> u64 {
        self.revision
    }

    /// Continues the revision of `before`, so that a reloaded index is never mistaken for the old one.
    pub(in crate::store::catalog) fn continue_after(&mut self, before: &DocumentIndex) {
        self.revision += before.revision + 1;
    }

    /// Adds or replaces a document.
    pub(in crate::store::catalog) fn put(&mut self, document: Arc<Document>) {
        self.remove(document.id);
        self.revision += 1;
        self.by_uuid.insert(document.uuid, document.id);
        for device in devices_of(&document) {
            self.by_device.entry(device).or_default().insert(document.id);
        }
        self.rows.put(document);
    }

    pub(in crate::store::catalog) fn remove(&mut self, id: DocumentId) {
        let Some(document) = self.rows.remove(id) else { return };
        self.revision += 1;
        self.by_uuid.remove(&document.uuid);
        for device in devices_of(&document) {
            remove_id(&mut self.by_device, &device, id);
        }
    }

    pub(in crate::store::catalog) fn remove_device(&mut self, device: DeviceId) {
        for id in self.by_device.get(&device).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }
}

/// Devices with which a document is deleted.
fn devices_of(document: &Document) -> impl Iterator<Item = DeviceId> + use<> {
    [document.spec.device(), document.spec.second_device()].into_iter().flatten()
}

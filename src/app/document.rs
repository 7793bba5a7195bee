//! Documents of the MK platform: sites, components, groups of devices, profiles and others.

use std::sync::Arc;

use uuid::Uuid;

use super::core_parts::CoreParts;
use crate::domain::document::{Document, DocumentKind, DocumentSpec};
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::catalog::NewDocument;

/// The documents of the MK platform in the catalog.
pub struct Documents {
    pub(super) store: Arc<Store>,
}

impl Documents {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns the documents of a kind that the principal sees, the oldest first.
    pub fn documents(&self, principal: &Principal, kind: DocumentKind) -> Result<Vec<Arc<Document>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().documents.documents(principal, kind))
    }

    /// Returns the documents of a device that the principal sees, the oldest first.
    pub fn documents_of_device(&self, principal: &Principal, device: DeviceId) -> Result<Vec<Arc<Document>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().documents.documents_of_device(principal, device))
    }

    /// Returns a document of a kind by its UUID; `NotFound` when it is absent, of another kind or not visible.
    pub fn document(&self, principal: &Principal, kind: DocumentKind, uuid: Uuid) -> Result<Arc<Document>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().documents.document(principal, kind, uuid)
    }

    /// Returns the document of a kind with a unique name ([`DocumentSpec::unique_name`]), if the principal sees it.
    pub fn document_by_name(
        &self,
        principal: &Principal,
        kind: DocumentKind,
        name: &str,
    ) -> Result<Option<Arc<Document>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().documents.document_by_name(principal, kind, name))
    }

    /// Returns the document for a principal that may change it.
    pub fn document_to_change(
        &self,
        principal: &Principal,
        kind: DocumentKind,
        uuid: Uuid,
    ) -> Result<Arc<Document>> {
        self.check_may_change_documents(principal, kind)?;
        self.store.catalog().documents.document(principal, kind, uuid)
    }

    /// Requires a principal that may change documents of a kind. Profiles and packs are for administrators.
    pub fn check_may_change_documents(&self, principal: &Principal, kind: DocumentKind) -> Result<()> {
        principal.require(Scope::write(Resource::Device))?;
        if kind.is_managed() {
            principal.require(Scope::write(Resource::System))?;
        }
        Ok(())
    }

    /// Creates one document; fails like [`Documents::create_documents`].
    pub async fn create_document(&self, principal: &Principal, spec: DocumentSpec) -> Result<Arc<Document>> {
        let created = self.create_documents(principal, vec![NewDocument::new(spec)]).await?;
        created.into_iter().next().ok_or_else(|| Error::internal("a document was not created"))
    }

    /// Creates documents, all or none. They may refer to each other.
    pub async fn create_documents(
        &self,
        principal: &Principal,
        documents: Vec<NewDocument>,
    ) -> Result<Vec<Arc<Document>>> {
        for document in &documents {
            self.check_may_change_documents(principal, document.spec.kind())?;
        }
        self.store.catalog().documents.create_documents(principal, documents).await
    }

    /// Changes a document as it is stored at that moment; with `expected` only that version of it.
    pub async fn update_document(
        &self,
        principal: &Principal,
        place: (DocumentKind, Uuid),
        expected: Option<i32>,
        change: impl FnOnce(&mut DocumentSpec) + Send,
    ) -> Result<Arc<Document>> {
        self.check_may_change_documents(principal, place.0)?;
        self.store.catalog().documents.update_document(principal, place, expected, change).await
    }

    /// Deletes a document, unless another one needs it.
    pub async fn delete_document(
        &self,
        principal: &Principal,
        kind: DocumentKind,
        uuid: Uuid,
    ) -> Result<Arc<Document>> {
        self.check_may_change_documents(principal, kind)?;
        self.store.catalog().documents.delete_document(principal, kind, uuid).await
    }
}

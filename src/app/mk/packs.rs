//! Packs: profiles, annotation classes and dashboards that administrators install and remove together.

use std::sync::Arc;

use uuid::Uuid;

use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::domain::document::{Document, DocumentKind, PackContent};
use crate::domain::{Error, FieldError, Principal, Result};
use crate::store::Store;
use crate::store::catalog::PackInstall;

/// A pack with its rows.
#[derive(Debug, Clone)]
pub struct PackOverview {
    pub document: Arc<Document>,
    /// Sensor profiles, device profiles, annotation classes and dashboards, each in the order of the pack.
    pub members: Vec<Arc<Document>>,
}

/// Outcome of the installation of a pack.
#[derive(Debug, Clone)]
pub enum PackOutcome {
    /// It is installed now.
    Created(PackOverview),
    /// It was installed already, with the same content.
    Unchanged(PackOverview),
}

/// Why a pack was not installed.
#[derive(Debug)]
pub enum PackRefusal {
    /// Versions of its profiles contradict the rule of versions, or its annotation classes those that are there.
    Versions(Vec<FieldError>),
    /// Any other reason.
    Failed(Error),
}

impl From<Error> for PackRefusal {
    fn from(error: Error) -> Self {
        PackRefusal::Failed(error)
    }
}

/// Packs with the rows that they install.
pub struct Packs {
    store: Arc<Store>,
    documents: Arc<Documents>,
}

impl Packs {
    pub(super) fn new(parts: &CoreParts, documents: Arc<Documents>) -> Self {
        Self { store: parts.store.clone(), documents }
    }

    /// Installs a pack with its rows, all or none. The same again changes nothing.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may change packs; `Invalid` naming every wrong field; `Conflict` when this version
    /// of the pack is installed with other content; the mistakes of the versions by themselves; `LimitReached` beyond the
    /// quota.
    pub async fn install_pack(
        &self,
        principal: &Principal,
        content: PackContent,
    ) -> Result<PackOutcome, PackRefusal> {
        self.documents.check_may_change_documents(principal, DocumentKind::Pack)?;
        match self.store.catalog().documents.install_pack(principal, content).await? {
            PackInstall::Created(row) => Ok(PackOutcome::Created(self.pack_overview(principal, row)?)),
            PackInstall::Unchanged(row) => Ok(PackOutcome::Unchanged(self.pack_overview(principal, row)?)),
            PackInstall::Refused(problems) => Err(PackRefusal::Versions(problems)),
        }
    }

    /// Returns a pack.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub fn pack(&self, principal: &Principal, id: Uuid) -> Result<PackOverview> {
        let row = self.documents.document(principal, DocumentKind::Pack, id)?;
        self.pack_overview(principal, row)
    }

    /// Completes a pack by its rows.
    ///
    /// # Errors
    /// `Internal` for a document of another kind.
    pub fn pack_overview(&self, principal: &Principal, document: Arc<Document>) -> Result<PackOverview> {
        let pack = document.pack().ok_or_else(|| Error::internal("a pack is of another kind"))?;
        let members = self.store.catalog().documents.pack_members(principal, pack);
        Ok(PackOverview { document, members })
    }

    /// Deletes a pack with those of its rows that no other pack has.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may change packs; `NotFound`; `Conflict` while one of these rows is in use.
    pub async fn delete_pack(&self, principal: &Principal, id: Uuid) -> Result<()> {
        self.documents.check_may_change_documents(principal, DocumentKind::Pack)?;
        self.store.catalog().documents.delete_pack(principal, id).await
    }
}

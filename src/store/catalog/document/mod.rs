//! Documents in the catalog. A document of a device is seen with the device, any other by every caller of its
//! organization.

pub(super) mod binding_report;
pub(super) mod binding_report_index;
pub(super) mod configuration;
pub(super) mod firmware;
pub(super) mod index;
pub(super) mod pack;

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, DbErr, EntityTrait};
use uuid::Uuid;

use self::binding_report::delete_binding_reports;
use super::alert::rule::{rules_without_channel, write_rules};
use super::annotation::check_classes_unused;
use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::entity;
use super::mirror::Mirror;
use super::org::quota::QuotaDelta;
use super::transaction::{CatalogTransaction, DbTransaction};
use super::visibility::{VisibleCatalog, require_unrestricted};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::{Document, DocumentKind, DocumentSpec, ReferenceTarget};
use crate::domain::{DeviceId, Error, FieldError, Principal, Result};

/// A document to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    /// Its id in APIs.
    pub uuid: Uuid,
    /// Its content.
    pub spec: DocumentSpec,
}

impl NewDocument {
    /// A document with a new id.
    pub fn new(spec: DocumentSpec) -> Self {
        Self { uuid: Uuid::new_v4(), spec }
    }
}

/// Documents: those of configuration and firmware, packs, and the reports of their bindings.
pub struct DocumentCatalog {
    core: Arc<CatalogCore>,
}

impl DocumentCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Visible documents of a kind, the oldest first.
    pub fn documents(&self, who: &Principal, kind: DocumentKind) -> Vec<Arc<Document>> {
        let visible = self.core.visible_to(who);
        let all = visible.mirror.documents.of_kind(who.org, kind);
        let seen = all.filter(|document| visible.sees_document(document));
        seen.map(|document| visible.redact_document(document)).collect()
    }

    /// Visible documents of a device, the oldest first.
    pub fn documents_of_device(&self, who: &Principal, device: DeviceId) -> Vec<Arc<Document>> {
        let visible = self.core.visible_to(who);
        if visible.device(device).is_err() {
            return Vec::new();
        }
        let all = visible.mirror.documents.of_device(device);
        let seen = all.filter(|document| visible.sees_document(document));
        seen.map(|document| visible.redact_document(document)).collect()
    }

    /// Returns a document of a kind; `NotFound` when it is absent or not visible.
    pub fn document(&self, who: &Principal, kind: DocumentKind, uuid: Uuid) -> Result<Arc<Document>> {
        let visible = self.core.visible_to(who);
        visible.document(kind, uuid).map(|document| visible.redact_document(document))
    }

    /// Returns the document of a kind with a unique name ([`DocumentSpec::unique_name`]).
    pub fn document_by_name(&self, who: &Principal, kind: DocumentKind, name: &str) -> Option<Arc<Document>> {
        let visible = self.core.visible_to(who);
        let found = visible.mirror.documents.by_name(who.org, kind, name)?;
        visible.sees_document(found).then(|| visible.redact_document(found))
    }

    /// Number of visible documents that keep a row from being deleted.
    pub fn holders_of(&self, who: &Principal, target: ReferenceTarget) -> usize {
        holders_of(&self.core.visible_to(who), target)
    }

    /// Creates documents, all or none.
    ///
    /// # Errors
    /// `Invalid` with every problem; `Conflict` for a name that is taken; `LimitReached` beyond the quota.
    pub async fn create_documents(
        &self,
        who: &Principal,
        documents: Vec<NewDocument>,
    ) -> Result<Vec<Arc<Document>>> {
        let transaction = self.core.begin_transaction().await?;
        self.check_new_documents(&transaction.visible_to(who), &documents)?;
        self.insert_documents(transaction, who, documents).await
    }

    /// Checks every rule of documents that are to be created together.
    pub(super) fn check_new_documents(
        &self,
        visible: &VisibleCatalog,
        documents: &[NewDocument],
    ) -> Result<()> {
        let (mut growth, mut names) = (QuotaDelta::default(), HashSet::new());
        for NewDocument { uuid, spec } in documents {
            check(visible, spec, documents)?;
            check_name(visible, spec, None)?;
            if !names.insert((spec.kind(), spec.unique_name())) {
                return Err(Error::conflict(spec.unique_title()));
            }
            if visible.mirror.documents.by_uuid(*uuid).is_some() {
                return Err(Error::conflict(format!("{} {uuid} exists", spec.kind().title())));
            }
            growth += QuotaDelta::of_document(spec, None);
        }
        self.core.check_quota(&visible.mirror, visible.who.org, growth)
    }

    /// Creates documents that were checked in the same transaction.
    pub(super) async fn insert_documents(
        &self,
        transaction: CatalogTransaction,
        who: &Principal,
        documents: Vec<NewDocument>,
    ) -> Result<Vec<Arc<Document>>> {
        let (org, now) = (who.org, self.core.clock.now());
        let work = async move |db: DbTransaction| {
            let mut created = Vec::with_capacity(documents.len());
            for NewDocument { uuid, spec } in documents {
                let row = entity::document::new(org, uuid, &spec, now).insert(&*db).await;
                created.push(into_document(row, &spec)?);
            }
            Ok(created)
        };
        let audit = |created: &Vec<Arc<Document>>| {
            created.iter().map(|row| audit_change(Action::Create, row)).collect()
        };
        let apply = |mirror: &mut Mirror, created: &Vec<Arc<Document>>| {
            created.iter().for_each(|row| mirror.documents.put(Arc::clone(row)));
        };
        transaction.commit_changes(who, work, audit, apply).await
    }

    /// Changes a document atomically. With `expected` the change is made only to that version of it.
    ///
    /// # Errors
    /// `Conflict` for another version, and for a name that is taken.
    pub async fn update_document(
        &self,
        who: &Principal,
        place: (DocumentKind, Uuid),
        expected: Option<i32>,
        change: impl FnOnce(&mut DocumentSpec) + Send,
    ) -> Result<Arc<Document>> {
        let transaction = self.core.begin_transaction().await?;
        let (stored, spec) = {
            let visible = transaction.visible_to(who);
            let stored = Arc::clone(visible.document(place.0, place.1)?);
            if expected.is_some_and(|version| version != stored.version) {
                return Err(Error::conflict(format!("the row has version {} by now", stored.version)));
            }
            let mut spec = stored.spec.clone();
            change(&mut spec);
            spec.check_change(&stored.spec)?;
            check(&visible, &spec, &[])?;
            check_name(&visible, &spec, Some(&stored))?;
            let growth = QuotaDelta::of_document(&spec, Some(&stored.spec));
            self.core.check_quota(&visible.mirror, who.org, growth)?;
            (stored, spec)
        };
        let row = entity::document::for_update(&stored, &spec, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_document(row.update(&*db).await, &spec),
                |row| audit_change(Action::Update, row),
                |mirror, row| mirror.documents.put(Arc::clone(row)),
            )
            .await
    }

    /// Deletes a document, with the bindings of which it is the target, what was reported about them, its annotations, and
    /// the reference pairs that it is in. Alert rules name a channel that is deleted no more.
    ///
    /// # Errors
    /// `Conflict` while another document needs it, or annotations are of this class.
    pub async fn delete_document(
        &self,
        who: &Principal,
        kind: DocumentKind,
        uuid: Uuid,
    ) -> Result<Arc<Document>> {
        let transaction = self.core.begin_transaction().await?;
        let (gone, rules) = {
            let visible = transaction.visible_to(who);
            let stored = Arc::clone(visible.document(kind, uuid)?);
            check_writable(&visible, &stored.spec)?;
            let holders = holders_of(&visible, ReferenceTarget::Document(kind, uuid));
            if holders > 0 {
                let message = format!("{} {uuid} is in use by {holders} rows", kind.title());
                return Err(Error::conflict(message));
            }
            let mut gone = bindings_of_target(&visible, &stored);
            gone.extend(pairs_of_component(&visible, &stored));
            gone.push(stored);
            let rules = match kind {
                DocumentKind::NotificationChannel => rules_without_channel(&visible.mirror, who.org, uuid),
                _ => Vec::new(),
            };
            (gone, rules)
        };
        check_classes_unused(&transaction.db, &gone).await?;
        let changed_rules = rules.clone();
        let delete = async move |db: DbTransaction| {
            for document in &gone {
                delete_binding_reports(&db, document.uuid).await?;
                let row = entity::document::Entity::delete_by_id(document.id.0);
                row.exec(&*db).await.map_err(unavailable)?;
            }
            write_rules(&*db, &changed_rules).await?;
            Ok(gone)
        };
        let audit =
            |gone: &Vec<Arc<Document>>| gone.iter().map(|row| audit_change(Action::Delete, row)).collect();
        let apply = move |mirror: &mut Mirror, gone: &Vec<Arc<Document>>| {
            rules.into_iter().for_each(|rule| mirror.alert_rules.put(rule));
            for document in gone {
                mirror.documents.remove(document.id);
                mirror.media.remove_where(|job| job.camera_row == document.id);
                mirror.binding_reports.remove_binding(document.uuid);
            }
        };
        let mut gone = transaction.commit_changes(who, delete, audit, apply).await?;
        gone.pop().ok_or_else(|| Error::internal("a document was not deleted"))
    }
}

pub(super) fn audit_change(action: Action, document: &Arc<Document>) -> AuditChange {
    AuditChange::new(action, document.spec.kind().name(), document.id.0)
}

fn holders_of(visible: &VisibleCatalog, target: ReferenceTarget) -> usize {
    let all = DocumentKind::ALL.into_iter();
    let rows = all.flat_map(|kind| visible.mirror.documents.of_kind(visible.who.org, kind));
    let by_documents = rows.filter(|row| row.spec.restricted_targets().contains(&target)).count();
    let by_devices = match target {
        ReferenceTarget::Document(DocumentKind::DeviceProfile, uuid) => {
            let devices = visible.mirror.devices.ids_of(visible.who.org);
            let devices = devices.filter_map(|id| visible.mirror.devices.get(id));
            devices.filter(|device| device.topology.device_profile == Some(uuid)).count()
        }
        ReferenceTarget::Device(_) | ReferenceTarget::Document(..) => 0,
    };
    by_documents + by_devices
}

/// Checks that the principal may write a document.
pub(super) fn check_writable(visible: &VisibleCatalog, spec: &DocumentSpec) -> Result<()> {
    let Some(device) = spec.device() else { return require_unrestricted(visible.who) };
    visible.writable_device(device)?;
    spec.second_device().map_or(Ok(()), |second| visible.writable_device(second).map(drop))
}

/// Checks a document's own rules and that what it refers to is there, or among `beside`, which are created with it.
pub(super) fn check(visible: &VisibleCatalog, spec: &DocumentSpec, beside: &[NewDocument]) -> Result<()> {
    let mut problems = spec.problems();
    for reference in spec.references() {
        let is_there = match reference.target {
            ReferenceTarget::Device(id) => visible.device(id).is_ok(),
            ReferenceTarget::Document(kind, uuid) => {
                let is_made = |new: &NewDocument| new.uuid == uuid && new.spec.kind() == kind;
                visible.document(kind, uuid).is_ok() || beside.iter().any(is_made)
            }
        };
        if !is_there {
            problems.push(FieldError::new(reference.field, "does not exist"));
        }
    }
    Error::check(problems)?;
    check_writable(visible, spec)
}

/// Checks that no other document has the same name, or, where there is none, is the same.
pub(super) fn check_name(
    visible: &VisibleCatalog,
    spec: &DocumentSpec,
    stored: Option<&Document>,
) -> Result<()> {
    let namesake = visible.mirror.documents.by_name(visible.who.org, spec.kind(), &spec.unique_name());
    if namesake.is_some_and(|other| Some(other.id) != stored.map(|row| row.id)) {
        return Err(Error::conflict(spec.unique_title()));
    }
    let DocumentSpec::ReferencePair(pair) = spec else { return Ok(()) };
    let pairs = visible.mirror.documents.of_kind(visible.who.org, DocumentKind::ReferencePair);
    pair.check_overlaps(pairs.filter_map(|row| row.reference_pair()))
}

/// Bindings that end with a document, which is their target.
fn bindings_of_target(visible: &VisibleCatalog, target: &Document) -> Vec<Arc<Document>> {
    let is_of_it = |row: &&Arc<Document>| {
        row.binding().is_some_and(|binding| {
            binding.spec.target == target.uuid
                && binding.spec.target_type.document_kind() == Some(target.spec.kind())
        })
    };
    let all = visible.mirror.documents.of_kind(visible.who.org, DocumentKind::Binding);
    all.filter(is_of_it).cloned().collect()
}

/// Reference pairs that end with a document, which is one of their components.
fn pairs_of_component(visible: &VisibleCatalog, component: &Document) -> Vec<Arc<Document>> {
    let pairs = visible.mirror.documents.of_kind(visible.who.org, DocumentKind::ReferencePair);
    let has_it =
        |row: &&Arc<Document>| row.reference_pair().is_some_and(|pair| pair.has_component(component.uuid));
    pairs.filter(has_it).cloned().collect()
}

pub(super) fn into_document(
    row: std::result::Result<entity::document::Model, DbErr>,
    spec: &DocumentSpec,
) -> Result<Arc<Document>> {
    let row = row.map_err(|e| write_error(e, || Error::conflict(spec.unique_title())))?;
    Ok(Arc::new(row.try_into()?))
}

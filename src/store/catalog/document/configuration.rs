//! Artefacts and bindings in the catalog: rules that concern several documents at once.

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::ActiveModelTrait;
use uuid::Uuid;

use super::DocumentCatalog;
use super::{audit_change, check, check_name, check_writable, into_document};
use crate::domain::audit::Action;
use crate::domain::configuration::artefact::{Artefact, ArtefactContent, ArtefactSpec};
use crate::domain::configuration::binding::{Binding, BindingSpec, TargetType};
use crate::domain::document::{Document, DocumentKind, DocumentSpec};
use crate::domain::{DeviceId, Error, FieldError, Principal, Result};
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::org::quota::QuotaDelta;
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::VisibleCatalog;

/// An artefact to be created; its version follows from those of its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NewArtefact {
    /// Fields that were given.
    pub spec: ArtefactSpec,
    /// Size of the content, bytes.
    pub size_bytes: u64,
    /// SHA-256 of the content in hexadecimal.
    pub sha256: String,
    /// Creator, as APIs show it.
    pub created_by: String,
}

impl DocumentCatalog {
    /// Changes whenever documents do: what depends on documents alone need not be computed again before.
    pub fn document_revision(&self) -> u64 {
        self.core.mirror.read().documents.revision()
    }

    /// Ids of the uploaded objects that artefacts and firmware of any organization refer to.
    pub fn referenced_objects(&self) -> HashSet<Uuid> {
        let mirror = self.core.mirror.read();
        let orgs = mirror.orgs.rows_of(());
        let kinds = [DocumentKind::Artefact, DocumentKind::Firmware];
        let rows = orgs.flat_map(|org| kinds.map(|kind| mirror.documents.of_kind(org.id, kind)));
        let object = |row: &Arc<Document>| match &row.spec {
            DocumentSpec::Artefact(artefact) => match artefact.spec.content {
                ArtefactContent::Object(id) => Some(id),
                ArtefactContent::Inline(_) => None,
            },
            DocumentSpec::Firmware(firmware) => Some(firmware.object),
            _ => None,
        };
        rows.flatten().filter_map(object).collect()
    }

    /// Creates the next version of an artefact, and makes it the desired one of every binding of its name.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal; `Invalid` naming the rule; `LimitReached` beyond the quota.
    pub async fn create_artefact(&self, who: &Principal, new: NewArtefact) -> Result<Arc<Document>> {
        let transaction = self.core.begin_transaction().await?;
        let (spec, bound, version) = {
            let visible = transaction.visible_to(who);
            let version = next_version(&visible, &new.spec.name);
            let NewArtefact { spec, size_bytes, sha256, created_by } = new;
            let name = spec.name.clone();
            let spec = DocumentSpec::Artefact(Artefact { spec, version, size_bytes, sha256, created_by });
            check(&visible, &spec, &[])?;
            self.core.check_quota(&visible.mirror, who.org, QuotaDelta::of_document(&spec, None))?;
            let bindings = visible.mirror.documents.of_kind(who.org, DocumentKind::Binding);
            let of_name = |row: &&Arc<Document>| row.binding().is_some_and(|b| b.artefact_name == name);
            (spec, bindings.filter(of_name).cloned().collect::<Vec<_>>(), version)
        };
        let (org, now, uuid) = (who.org, self.core.clock.now(), Uuid::new_v4());
        let work = async move |db: DbTransaction| {
            let row = entity::document::new(org, uuid, &spec, now).insert(&*db).await;
            let mut changed = vec![into_document(row, &spec)?];
            for binding in bound {
                let Some(moved) = with_artefact(&binding, uuid, version) else { continue };
                let row = entity::document::for_update(&binding, &moved, now).update(&*db).await;
                changed.push(into_document(row, &moved)?);
            }
            Ok(changed)
        };
        let audit = |changed: &Vec<Arc<Document>>| {
            let action = |row: &Document| match row.spec.kind() {
                DocumentKind::Binding => Action::Update,
                _ => Action::Create,
            };
            changed.iter().map(|row| audit_change(action(row), row)).collect()
        };
        let apply = |mirror: &mut Mirror, changed: &Vec<Arc<Document>>| {
            changed.iter().for_each(|row| mirror.documents.put(Arc::clone(row)));
        };
        let changed = transaction.commit_changes(who, work, audit, apply).await?;
        changed.into_iter().next().ok_or_else(|| Error::internal("an artefact was not created"))
    }

    /// Creates a binding with this id, or replaces what it binds; returns whether it was created. The same again changes
    /// nothing.
    ///
    /// # Errors
    /// `Invalid` for an artefact or a target that does not exist; `NotFound` for an id that another row has; `Conflict`
    /// when the target has a binding of an artefact of the same name; `Forbidden` where the principal may not write.
    pub async fn put_binding(
        &self,
        who: &Principal,
        uuid: Uuid,
        new: BindingSpec,
    ) -> Result<(Arc<Document>, bool)> {
        let transaction = self.core.begin_transaction().await?;
        let (stored, spec) = {
            let visible = transaction.visible_to(who);
            // First, so that a request which is wrong anyway is answered alike whether or not somebody has this id.
            let spec = DocumentSpec::Binding(resolve(&visible, new)?);
            let stored = match visible.mirror.documents.by_uuid(uuid) {
                Some(_) => Some(Arc::clone(visible.document(DocumentKind::Binding, uuid)?)),
                None => None,
            };
            if let Some(stored) = stored.as_ref() {
                check_writable(&visible, &stored.spec)?;
                if stored.spec == spec {
                    return Ok((Arc::clone(stored), false));
                }
            }
            check(&visible, &spec, &[])?;
            check_name(&visible, &spec, stored.as_deref())?;
            let growth = QuotaDelta::of_document(&spec, stored.as_ref().map(|stored| &stored.spec));
            self.core.check_quota(&visible.mirror, who.org, growth)?;
            (stored, spec)
        };
        let (org, now, is_new) = (who.org, self.core.clock.now(), stored.is_none());
        let work = async move |db: DbTransaction| {
            let row = match &stored {
                Some(stored) => entity::document::for_update(stored, &spec, now).update(&*db).await,
                None => entity::document::new(org, uuid, &spec, now).insert(&*db).await,
            };
            into_document(row, &spec)
        };
        let action = if is_new { Action::Create } else { Action::Update };
        let audit = move |row: &Arc<Document>| audit_change(action, row);
        let apply = |mirror: &mut Mirror, row: &Arc<Document>| mirror.documents.put(Arc::clone(row));
        Ok((transaction.commit_change(who, work, audit, apply).await?, is_new))
    }
}

/// Version of the next artefact of a name.
fn next_version(visible: &VisibleCatalog, name: &str) -> u32 {
    let all = visible.mirror.documents.of_kind(visible.who.org, DocumentKind::Artefact);
    let of_name = all.filter_map(|row| row.artefact()).filter(|artefact| artefact.spec.name == name);
    of_name.map(|artefact| artefact.version).max().unwrap_or(0).saturating_add(1)
}

/// The content of a binding with another version of its artefact.
fn with_artefact(row: &Document, artefact: Uuid, version: u32) -> Option<DocumentSpec> {
    let mut binding = row.binding()?.clone();
    binding.spec.artefact = artefact;
    binding.desired_version = version;
    Some(DocumentSpec::Binding(binding))
}

/// Completes a binding by its artefact and by the device of its target.
fn resolve(visible: &VisibleCatalog, spec: BindingSpec) -> Result<Binding> {
    let mut problems = Vec::new();
    let document = visible.document(DocumentKind::Artefact, spec.artefact).ok();
    let artefact = document.and_then(|row| row.artefact());
    if artefact.is_none() {
        problems.push(FieldError::new("artefact", "does not exist"));
    }
    let device = device_of_target(visible, spec);
    if device.is_none() {
        problems.push(FieldError::new("target", "does not exist"));
    }
    Error::check(problems)?;
    let (Some(artefact), Some(device)) = (artefact, device) else { return Err(Error::not_found()) };
    let (artefact_name, desired_version) = (artefact.spec.name.clone(), artefact.version);
    Ok(Binding { spec, artefact_name, desired_version, device })
}

/// The device of a target that is one or belongs to one; the outer `None` is for a target that is not visible.
fn device_of_target(visible: &VisibleCatalog, spec: BindingSpec) -> Option<Option<DeviceId>> {
    match spec.target_type {
        TargetType::Device => {
            let device = visible.mirror.devices.get_by_uuid(spec.target)?;
            visible.device(device.id).ok().map(|device| Some(device.id))
        }
        TargetType::Component
        | TargetType::DeviceGroup
        | TargetType::DeviceProfile
        | TargetType::SensorProfile => {
            let kind = spec.target_type.document_kind()?;
            visible.document(kind, spec.target).ok().map(|document| document.spec.device())
        }
    }
}

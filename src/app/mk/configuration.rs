//! Configuration of devices: artefacts, bindings, what devices are to have, and what they report.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::device::PlatformDevices;
use super::objects::Objects;
use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::domain::configuration::artefact::{ArtefactContent, ArtefactSpec, ProfileType, canonical_text};
use crate::domain::configuration::binding::{
    Binding, BindingReport, BindingSpec, BindingStatus, ReportEntry, TargetType,
};
use crate::domain::configuration::content::{ContentFields, content_problems};
use crate::domain::configuration::report::parse_report;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::{Clock, DeviceId, Error, FieldError, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::catalog::NewArtefact;

/// Why an artefact was not created.
#[derive(Debug)]
pub enum ArtefactRefusal {
    /// The content contradicts its profile.
    Content(Vec<FieldError>),
    /// Any other reason.
    Failed(Error),
}

impl From<Error> for ArtefactRefusal {
    fn from(error: Error) -> Self {
        ArtefactRefusal::Failed(error)
    }
}

/// A binding with how far its devices are.
#[derive(Debug, Clone)]
pub struct BindingOverview {
    pub document: Arc<Document>,
    pub binding: Binding,
    /// The worst that a device reported about the desired version.
    pub status: BindingStatus,
    /// The report that stands for all; `None` before the first.
    pub report: Option<Arc<BindingReport>>,
}

/// Outcome of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportOutcome {
    /// Bindings whose state changed.
    pub stored: usize,
    /// Elements that could not be read.
    pub malformed: usize,
}

/// Artefacts and their bindings, what devices are to have, and what they report.
pub struct Configurations {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    documents: Arc<Documents>,
    pub(super) devices: Arc<PlatformDevices>,
    pub(super) objects: Arc<Objects>,
    /// Scheme and authority under which devices reach this server; `None` where they know them.
    pub(super) public_url: Option<String>,
}

/// Services that the configuration of devices calls.
pub(super) struct ConfigurationCalls {
    pub documents: Arc<Documents>,
    pub devices: Arc<PlatformDevices>,
    pub objects: Arc<Objects>,
}

impl Configurations {
    pub(super) fn new(parts: &CoreParts, calls: ConfigurationCalls, public_url: Option<String>) -> Self {
        let ConfigurationCalls { documents, devices, objects } = calls;
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            documents,
            devices,
            objects,
            public_url,
        }
    }

    /// Creates the next version of an artefact. Every binding of its name wants this version from then on.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write` and for a restricted principal; `Invalid` naming every wrong field;
    /// the mistakes of the content by themselves; `LimitReached` beyond the quota.
    pub async fn create_artefact(
        &self,
        principal: &Principal,
        spec: ArtefactSpec,
        created_by: String,
    ) -> Result<Arc<Document>, ArtefactRefusal> {
        self.documents.check_may_change_documents(principal, DocumentKind::Artefact)?;
        let profile = self.artefact_profile(principal, &spec);
        let mut problems = spec.problems();
        if profile.is_none() {
            problems.push(FieldError::new("profile", "does not exist"));
        }
        let (size_bytes, sha256) = match &spec.content {
            ArtefactContent::Inline(content) => {
                let text = canonical_text(content);
                (text.len() as u64, hex::encode(Sha256::digest(&text)))
            }
            ArtefactContent::Object(id) => match self.objects.referable_object(principal, *id) {
                Ok(object) => (object.spec.size_bytes, object.spec.sha256.clone().unwrap_or_default()),
                Err(error) => {
                    problems.extend(error.fields);
                    (0, String::new())
                }
            },
        };
        Error::check(problems)?;
        if let (ArtefactContent::Inline(content), Some(profile)) = (&spec.content, &profile) {
            let found =
                fields_of(profile).map(|fields| content_problems(content, fields)).unwrap_or_default();
            if !found.is_empty() {
                return Err(ArtefactRefusal::Content(found));
            }
        }
        let new = NewArtefact { spec, size_bytes, sha256, created_by };
        Ok(self.store.catalog().documents.create_artefact(principal, new).await?)
    }

    fn artefact_profile(&self, principal: &Principal, spec: &ArtefactSpec) -> Option<Arc<Document>> {
        let kind = match spec.profile_type {
            ProfileType::SensorProfile => DocumentKind::SensorProfile,
            ProfileType::DeviceProfile => DocumentKind::DeviceProfile,
        };
        self.store.catalog().documents.document(principal, kind, spec.profile).ok()
    }

    /// Returns every binding that the principal sees, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn bindings(&self, principal: &Principal) -> Result<Vec<BindingOverview>> {
        let rows = self.documents.documents(principal, DocumentKind::Binding)?;
        Ok(rows.into_iter().filter_map(|row| self.binding_overview(principal, row)).collect())
    }

    /// Returns a binding.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub fn binding(&self, principal: &Principal, id: Uuid) -> Result<BindingOverview> {
        let row = self.documents.document(principal, DocumentKind::Binding, id)?;
        self.binding_overview(principal, row).ok_or_else(Error::not_found)
    }

    /// Creates a binding with this id, or replaces what it binds; returns whether it was created.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; as `DocumentCatalog::put_binding`.
    pub async fn put_binding(
        &self,
        principal: &Principal,
        id: Uuid,
        spec: BindingSpec,
    ) -> Result<(BindingOverview, bool)> {
        self.documents.check_may_change_documents(principal, DocumentKind::Binding)?;
        let (row, is_new) = self.store.catalog().documents.put_binding(principal, id, spec).await?;
        let overview = self.binding_overview(principal, row);
        overview
            .map(|overview| (overview, is_new))
            .ok_or_else(|| Error::internal("the document is not a binding"))
    }

    /// Completes a binding by what devices reported; `None` for a document of another kind.
    pub fn binding_overview(
        &self,
        principal: &Principal,
        document: Arc<Document>,
    ) -> Option<BindingOverview> {
        let binding = document.binding()?.clone();
        let reports = self.store.catalog().documents.binding_reports(principal, document.uuid);
        let plain = || reports.iter().map(|report| &**report);
        let status = binding.status(plain());
        let report = binding.shown_report(plain()).cloned().map(Arc::new);
        Some(BindingOverview { document, binding, status, report })
    }

    /// Binds an artefact to a device or one of its components, or ends that, as a command asks. Ending what is not bound
    /// changes nothing.
    ///
    /// # Errors
    /// `Invalid` naming the parameter of the command that does not exist; the errors of [`Configurations::put_binding`].
    pub(in crate::app) async fn bind_by_command(
        &self,
        principal: &Principal,
        device: DeviceId,
        (target_type, target): (TargetType, Uuid),
        (artefact, is_bound): (Uuid, bool),
    ) -> Result<()> {
        let absent = |name: &'static str| Error::field(name, "does not exist");
        let catalog = self.store.catalog();
        if target_type == TargetType::Component {
            let component = catalog.documents.document(principal, DocumentKind::Component, target);
            let is_own = component.is_ok_and(|row| row.spec.device() == Some(device));
            is_own.then_some(()).ok_or_else(|| absent("params.componentId"))?;
        }
        let row = catalog.documents.document(principal, DocumentKind::Artefact, artefact).ok();
        let named = row.as_ref().and_then(|row| row.artefact());
        let name = &named.ok_or_else(|| absent("params.configArtefactId"))?.spec.name;
        let is_match = |row: &&Arc<Document>| {
            row.binding().is_some_and(|binding| {
                (binding.spec.target_type, binding.spec.target) == (target_type, target)
                    && binding.artefact_name == *name
            })
        };
        let known = catalog.documents.documents(principal, DocumentKind::Binding);
        let known = known.iter().find(is_match).map(|row| row.uuid);
        if is_bound {
            let spec = BindingSpec { target_type, target, artefact };
            self.put_binding(principal, known.unwrap_or_else(Uuid::new_v4), spec).await?;
        } else if let Some(known) = known {
            self.documents.delete_document(principal, DocumentKind::Binding, known).await?;
        }
        Ok(())
    }

    /// Stores what a device reports about its configuration. What concerns another version than the desired one is
    /// ignored, as is what concerns no binding of the device.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound` for a device that the principal may not change; as
    /// [`parse_report`].
    pub async fn report_configuration(
        &self,
        principal: &Principal,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<ReportOutcome> {
        principal.require(Scope::write(Resource::Device))?;
        let report = parse_report(bytes)?;
        let desired = self.desired_configuration(principal, device)?;
        let bindings: HashMap<Uuid, Binding> =
            desired.iter().map(|row| (row.binding_id, row.binding.clone())).collect();
        let now = self.clock.now();
        let decide = |id: Uuid, last: Option<&BindingReport>| {
            let binding = bindings.get(&id)?;
            // An artefact of several components may be reported for each of them.
            let own = report.entries.iter().filter(|entry| {
                entry.artefact == binding.spec.artefact && entry.version == binding.desired_version
            });
            let worst: &ReportEntry = own.max_by_key(|entry| entry.status.severity())?;
            binding.accept_report(last, worst, now)
        };
        let ids = bindings.keys().copied().collect();
        let stored = self.store.catalog().documents.report_bindings(principal, device, ids, decide).await?;
        Ok(ReportOutcome { stored, malformed: report.malformed })
    }
}

fn fields_of(profile: &Document) -> Option<ContentFields<'_>> {
    let sensor = profile.sensor_profile().map(|profile| ContentFields::Sensor(&profile.fields));
    sensor.or_else(|| profile.device_profile().map(|profile| ContentFields::Device(&profile.writable_fields)))
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;

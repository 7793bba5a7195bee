//! Reads documents of a file, and puts them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::dashboard_form::{FileDashboard, FileSensor, STREAM_SEPARATOR, stream_row_name};
use super::form::{
    DocumentImport, FileArtefact, FileBinding, FileDevice, FileDocument, RowKind, RowName, profile_kind,
    target_kind,
};
use super::reference_pair;
use crate::app::inventory::problem_list::ProblemList;
use crate::app::inventory::{FieldChange, ImportEntry, ImportKind, ImportProblem, InventoryFiles};
use crate::app::mk::configuration::ArtefactRefusal;
use crate::app::mk::packs::PackRefusal;
use crate::domain::configuration::binding::BindingSpec;
use crate::domain::device::{Device, DeviceFilter};
use crate::domain::document::{DashboardSpec, Document, DocumentKind, DocumentSpec};
use crate::domain::inventory::Inventory;
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Principal, Result};

/// Reads a document, a map with its `kind`. Mistakes are added to `problems`.
pub fn read(line: u64, value: Value, problems: &mut ProblemList) -> Option<DocumentImport> {
    let problem = |column: &str, message: String| ImportProblem { line, column: column.to_owned(), message };
    let mut document: FileDocument = match serde_json::from_value(value) {
        Ok(document) => document,
        Err(error) => {
            problems.push(problem("documents", format!("{error}.")));
            return None;
        }
    };
    if let FileDocument::DeviceGroup(group) = &mut document {
        group.devices.sort();
        group.devices.dedup();
    }
    let found = document.problems();
    problems.extend(found.into_iter().map(|one| problem(&one.field, format!("{}.", one.message))));
    Some(DocumentImport { line, document })
}

/// Documents of a file, as they are to be put.
#[derive(Default)]
pub(in crate::app::inventory) struct DocumentPlan {
    pub documents: Vec<FileDocument>,
    pub entries: Vec<ImportEntry>,
    pub unchanged: usize,
}

impl InventoryFiles {
    /// Compares the documents of a file with those that are there, in the order in which they are put.
    ///
    /// # Errors
    /// `Forbidden` when the principal may not change what the file changes.
    pub(in crate::app::inventory) fn plan_documents(
        &self,
        principal: &Principal,
        documents: Vec<DocumentImport>,
    ) -> Result<DocumentPlan> {
        if documents.is_empty() {
            return Ok(DocumentPlan::default());
        }
        let present = self.file_documents(principal)?;
        let present: HashMap<RowName, FileDocument> =
            present.into_iter().map(|document| (document.row_name(), document)).collect();
        let mut plan = DocumentPlan::default();
        let mut documents: Vec<FileDocument> = documents.into_iter().map(|one| one.document).collect();
        documents.sort_by_key(FileDocument::put_order);
        for document in documents {
            let before = present.get(&document.row_name());
            if before == Some(&document) {
                plan.unchanged += 1;
                continue;
            }
            let kind = if document.rank() == 0 { DocumentKind::Pack } else { DocumentKind::Site };
            self.documents.check_may_change_documents(principal, kind)?;
            plan.entries.push(entry(before, &document));
            plan.documents.push(document);
        }
        Ok(plan)
    }

    /// The mistakes of documents that name what is neither there nor in the file, or are in the file twice. `inventory` has
    /// the devices and streams of the file.
    pub(in crate::app::inventory) fn document_problems(
        &self,
        principal: &Principal,
        documents: &[DocumentImport],
        inventory: &Inventory,
        problems: &mut ProblemList,
    ) {
        let mut lines = HashMap::new();
        if documents.is_empty() {
            return;
        }
        let rows = documents.iter().flat_map(|one| one.document.provides());
        let provided: HashSet<RowName> = rows.chain(rows_of(inventory)).collect();
        for DocumentImport { line, document } in documents {
            let problem =
                |column: &str, message| ImportProblem { line: *line, column: column.to_owned(), message };
            let (kind, name) = document.row_name();
            if let Some(before) = lines.insert((kind, name.clone()), *line) {
                let message = format!("the {} `{name}` is in line {before} already.", kind.name());
                problems.push(problem("documents", message));
            }
            for (field, row) in document.references() {
                if problems.is_full() {
                    return;
                }
                if !provided.contains(&row) && self.named_row(principal, &row).is_none() {
                    problems.push(problem(field, format!("there is no {} `{}`.", row.0.name(), row.1)));
                }
            }
        }
        problems.extend(reference_pair::overlap_problems(documents));
    }

    /// Puts a document. What it names must be there.
    ///
    /// # Errors
    /// The errors of the call that the platform makes for such a document, with its name.
    pub(in crate::app::inventory) async fn put_file_document(
        &self,
        principal: &Principal,
        document: FileDocument,
    ) -> Result<()> {
        let (kind, name) = document.row_name();
        let put = self.put_document(principal, document).await;
        put.map_err(|error| Error {
            message: format!("{} `{name}`: {}", kind.name(), error.message),
            ..error
        })
    }

    async fn put_document(&self, who: &Principal, document: FileDocument) -> Result<()> {
        let row = document.row_name();
        match document {
            FileDocument::Pack(pack) => {
                self.packs.install_pack(who, pack.without_pack()).await.map(drop).map_err(pack_error)
            }
            FileDocument::Site(site) => {
                self.put_named(who, (DocumentKind::Site, row), DocumentSpec::Site(site)).await
            }
            FileDocument::AnnotationClass(class) => {
                let spec = DocumentSpec::AnnotationClass(class);
                self.put_named(who, (DocumentKind::AnnotationClass, row), spec).await
            }
            FileDocument::Dashboard(dashboard) => self.put_dashboard(who, row, dashboard).await,
            FileDocument::Device(device) => self.put_topology(who, device).await,
            FileDocument::Component(component) => {
                let device = self.device_of_name(who, &component.device)?;
                let profile =
                    self.uuid_of_optional(who, RowKind::SensorProfile, &component.sensor_profile)?;
                let spec = component.spec(device.id, profile);
                match self.named_row(who, &row) {
                    Some(uuid) => self.sensors.replace_component(who, uuid, spec).await.map(drop),
                    None => {
                        self.documents.create_document(who, DocumentSpec::Component(spec)).await.map(drop)
                    }
                }
            }
            FileDocument::DeviceGroup(group) => {
                let mut devices = Vec::with_capacity(group.devices.len());
                for name in &group.devices {
                    devices.push(self.device_of_name(who, name)?.id);
                }
                let spec = DocumentSpec::DeviceGroup(group.spec(devices));
                self.put_named(who, (DocumentKind::DeviceGroup, row), spec).await
            }
            FileDocument::Artefact(artefact) => self.put_artefact(who, artefact).await,
            FileDocument::Binding(binding) => self.put_file_binding(who, binding).await,
            FileDocument::ReferencePair(pair) => self.put_reference_pair(who, pair).await,
        }
    }

    /// Creates a document or replaces the one of its name.
    async fn put_named(
        &self,
        who: &Principal,
        (kind, row): (DocumentKind, RowName),
        new: DocumentSpec,
    ) -> Result<()> {
        match self.named_row(who, &row) {
            Some(uuid) => {
                let change = |spec: &mut DocumentSpec| *spec = new;
                self.documents.update_document(who, (kind, uuid), None, change).await.map(drop)
            }
            None => self.documents.create_document(who, new).await.map(drop),
        }
    }

    async fn put_dashboard(&self, who: &Principal, row: RowName, dashboard: FileDashboard) -> Result<()> {
        let sensor = |sensor: &FileSensor| {
            let FileSensor { device, stream } = sensor;
            let absent = || Error::invalid(format!("there is no stream `{}`", sensor.row_name()));
            self.stream_of_names(who, device, stream).ok_or_else(absent)
        };
        let new = dashboard.spec(sensor)?;
        let Some(uuid) = self.named_row(who, &row) else {
            let new = DashboardSpec { created_by: Some(who.caller.to_string()), ..new };
            return self.documents.create_document(who, DocumentSpec::Dashboard(new)).await.map(drop);
        };
        let change = |spec: &mut DocumentSpec| {
            if let DocumentSpec::Dashboard(stored) = spec {
                *stored = stored.replaced_by(new);
            }
        };
        self.documents.update_document(who, (DocumentKind::Dashboard, uuid), None, change).await.map(drop)
    }

    /// The UUID of a stream; `None` when it is not there.
    fn stream_of_names(&self, who: &Principal, device: &str, stream: &str) -> Option<Uuid> {
        let device = self.device_of_name(who, device).ok()?.id;
        let filter =
            StreamFilter { device: Some(device), name: Some(stream.to_owned()), ..StreamFilter::default() };
        self.streams.streams(who, &filter).ok()?.first().map(|stream| stream.uuid)
    }

    async fn put_topology(&self, who: &Principal, row: FileDevice) -> Result<()> {
        let device = self.device_of_name(who, &row.device)?;
        let site = self.uuid_of_optional(who, RowKind::Site, &row.site)?;
        let profile = self.uuid_of_optional(who, RowKind::DeviceProfile, &row.device_profile)?;
        let new = row.platform_device(&device, site, profile);
        self.platform_devices.replace_platform_device(who, device.aliases.uuid, new).await.map(drop)
    }

    async fn put_artefact(&self, who: &Principal, artefact: FileArtefact) -> Result<()> {
        let profile = (profile_kind(artefact.profile_type), artefact.profile.clone());
        let profile = self.uuid_of(who, &profile)?;
        let created =
            self.configurations.create_artefact(who, artefact.spec(profile), who.caller.to_string()).await;
        created.map(drop).map_err(|refusal| match refusal {
            ArtefactRefusal::Content(problems) => Error::fields(problems),
            ArtefactRefusal::Failed(error) => error,
        })
    }

    async fn put_file_binding(&self, who: &Principal, row: FileBinding) -> Result<()> {
        let target = (target_kind(row.target_type), row.target.clone());
        let spec = BindingSpec {
            target_type: row.target_type,
            target: self.uuid_of(who, &target)?,
            artefact: self.uuid_of(who, &(RowKind::Artefact, row.artefact.clone()))?,
        };
        let is_match = |document: &&Arc<Document>| {
            document.binding().is_some_and(|binding| {
                (binding.spec.target_type, binding.spec.target) == (spec.target_type, spec.target)
                    && binding.artefact_name == row.artefact
            })
        };
        let known = self.documents.documents(who, DocumentKind::Binding)?;
        let known = known.iter().find(is_match).map(|document| document.uuid);
        self.configurations.put_binding(who, known.unwrap_or_else(Uuid::new_v4), spec).await.map(drop)
    }

    /// The UUID of a row that a file names; `None` when it is not there.
    fn named_row(&self, who: &Principal, (kind, name): &RowName) -> Option<Uuid> {
        let document = |kind| self.documents.document_by_name(who, kind, name).ok().flatten();
        let found = match kind {
            RowKind::Device | RowKind::Topology => {
                return self.device_of_name(who, name).ok().map(|device| device.aliases.uuid);
            }
            RowKind::Component => {
                let (device, key) = name.rsplit_once('/')?;
                let unique = format!("{}/{key}", self.device_of_name(who, device).ok()?.id);
                self.documents.document_by_name(who, DocumentKind::Component, &unique).ok().flatten()
            }
            RowKind::Artefact => {
                let rows = self.documents.documents(who, DocumentKind::Artefact).ok()?.into_iter();
                let versions = rows.filter_map(|row| {
                    let artefact = row.artefact().filter(|artefact| artefact.spec.name == *name)?;
                    Some((artefact.version, row.clone()))
                });
                versions.max_by_key(|(version, _)| *version).map(|(_, row)| row)
            }
            RowKind::Pack => document(DocumentKind::Pack),
            RowKind::Site => document(DocumentKind::Site),
            RowKind::DeviceGroup => document(DocumentKind::DeviceGroup),
            RowKind::SensorProfile => document(DocumentKind::SensorProfile),
            RowKind::DeviceProfile => document(DocumentKind::DeviceProfile),
            RowKind::AnnotationClass => document(DocumentKind::AnnotationClass),
            RowKind::Dashboard => {
                let rows = self.documents.documents(who, DocumentKind::Dashboard).ok()?;
                rows.into_iter().find(|row| {
                    row.dashboard().is_some_and(|other| other.pack.is_none() && other.name == *name)
                })
            }
            RowKind::Stream => {
                // Either name may have the text between them.
                let mut places = name.match_indices(STREAM_SEPARATOR);
                return places.find_map(|(at, between)| {
                    let (device, stream) = (name.get(..at)?, name.get(at + between.len()..)?);
                    self.stream_of_names(who, device, stream)
                });
            }
            // Nothing refers to these.
            RowKind::Binding | RowKind::ReferencePair => None,
        };
        found.map(|row| row.uuid)
    }

    pub(super) fn uuid_of(&self, who: &Principal, row: &RowName) -> Result<Uuid> {
        let absent = || Error::invalid(format!("there is no {} `{}`", row.0.name(), row.1));
        self.named_row(who, row).ok_or_else(absent)
    }

    fn uuid_of_optional(
        &self,
        who: &Principal,
        kind: RowKind,
        name: &Option<String>,
    ) -> Result<Option<Uuid>> {
        name.as_ref().map(|name| self.uuid_of(who, &(kind, name.clone()))).transpose()
    }

    fn device_of_name(&self, who: &Principal, name: &str) -> Result<Arc<Device>> {
        let filter = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        let found = self.devices.devices(who, &filter)?.into_iter().next();
        found.ok_or_else(|| Error::invalid(format!("there is no device `{name}`")))
    }
}

/// Devices and streams of a file, as documents name them.
fn rows_of(inventory: &Inventory) -> impl Iterator<Item = RowName> {
    inventory.devices.iter().flat_map(|device| {
        let streams = device.streams.iter().map(|stream| stream_row_name(&device.name, &stream.spec.name));
        let streams = streams.map(|name| (RowKind::Stream, name));
        streams.chain([(RowKind::Device, device.name.clone())]).collect::<Vec<_>>()
    })
}

fn pack_error(refusal: PackRefusal) -> Error {
    match refusal {
        PackRefusal::Versions(problems) => Error::fields(problems),
        PackRefusal::Failed(error) => error,
    }
}

/// The report of a document that is new or changed: its fields with their values.
fn entry(before: Option<&FileDocument>, after: &FileDocument) -> ImportEntry {
    let fields = |document: &FileDocument| match serde_json::to_value(document) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (old, new) = (before.map(fields).unwrap_or_default(), fields(after));
    let names: Vec<&String> = old.keys().filter(|name| !new.contains_key(*name)).chain(new.keys()).collect();
    let changed = names.into_iter().filter(|name| *name != "kind" && old.get(*name) != new.get(*name));
    let value =
        |fields: &serde_json::Map<String, Value>, name: &str| fields.get(name).cloned().unwrap_or_default();
    let fields = changed.map(|name| FieldChange {
        field: name.clone(),
        old: value(&old, name),
        new: value(&new, name),
    });
    let (kind, name) = after.row_name();
    ImportEntry {
        noun: ImportKind::Document,
        name: format!("{} {name}", kind.name()),
        is_new: before.is_none(),
        fields: fields.collect(),
    }
}

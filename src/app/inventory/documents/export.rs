//! Documents of an organization as a file has them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::dashboard_form::{FileDashboard, FileSensor};
use super::form::{FileArtefact, FileBinding, FileComponent, FileDevice, FileDeviceGroup, FileDocument};
use super::reference_pair_form::FileReferencePair;
use crate::app::inventory::InventoryFiles;
use crate::domain::configuration::artefact::ArtefactContent;
use crate::domain::device::{Device, DeviceFilter};
use crate::domain::document::{DashboardSpec, Document, DocumentKind, DocumentSpec, PackContent};
use crate::domain::pagination::Pagination;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{DeviceId, Principal, Result};

/// Rows that the principal sees, with the names by which a file refers to them.
#[derive(Default)]
struct NamedRows {
    devices: Vec<Arc<Device>>,
    device_names: HashMap<DeviceId, String>,
    /// Names of documents and devices by their UUID.
    names: HashMap<Uuid, String>,
    documents: Vec<Arc<Document>>,
    /// Places in `documents` by UUID.
    places: HashMap<Uuid, usize>,
    /// The oldest dashboard of each name, of those without a pack.
    dashboards: HashMap<String, Uuid>,
    /// Names of the devices that name a group, by its UUID.
    group_members: HashMap<Uuid, Vec<String>>,
    /// Streams by their UUID, as dashboards name them.
    sensors: HashMap<Uuid, FileSensor>,
}

impl InventoryFiles {
    /// Returns the documents that the principal sees, in the order in which they are put. Left out are profiles without
    /// their pack, all versions of a configuration but the newest, contents that were uploaded, and what is bound to
    /// something that the principal does not see.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub(in crate::app) fn file_documents(&self, principal: &Principal) -> Result<Vec<FileDocument>> {
        let rows = self.named_rows(principal)?;
        let mut found: Vec<FileDocument> =
            rows.devices.iter().filter_map(|device| rows.device(device)).collect();
        let newest = rows.newest_artefacts();
        for document in &rows.documents {
            let is_superseded = document.artefact().is_some() && !newest.contains(&document.uuid);
            if !is_superseded {
                found.extend(rows.document(document));
            }
        }
        found.sort_by_key(FileDocument::put_order);
        Ok(found)
    }

    fn named_rows(&self, principal: &Principal) -> Result<NamedRows> {
        let devices = self.devices.devices(principal, &DeviceFilter::default())?;
        let mut documents = Vec::new();
        for kind in DocumentKind::ALL {
            documents.extend(self.documents.documents(principal, kind)?);
        }
        let device_names: HashMap<DeviceId, String> =
            devices.iter().map(|device| (device.id, device.spec.name.clone())).collect();
        let mut names: HashMap<Uuid, String> =
            devices.iter().map(|device| (device.aliases.uuid, device.spec.name.clone())).collect();
        for document in &documents {
            let component = document.component();
            let of_device = component.and_then(|component| {
                Some(format!("{}/{}", device_names.get(&component.device)?, component.key))
            });
            names.insert(document.uuid, of_device.unwrap_or_else(|| document.name.clone()));
        }
        // Without a dashboard nothing names a stream.
        let has_dashboard = documents.iter().any(|document| document.dashboard().is_some());
        let streams = match has_dashboard {
            true => self
                .streams
                .streams(principal, &StreamFilter { page: Pagination::ALL, ..StreamFilter::default() })?,
            false => Vec::new(),
        };
        let sensor = |stream: Arc<Stream>| {
            let device = device_names.get(&stream.spec.device)?.clone();
            Some((stream.uuid, FileSensor { device, stream: stream.spec.name.clone() }))
        };
        let sensors = streams.into_iter().filter_map(sensor).collect();
        let mut rows = NamedRows { devices, device_names, names, documents, sensors, ..NamedRows::default() };
        rows.index();
        Ok(rows)
    }
}

impl NamedRows {
    fn index(&mut self) {
        for (place, document) in self.documents.iter().enumerate() {
            self.places.insert(document.uuid, place);
            if let Some(dashboard) = document.dashboard().filter(|dashboard| dashboard.pack.is_none()) {
                self.dashboards.entry(dashboard.name.clone()).or_insert(document.uuid);
            }
        }
        for device in &self.devices {
            for group in &device.topology.groups {
                self.group_members.entry(*group).or_default().push(device.spec.name.clone());
            }
        }
    }

    fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Document>> {
        self.places.get(&uuid).map(|place| &self.documents[*place])
    }

    fn name(&self, uuid: Option<Uuid>) -> Option<String> {
        uuid.and_then(|uuid| self.names.get(&uuid).cloned())
    }

    /// The newest version of each configuration.
    fn newest_artefacts(&self) -> BTreeSet<Uuid> {
        let mut newest: HashMap<&str, (u32, Uuid)> = HashMap::new();
        for document in &self.documents {
            let Some(artefact) = document.artefact() else { continue };
            let known = newest.entry(&artefact.spec.name).or_insert((artefact.version, document.uuid));
            *known = (*known).max((artefact.version, document.uuid));
        }
        newest.into_values().map(|(_, uuid)| uuid).collect()
    }

    /// Knowledge of the platform about a device; `None` when there is none.
    fn device(&self, device: &Device) -> Option<FileDocument> {
        let topology = &device.topology;
        let (site, profile) = (self.name(topology.site), self.name(topology.device_profile));
        let row = FileDevice::new(device, site, profile);
        let has_something = !row.tags.is_empty()
            || row.site.is_some()
            || row.device_profile.is_some()
            || row.location.is_some();
        has_something.then_some(FileDocument::Device(row))
    }

    fn document(&self, document: &Document) -> Option<FileDocument> {
        match &document.spec {
            DocumentSpec::Site(site) => Some(FileDocument::Site(site.clone())),
            DocumentSpec::Component(component) => {
                let device = self.device_names.get(&component.device)?.clone();
                let profile = self.name(component.sensor_profile);
                Some(FileDocument::Component(FileComponent::new(component, device, profile)))
            }
            DocumentSpec::DeviceGroup(group) => {
                let listed = group.devices.iter().filter_map(|id| self.device_names.get(id).cloned());
                let naming = self.group_members.get(&document.uuid).into_iter().flatten().cloned();
                let devices = listed.chain(naming).collect::<BTreeSet<_>>().into_iter().collect();
                Some(FileDocument::DeviceGroup(FileDeviceGroup::new(group, devices)))
            }
            DocumentSpec::Pack(_) => self.pack(document),
            DocumentSpec::Artefact(artefact) => {
                let ArtefactContent::Inline(content) = &artefact.spec.content else { return None };
                let profile = self.name(Some(artefact.spec.profile))?;
                Some(FileDocument::Artefact(FileArtefact::new(&artefact.spec, profile, content.clone())))
            }
            DocumentSpec::Binding(binding) => {
                let artefact = self.by_uuid(binding.spec.artefact)?.artefact()?;
                if matches!(artefact.spec.content, ArtefactContent::Object(_)) {
                    return None;
                }
                let target = self.name(Some(binding.spec.target))?;
                Some(FileDocument::Binding(FileBinding::new(binding, target)))
            }
            // They are in their packs.
            DocumentSpec::SensorProfile(_) | DocumentSpec::DeviceProfile(_) => None,
            DocumentSpec::AnnotationClass(class) if class.pack.is_none() => {
                Some(FileDocument::AnnotationClass(class.clone()))
            }
            DocumentSpec::Dashboard(dashboard) if dashboard.pack.is_none() => {
                self.dashboard(document, dashboard).map(FileDocument::Dashboard)
            }
            DocumentSpec::AnnotationClass(_) | DocumentSpec::Dashboard(_) => None,
            DocumentSpec::ReferencePair(pair) => {
                let components = (self.name(Some(pair.primary))?, self.name(Some(pair.reference))?);
                Some(FileDocument::ReferencePair(FileReferencePair::new(pair, components)))
            }
            // They have secrets, files of their own, or belong to the place where they are.
            DocumentSpec::Firmware(_)
            | DocumentSpec::NotificationChannel(_)
            | DocumentSpec::Camera(_)
            | DocumentSpec::CaptureRule(_) => None,
        }
    }

    /// A dashboard; of several with one name only the oldest, because a file tells them apart by their names.
    fn dashboard(&self, document: &Document, dashboard: &DashboardSpec) -> Option<FileDashboard> {
        let first = self.dashboards.get(&dashboard.name)?;
        let sensor = |uuid: Uuid| self.sensors.get(&uuid).cloned();
        (*first == document.uuid).then(|| FileDashboard::new(dashboard, sensor))
    }

    fn pack(&self, document: &Document) -> Option<FileDocument> {
        let pack = document.pack()?;
        let content = PackContent {
            key: pack.key.clone(),
            version: pack.version.clone(),
            name: pack.name.clone(),
            sensor_profiles: self.rows(&pack.sensor_profiles, Document::sensor_profile),
            device_profiles: self.rows(&pack.device_profiles, Document::device_profile),
            annotation_classes: self.rows(&pack.annotation_classes, Document::annotation_class),
            dashboards: self.rows(&pack.dashboards, Document::dashboard),
        };
        Some(FileDocument::Pack(content.without_pack()))
    }

    /// Contents of the documents with these ids.
    fn rows<T: Clone>(&self, uuids: &[Uuid], content: impl Fn(&Document) -> Option<&T>) -> Vec<T> {
        let row = |uuid: &Uuid| self.by_uuid(*uuid);
        uuids.iter().filter_map(row).filter_map(|row| content(row).cloned()).collect()
    }
}

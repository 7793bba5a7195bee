//! Documents as an inventory file has them: other rows by their names.
//!
//! A document that refers to no other row is the type of the domain; a struct beside it says how a file spells each of its
//! fields (`serde(remote)`), and does not compile without one of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::dashboard_form::{FileAnnotationClass, FileDashboard};
use super::reference_pair_form::{FileReferencePair, FileTime};
use crate::app::mk::device::PlatformDevice;
use crate::domain::configuration::artefact::{ArtefactContent, ArtefactSpec, ProfileType};
use crate::domain::configuration::binding::{Binding, TargetType};
use crate::domain::device::Device;
use crate::domain::document::{
    AnnotationClassSpec, ComponentSpec, DashboardSpec, DeviceGroupSpec, DeviceProfileSpec, DocumentContent,
    PackContent, SensorProfileSpec, SiteSpec,
};
use crate::domain::topology::{GeoLocation, Topology};
use crate::domain::{DeviceId, FieldError};

/// A document of a file, in the order in which they are put.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FileDocument {
    Pack(#[serde(with = "FilePack")] PackContent),
    Site(#[serde(with = "FileSite")] SiteSpec),
    AnnotationClass(#[serde(with = "FileAnnotationClass")] AnnotationClassSpec),
    /// Knowledge of the platform about a device that is a row of the file, or exists.
    Device(FileDevice),
    Component(FileComponent),
    DeviceGroup(FileDeviceGroup),
    Artefact(FileArtefact),
    Binding(FileBinding),
    Dashboard(FileDashboard),
    ReferencePair(FileReferencePair),
}

/// A document of a file with its line.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentImport {
    pub line: u64,
    pub document: FileDocument,
}

/// How a file spells a pack with its profiles.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PackContent", deny_unknown_fields)]
struct FilePack {
    pub key: String,
    pub version: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensor_profiles: Vec<SensorProfileSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_profiles: Vec<DeviceProfileSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotation_classes: Vec<AnnotationClassSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dashboards: Vec<DashboardSpec>,
}

/// How a file spells a site.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SiteSpec", deny_unknown_fields)]
struct FileSite {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<GeoLocation>,
    #[serde(default = "default_timezone")]
    pub timezone: String,
}

/// Tags and places of a device; its groups are those that list it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDevice {
    /// Name of the device.
    pub device: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Name of its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Key and version of its profile, such as `press@1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<GeoLocation>,
}

/// A component of a device, with the names of the device and of the profile of its readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileComponent {
    /// Name of its device.
    pub device: String,
    pub key: String,
    pub name: String,
    /// Key and version of the profile of its readings, such as `env.temp@1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor_profile: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A group of devices, with their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDeviceGroup {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Names of its devices, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
}

/// The newest version of a configuration, with its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileArtefact {
    pub name: String,
    pub profile_type: ProfileType,
    /// Key and version of the profile.
    pub profile: String,
    pub content: Map<String, Value>,
}

/// A binding of a configuration to its target, with the names of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileBinding {
    pub target_type: TargetType,
    /// Name of the target as a file has it: of a device, `<device>/<key>` of a component, a group's, `<key>@<version>` of
    /// a profile.
    pub target: String,
    /// Name of the configuration, whose newest version is bound.
    pub artefact: String,
}

fn default_timezone() -> String {
    SiteSpec::new(String::new()).timezone
}

/// Kind of a row that a file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKind {
    Pack,
    Site,
    Device,
    /// Knowledge of the platform about a device.
    Topology,
    Component,
    DeviceGroup,
    SensorProfile,
    DeviceProfile,
    Artefact,
    Binding,
    AnnotationClass,
    Dashboard,
    ReferencePair,
    /// A stream, `<device> / <stream>`.
    Stream,
}

impl RowKind {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            RowKind::Pack => "pack",
            RowKind::Site => "site",
            RowKind::Device => "device",
            RowKind::Topology => "place of device",
            RowKind::Component => "component",
            RowKind::DeviceGroup => "device group",
            RowKind::SensorProfile => "sensor profile",
            RowKind::DeviceProfile => "device profile",
            RowKind::Artefact => "artefact",
            RowKind::Binding => "binding",
            RowKind::AnnotationClass => "annotation class",
            RowKind::Dashboard => "dashboard",
            RowKind::ReferencePair => "reference pair",
            RowKind::Stream => "stream",
        }
    }
}

/// Identity of a row in a file: its kind and its name.
pub type RowName = (RowKind, String);

impl FileDocument {
    /// Place of the kind in the order in which documents are put.
    pub fn rank(&self) -> usize {
        match self {
            FileDocument::Pack(_) => 0,
            FileDocument::Site(_) => 1,
            FileDocument::AnnotationClass(_) => 2,
            FileDocument::Device(_) => 3,
            FileDocument::Component(_) => 4,
            FileDocument::DeviceGroup(_) => 5,
            FileDocument::Artefact(_) => 6,
            FileDocument::Binding(_) => 7,
            FileDocument::Dashboard(_) => 8,
            FileDocument::ReferencePair(_) => 9,
        }
    }

    /// Place in the order in which documents are put. Pairs are put by their begin: one that ends earlier than before makes
    /// room for the next.
    pub fn put_order(&self) -> (usize, Option<FileTime>) {
        let begin = if let FileDocument::ReferencePair(pair) = self { Some(pair.valid_from) } else { None };
        (self.rank(), begin)
    }

    /// Identity of the document; two with the same one are the same.
    pub fn row_name(&self) -> RowName {
        match self {
            FileDocument::Pack(pack) => (RowKind::Pack, format!("{}@{}", pack.key, pack.version)),
            FileDocument::Site(site) => (RowKind::Site, site.name.clone()),
            FileDocument::AnnotationClass(class) => (RowKind::AnnotationClass, class.key.clone()),
            FileDocument::Dashboard(dashboard) => (RowKind::Dashboard, dashboard.name.clone()),
            FileDocument::ReferencePair(pair) => (RowKind::ReferencePair, pair.row_name()),
            FileDocument::Device(device) => (RowKind::Topology, device.device.clone()),
            FileDocument::Component(component) => {
                (RowKind::Component, format!("{}/{}", component.device, component.key))
            }
            FileDocument::DeviceGroup(group) => (RowKind::DeviceGroup, group.name.clone()),
            FileDocument::Artefact(artefact) => (RowKind::Artefact, artefact.name.clone()),
            FileDocument::Binding(binding) => {
                let FileBinding { target_type, target, artefact } = binding;
                (RowKind::Binding, format!("{artefact} of {} {target}", target_type.name()))
            }
        }
    }

    /// Rows that others can refer to once the document is put.
    pub fn provides(&self) -> Vec<RowName> {
        let FileDocument::Pack(pack) = self else { return vec![self.row_name()] };
        let sensors = pack.sensor_profiles.iter().map(|p| format!("{}@{}", p.key, p.version));
        let devices = pack.device_profiles.iter().map(|p| format!("{}@{}", p.key, p.version));
        let sensors = sensors.map(|name| (RowKind::SensorProfile, name));
        sensors.chain(devices.map(|name| (RowKind::DeviceProfile, name))).collect()
    }

    /// Rows that the document refers to, each with the field that names it.
    pub fn references(&self) -> Vec<(&'static str, RowName)> {
        let optional = |field: &'static str, kind, name: &Option<String>| {
            name.clone().map(|name| (field, (kind, name))).into_iter().collect::<Vec<_>>()
        };
        match self {
            FileDocument::Pack(_) | FileDocument::Site(_) | FileDocument::AnnotationClass(_) => Vec::new(),
            FileDocument::Dashboard(dashboard) => {
                dashboard.sensors().map(|sensor| ("sensors", (RowKind::Stream, sensor.row_name()))).collect()
            }
            FileDocument::Device(device) => {
                let mut found = vec![("device", (RowKind::Device, device.device.clone()))];
                found.extend(optional("site", RowKind::Site, &device.site));
                found.extend(optional("device_profile", RowKind::DeviceProfile, &device.device_profile));
                found
            }
            FileDocument::Component(component) => {
                let mut found = vec![("device", (RowKind::Device, component.device.clone()))];
                found.extend(optional("sensor_profile", RowKind::SensorProfile, &component.sensor_profile));
                found
            }
            FileDocument::DeviceGroup(group) => {
                group.devices.iter().map(|name| ("devices", (RowKind::Device, name.clone()))).collect()
            }
            FileDocument::Artefact(artefact) => {
                vec![("profile", (profile_kind(artefact.profile_type), artefact.profile.clone()))]
            }
            FileDocument::Binding(binding) => vec![
                ("target", (target_kind(binding.target_type), binding.target.clone())),
                ("artefact", (RowKind::Artefact, binding.artefact.clone())),
            ],
            FileDocument::ReferencePair(pair) => vec![
                ("primary_component", (RowKind::Component, pair.primary_component.clone())),
                ("reference_component", (RowKind::Component, pair.reference_component.clone())),
            ],
        }
    }

    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        match self {
            FileDocument::Pack(pack) => pack.clone().without_pack().problems(),
            FileDocument::Site(site) => site.problems(),
            FileDocument::AnnotationClass(class) => class.problems(),
            FileDocument::Dashboard(dashboard) => dashboard.problems(),
            FileDocument::Component(component) => component.spec(DeviceId(0), None).problems(),
            FileDocument::DeviceGroup(group) => group.spec(Vec::new()).problems(),
            FileDocument::Artefact(artefact) => artefact.spec(Uuid::nil()).problems(),
            FileDocument::ReferencePair(pair) => pair.problems(),
            FileDocument::Device(_) | FileDocument::Binding(_) => Vec::new(),
        }
    }
}

/// Kind of the profiles of a type.
pub fn profile_kind(profile_type: ProfileType) -> RowKind {
    match profile_type {
        ProfileType::SensorProfile => RowKind::SensorProfile,
        ProfileType::DeviceProfile => RowKind::DeviceProfile,
    }
}

/// Kind of the targets of a type.
pub fn target_kind(target_type: TargetType) -> RowKind {
    match target_type {
        TargetType::SensorProfile => RowKind::SensorProfile,
        TargetType::DeviceProfile => RowKind::DeviceProfile,
        TargetType::DeviceGroup => RowKind::DeviceGroup,
        TargetType::Device => RowKind::Device,
        TargetType::Component => RowKind::Component,
    }
}

impl FileDevice {
    /// Knowledge of the platform about a device as a file has it. `site` and `device_profile` are the names of both.
    pub fn new(device: &Device, site: Option<String>, device_profile: Option<String>) -> Self {
        let Topology { tags, location, .. } = device.topology.clone();
        Self { device: device.spec.name.clone(), tags, site, device_profile, location }
    }

    /// The device with what the file says of it. `site` and `device_profile` are the UUIDs of both.
    pub fn platform_device(
        self,
        stored: &Device,
        site: Option<Uuid>,
        device_profile: Option<Uuid>,
    ) -> PlatformDevice {
        let FileDevice { tags, location, .. } = self;
        PlatformDevice { tags, location, site, device_profile, ..PlatformDevice::of(stored) }
    }
}

impl FileComponent {
    /// A component as a file has it. `device` and `sensor_profile` are the names of both.
    pub fn new(component: &ComponentSpec, device: String, sensor_profile: Option<String>) -> Self {
        let ComponentSpec { key, name, metadata, .. } = component.clone();
        Self { device, key, name, sensor_profile, metadata }
    }

    /// Returns the component for the catalog; `device` and `sensor_profile` are the ids that the names stand for.
    pub fn spec(&self, device: DeviceId, sensor_profile: Option<Uuid>) -> ComponentSpec {
        let FileComponent { key, name, metadata, .. } = self.clone();
        ComponentSpec { device, key, name, sensor_profile, metadata }
    }
}

impl FileDeviceGroup {
    /// A group as a file has it. `devices` are the names of its devices.
    pub fn new(group: &DeviceGroupSpec, devices: Vec<String>) -> Self {
        let DeviceGroupSpec { name, description, tags, .. } = group.clone();
        Self { name, description, tags, devices }
    }

    /// Returns the group for the catalog; `devices` are the ids that the names stand for.
    pub fn spec(&self, devices: Vec<DeviceId>) -> DeviceGroupSpec {
        let FileDeviceGroup { name, description, tags, .. } = self.clone();
        DeviceGroupSpec { name, description, tags, devices }
    }
}

impl FileBinding {
    /// A binding as a file has it. `target` is the name of its target.
    pub fn new(binding: &Binding, target: String) -> Self {
        Self { target_type: binding.spec.target_type, target, artefact: binding.artefact_name.clone() }
    }
}

impl FileArtefact {
    /// An artefact as a file has it. `profile` is the name of its profile.
    pub fn new(artefact: &ArtefactSpec, profile: String, content: Map<String, Value>) -> Self {
        let ArtefactSpec { name, profile_type, .. } = artefact.clone();
        Self { name, profile_type, profile, content }
    }

    /// Returns the configuration for the catalog, with its content; `profile` is the id that the name stands for.
    pub fn spec(&self, profile: Uuid) -> ArtefactSpec {
        let FileArtefact { name, profile_type, content, .. } = self.clone();
        ArtefactSpec { name, profile_type, profile, content: ArtefactContent::Inline(content) }
    }
}

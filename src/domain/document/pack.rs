//! Packs: profiles, annotation classes and dashboards that are installed together, all or none. An installed pack never
//! changes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rules::{MAX_NAME, check_key, check_required};
use super::version_rule::VersionedProfile;
use super::{
    AnnotationClassSpec, DashboardSpec, DeviceProfileSpec, DocumentContent, DocumentKind, DocumentReference,
    ProfileComponent, ReferenceTarget, SensorProfileSpec,
};
use crate::domain::{Error, FieldError, Result};

/// Maximum number of rows of each kind in a pack.
pub const MAX_PACK_PROFILES: usize = 256;
/// Maximum length of a version, characters.
const MAX_VERSION: usize = 64;
/// Maximum number of mistakes in the rows of a pack that are told at once.
const MAX_PROBLEMS: usize = 100;

/// A pack to be installed. Its rows belong to no pack yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PackContent {
    /// 1..=128 letters, digits, `_`, `-` and dots; unique with the version.
    pub key: String,
    /// 1..=64 letters, digits, `_`, `-`, `+` and dots.
    pub version: String,
    /// 1..=255 characters.
    pub name: String,
    /// At most 256 sensor profiles.
    pub sensor_profiles: Vec<SensorProfileSpec>,
    /// At most 256 device profiles.
    pub device_profiles: Vec<DeviceProfileSpec>,
    /// At most 256 annotation classes.
    pub annotation_classes: Vec<AnnotationClassSpec>,
    /// At most 256 dashboards, without handle, creator and pack: [`DashboardSpec::content`] of each.
    pub dashboards: Vec<DashboardSpec>,
}

/// An installed pack. Its rows are documents of their own; another pack may have the same profiles and classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackSpec {
    /// 1..=128 letters, digits, `_`, `-` and dots; unique with the version.
    pub key: String,
    /// 1..=64 letters, digits, `_`, `-`, `+` and dots.
    pub version: String,
    /// 1..=255 characters.
    pub name: String,
    /// Sensor profiles in the order of the request.
    pub sensor_profiles: Vec<Uuid>,
    /// Device profiles in the order of the request.
    pub device_profiles: Vec<Uuid>,
    /// Annotation classes in the order of the request.
    #[serde(default)]
    pub annotation_classes: Vec<Uuid>,
    /// Dashboards in the order of the request.
    #[serde(default)]
    pub dashboards: Vec<Uuid>,
}

impl PackContent {
    /// The content with rows that belong to no pack yet.
    pub fn without_pack(mut self) -> Self {
        self.sensor_profiles.iter_mut().for_each(|profile| profile.pack = None);
        self.device_profiles.iter_mut().for_each(|profile| profile.pack = None);
        self.annotation_classes.iter_mut().for_each(|class| class.pack = None);
        self.dashboards.iter_mut().for_each(|dashboard| *dashboard = dashboard.content());
        self
    }

    /// Checks every rule that needs no other row; of the rows at most 100 mistakes are told.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_count(&mut found, "sensor_profiles", self.sensor_profiles.len());
        check_count(&mut found, "device_profiles", self.device_profiles.len());
        check_count(&mut found, "annotation_classes", self.annotation_classes.len());
        check_count(&mut found, "dashboards", self.dashboards.len());
        if !found.is_empty() {
            return found;
        }
        found.extend(head_problems(&self.key, &self.version, &self.name));
        let (sensors, devices) = (&self.sensor_profiles[..], &self.device_profiles[..]);
        add_profiles(&mut found, ("sensor_profiles", sensors), SensorProfileSpec::problems);
        add_profiles(&mut found, ("device_profiles", devices), DeviceProfileSpec::problems);
        for (index, class) in self.annotation_classes.iter().enumerate() {
            let is_unique = !self.annotation_classes[..index].iter().any(|other| other.key == class.key);
            let mut own = class.problems();
            own.extend((!is_unique).then(|| FieldError::new("key", "must be unique")));
            add_problems_at(&mut found, &format!("annotation_classes[{index}]"), own);
        }
        for (index, dashboard) in self.dashboards.iter().enumerate() {
            add_problems_at(&mut found, &format!("dashboards[{index}]"), dashboard.problems());
        }
        found
    }

    /// Checks that the sensor profiles which device profiles name are in the pack, or `is_installed`.
    pub fn reference_problems(&self, is_installed: impl Fn(&ProfileComponent) -> bool) -> Vec<FieldError> {
        let mut found = Vec::new();
        for (index, profile) in self.device_profiles.iter().enumerate() {
            for (part, component) in profile.components.iter().enumerate() {
                let is_own = self.sensor_profiles.iter().any(|sensor| component.names(sensor));
                if !is_own && !is_installed(component) && found.len() < MAX_PROBLEMS {
                    let field = format!("device_profiles[{index}].components[{part}].sensor_profile_key");
                    found.push(FieldError::new(field, "does not exist"));
                }
            }
        }
        found
    }

    /// Unique name of the installed pack ([`PackSpec::unique_name`]).
    pub fn unique_name(&self) -> String {
        unique_name(&self.key, &self.version)
    }
}

impl PackSpec {
    /// Its rows: sensor profiles, device profiles, annotation classes and dashboards, each in the order of the pack.
    pub fn members(&self) -> Vec<ReferenceTarget> {
        let all = self.kinds().into_iter();
        all.flat_map(|(_, kind, ids)| ids.iter().map(move |id| ReferenceTarget::Document(kind, *id)))
            .collect()
    }

    /// The rows of each kind, with the field that names them.
    fn kinds(&self) -> [(&'static str, DocumentKind, &[Uuid]); 4] {
        [
            ("sensor_profiles", DocumentKind::SensorProfile, &self.sensor_profiles),
            ("device_profiles", DocumentKind::DeviceProfile, &self.device_profiles),
            ("annotation_classes", DocumentKind::AnnotationClass, &self.annotation_classes),
            ("dashboards", DocumentKind::Dashboard, &self.dashboards),
        ]
    }
}

impl DocumentContent for PackSpec {
    fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        self.members()
    }

    fn check_change(&self, _stored: &Self) -> Result<()> {
        Err(Error::conflict("a pack cannot be changed"))
    }

    fn unique_name(&self) -> String {
        unique_name(&self.key, &self.version)
    }

    fn unique_title(&self) -> String {
        format!("Version {} of the pack '{}' is installed with other content", self.version, self.key)
    }

    fn references(&self) -> Vec<DocumentReference> {
        let all = self.kinds().into_iter();
        let of_kind = |(field, kind, ids): (&'static str, DocumentKind, &[Uuid])| {
            let target = |id: &Uuid| DocumentReference::new(field, ReferenceTarget::Document(kind, *id));
            ids.iter().map(target).collect::<Vec<_>>()
        };
        all.flat_map(of_kind).collect()
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = head_problems(&self.key, &self.version, &self.name);
        for (field, _, ids) in self.kinds() {
            check_count(&mut found, field, ids.len());
        }
        found
    }
}

impl ProfileComponent {
    /// Whether its readings are those of this profile.
    pub fn names(&self, profile: &SensorProfileSpec) -> bool {
        self.sensor_profile_version == profile.version && self.sensor_profile_key == profile.key
    }
}

fn unique_name(key: &str, version: &str) -> String {
    format!("{key}@{version}")
}

fn head_problems(key: &str, version: &str, name: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    check_key(&mut found, "key", key, 128, ".");
    check_key(&mut found, "version", version, MAX_VERSION, ".+");
    check_required(&mut found, "name", name, MAX_NAME);
    found
}

fn check_count(found: &mut Vec<FieldError>, field: &'static str, count: usize) {
    if count > MAX_PACK_PROFILES {
        found.push(FieldError::new(field, format!("size must be between 0 and {MAX_PACK_PROFILES}")));
    }
}

/// Adds the problems of the profiles in a field, unless enough are told.
fn add_profiles<P: VersionedProfile>(
    found: &mut Vec<FieldError>,
    (path, profiles): (&str, &[P]),
    problems: impl Fn(&P) -> Vec<FieldError>,
) {
    for (index, profile) in profiles.iter().enumerate() {
        let mut own = problems(profile);
        let is_same = |other: &P| (other.key(), other.version()) == (profile.key(), profile.version());
        if profiles[..index].iter().any(is_same) {
            own.push(FieldError::new("version", "must be unique for its key"));
        }
        add_problems_at(found, &format!("{path}[{index}]"), own);
    }
}

/// Adds the problems of the row at a path, unless enough are told.
fn add_problems_at(found: &mut Vec<FieldError>, path: &str, own: Vec<FieldError>) {
    let placed =
        |problem: FieldError| FieldError { field: format!("{path}.{}", problem.field).into(), ..problem };
    let room = MAX_PROBLEMS.saturating_sub(found.len());
    found.extend(own.into_iter().take(room).map(placed));
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;

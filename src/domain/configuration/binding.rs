//! Bindings: which artefact a target is to have, and how far its devices are with it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::named_enum::{NamedEnum, named_enum};
use crate::domain::{DeviceId, Micros};

/// Kind of what an artefact is bound to. The more specific is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TargetType {
    /// Every component of a profile.
    SensorProfile,
    /// Every device of a profile.
    DeviceProfile,
    /// Every member of a group.
    DeviceGroup,
    /// One device.
    Device,
    /// One component.
    Component,
}

impl TargetType {
    /// Every kind, from the most specific to the most general.
    pub const ALL: [TargetType; 5] = [
        TargetType::Component,
        TargetType::Device,
        TargetType::DeviceGroup,
        TargetType::DeviceProfile,
        TargetType::SensorProfile,
    ];

    /// Name used in APIs and in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            TargetType::SensorProfile => "SENSOR_PROFILE",
            TargetType::DeviceProfile => "DEVICE_PROFILE",
            TargetType::DeviceGroup => "DEVICE_GROUP",
            TargetType::Device => "DEVICE",
            TargetType::Component => "COMPONENT",
        }
    }
}

impl NamedEnum for TargetType {
    fn all() -> &'static [TargetType] {
        &TargetType::ALL
    }

    fn name(self) -> &'static str {
        TargetType::name(self)
    }
}

named_enum! {
    /// How far a device is with an artefact.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum BindingStatus {
        /// Nothing was reported about the desired version.
        Pending = "PENDING",
        /// The device is applying it.
        InProgress = "IN_PROGRESS",
        /// The device applied it.
        Accepted = "ACCEPTED",
        /// The device refuses it.
        Rejected = "REJECTED",
        /// The device could not apply it; it may try again.
        Failed = "FAILED",
    }
}

impl BindingStatus {
    /// Finds a status by its name.
    pub fn parse(name: &str) -> Option<BindingStatus> {
        BindingStatus::from_name(name)
    }

    /// Whether a device that reported this status may report another one about the same version. What was accepted or
    /// rejected stays so; a failed attempt may be repeated.
    pub fn is_final(self) -> bool {
        matches!(self, BindingStatus::Accepted | BindingStatus::Rejected)
    }

    /// Weight when devices differ: the worst, which has the highest, is shown.
    pub fn severity(self) -> u8 {
        match self {
            BindingStatus::Pending => 0,
            BindingStatus::Accepted => 1,
            BindingStatus::InProgress => 2,
            BindingStatus::Rejected => 3,
            BindingStatus::Failed => 4,
        }
    }
}

/// Artefact that a device, component, group or profile is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingSpec {
    /// Kind of `target`.
    pub target_type: TargetType,
    /// Device, component, group or profile.
    pub target: Uuid,
    /// Artefact that the target is to have; a new version of its name takes its place.
    pub artefact: Uuid,
}

/// A binding: the content of its document, whose id and times are the binding's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The target and its artefact.
    #[serde(flatten)]
    pub spec: BindingSpec,
    /// Name of the artefact: a target has one binding of each name.
    pub artefact_name: String,
    /// Version of the artefact.
    pub desired_version: u32,
    /// The device that the target is, or is a component of; the binding is seen and deleted with it.
    pub device: Option<DeviceId>,
}

/// Report of a device about one artefact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEntry {
    /// The artefact.
    pub artefact: Uuid,
    /// Its version.
    pub version: u32,
    /// How far the device is with it; never `Pending`.
    pub status: BindingStatus,
    /// Hash of the content as the device has it.
    pub hash: Option<String>,
    /// Explanation.
    pub message: Option<String>,
}

/// The last accepted report of a device about a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingReport {
    /// Artefact that the report is about.
    pub artefact: Uuid,
    /// Its version.
    pub version: u32,
    /// How far the device is; never `Pending`.
    pub status: BindingStatus,
    /// Hash of the content as the device has it, at most 128 characters.
    pub hash: Option<String>,
    /// Explanation of the device, at most 4,000 characters.
    pub message: Option<String>,
    /// Time at which the report was received.
    pub reported_at: Micros,
}

impl Binding {
    /// Returns what is stored after a report of a device whose last one was `last`; `None` for a report that changes
    /// nothing: about another artefact or version, a repeat, or one after a final status.
    pub fn accept_report(
        &self,
        last: Option<&BindingReport>,
        entry: &ReportEntry,
        now: Micros,
    ) -> Option<BindingReport> {
        if entry.artefact != self.spec.artefact || entry.version != self.desired_version {
            return None;
        }
        let same_version = last.filter(|last| last.artefact == entry.artefact);
        let is_final = same_version.is_some_and(|last| last.status.is_final());
        let is_repeat = same_version.is_some_and(|last| {
            (last.status, &last.hash, &last.message) == (entry.status, &entry.hash, &entry.message)
        });
        (!is_final && !is_repeat).then(|| BindingReport {
            artefact: entry.artefact,
            version: entry.version,
            status: entry.status,
            hash: entry.hash.clone(),
            message: entry.message.clone(),
            reported_at: now,
        })
    }

    /// The status that the last reports of the target's devices give: the worst of those about the desired version,
    /// from FAILED over REJECTED and IN_PROGRESS to ACCEPTED, and PENDING without any. Devices that reported nothing
    /// are not counted.
    pub fn status<'a>(&self, reports: impl Iterator<Item = &'a BindingReport>) -> BindingStatus {
        let current = reports.filter(|report| report.artefact == self.spec.artefact);
        let worst = current.map(|report| report.status).max_by_key(|status| status.severity());
        worst.unwrap_or(BindingStatus::Pending)
    }

    /// The report that stands for all: the newest of those that give the status, and while there is none about the
    /// desired version, the newest of all.
    pub fn shown_report<'a>(
        &self,
        reports: impl Iterator<Item = &'a BindingReport> + Clone,
    ) -> Option<&'a BindingReport> {
        let status = self.status(reports.clone());
        let gives_it = |report: &&BindingReport| {
            status == BindingStatus::Pending
                || (report.artefact == self.spec.artefact && report.status == status)
        };
        reports.filter(gives_it).max_by_key(|report| report.reported_at)
    }
}

#[cfg(test)]
#[path = "binding_tests.rs"]
mod tests;

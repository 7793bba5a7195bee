//! Exports: jobs that write the readings and annotations of a part of the plant to a ZIP file, which is kept for a week.
//!
//! An export is `PENDING` until a worker takes it, `RUNNING` while its file is written, then `READY` or `FAILED`, and
//! `EXPIRED` when its file is gone. It never goes back: one that a crash interrupts stays `RUNNING` and is written again.
//! Each has a job with the same UUID, by which it is listed and cancelled with other jobs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caller::Caller;
use super::named_enum::named_enum;
use super::time::MICROS_PER_SECOND;
use super::{DeviceId, ExportId, FieldError, Micros, OrgId, Principal, Resource, Scope, StreamId};

/// Longest range, seconds: 366 days.
pub const MAX_RANGE_S: i64 = 366 * 86_400;
/// How long a finished file is kept, seconds: 7 days.
pub const KEPT_S: i64 = 7 * 86_400;
/// Lifetime of a link to a file, seconds: 24 hours.
pub const LINK_S: i64 = 86_400;
/// Error of an export whose job was cancelled.
pub const CANCELLED: &str = "cancelled";
/// Maximum exports of an organization that are not finished.
pub const MAX_UNFINISHED_PER_ORG: usize = 20;
/// Maximum exports of an organization; the oldest without a file make room.
pub const MAX_PER_ORG: usize = 500;

named_enum! {
    /// Kind of the part of the plant that is exported.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ExportScope {
        /// Every device at a site, with everything below it.
        Site = "SITE",
        /// A device with its components and sensors.
        Device = "DEVICE",
        /// A component with its sensors.
        Component = "COMPONENT",
        /// One sensor.
        Sensor = "SENSOR",
    }
    listed;
}

named_enum! {
    /// Content of an export.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum ExportContent {
        /// `readings.parquet`.
        Readings = "READINGS",
        /// `annotations.parquet`.
        Annotations = "ANNOTATIONS",
    }
    listed;
}

named_enum! {
    /// How far an export is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ExportStatus {
        /// It waits for a worker.
        Pending = "PENDING",
        /// Its file is being written.
        Running = "RUNNING",
        /// Its file can be fetched.
        Ready = "READY",
        /// It could not be written.
        Failed = "FAILED",
        /// Its file has been removed.
        Expired = "EXPIRED",
    }
    listed;
}

impl ExportStatus {
    /// Whether a worker has it, or will.
    pub fn is_unfinished(self) -> bool {
        matches!(self, ExportStatus::Pending | ExportStatus::Running)
    }

    /// Whether an export of this status may get another one.
    pub fn may_become(self, next: ExportStatus) -> bool {
        use ExportStatus::{Expired, Failed, Pending, Ready, Running};
        matches!(
            (self, next),
            (Pending, Running) | (Pending | Running, Failed) | (Running, Ready) | (Ready, Expired)
        )
    }
}

/// Specification of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSpec {
    /// Kind of `scope`.
    pub scope_type: ExportScope,
    /// Id of the site, device, component or sensor.
    pub scope: Uuid,
    /// Begin of the range, included.
    pub from: Micros,
    /// End of the range, not included; at most 366 days after the begin.
    pub to: Micros,
    /// Not empty.
    pub includes: BTreeSet<ExportContent>,
}

impl ExportSpec {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.from >= self.to {
            found.push(FieldError::new("from", "must be before to"));
        } else if self.to.0.saturating_sub(self.from.0) > MAX_RANGE_S * MICROS_PER_SECOND {
            found.push(FieldError::new("to", "must be at most 366 days after from"));
        }
        if self.includes.is_empty() {
            found.push(FieldError::new("includes", "must not be empty"));
        }
        found
    }
}

/// The lists that narrowed what the requester saw at the request: the job sees the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExportAccess {
    /// Devices; `None` without such a list.
    pub devices: Option<BTreeSet<DeviceId>>,
    /// Streams; `None` without such a list.
    pub streams: Option<BTreeSet<StreamId>>,
}

impl ExportAccess {
    /// Access of a principal.
    pub fn of(who: &Principal) -> Self {
        Self { devices: who.devices.clone(), streams: who.streams.clone() }
    }

    /// Whether a principal sees all that an export with this access can contain.
    pub fn is_within(&self, who: &Principal) -> bool {
        let is_restricted = self.devices.is_some() || self.streams.is_some();
        !who.is_restricted()
            || (is_restricted
                && is_subset(self.devices.as_ref(), who.devices.as_ref())
                && is_subset(self.streams.as_ref(), who.streams.as_ref()))
    }
}

fn is_subset<T: Ord>(inner: Option<&BTreeSet<T>>, outer: Option<&BTreeSet<T>>) -> bool {
    let Some(inner) = inner else { return true };
    outer.map_or(inner.is_empty(), |outer| inner.is_subset(outer))
}

/// Content of a finished file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportResult {
    /// Size of the ZIP file.
    pub size_bytes: u64,
    /// Rows of `readings.parquet`.
    pub reading_count: u64,
    /// Rows of `annotations.parquet`.
    pub annotation_count: u64,
}

/// An export as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Row id.
    pub id: ExportId,
    /// Organization that owns it.
    pub org: OrgId,
    /// Id in APIs, and name of its file.
    pub uuid: Uuid,
    /// Specification of the export.
    pub spec: ExportSpec,
    /// How far it is.
    pub status: ExportStatus,
    /// User, or `key_<id>`.
    pub requested_by: String,
    /// Rows that the requester saw.
    pub access: ExportAccess,
    /// From `READY` on.
    pub result: Option<ExportResult>,
    /// Why it is `FAILED`; else empty.
    pub error: String,
    /// Time of the request.
    pub created_at: Micros,
    /// Time at which it was `READY` or `FAILED`.
    pub completed_at: Option<Micros>,
}

impl Export {
    /// The principal as which the job reads: the server, with what the requester saw.
    pub fn reader(&self) -> Principal {
        let reads = [Resource::Device, Resource::Data, Resource::Value, Resource::EventLog].map(Scope::read);
        Principal {
            org: self.org,
            caller: Caller::System,
            scopes: reads.into_iter().collect(),
            devices: self.access.devices.clone(),
            streams: self.access.streams.clone(),
            dashboards: None,
            origin: None,
        }
    }

    /// Time at which the file of a `READY` export is removed.
    pub fn kept_until(&self) -> Option<Micros> {
        let completed = self.completed_at.filter(|_| self.status == ExportStatus::Ready)?;
        Some(Micros(completed.0.saturating_add(KEPT_S * MICROS_PER_SECOND)))
    }

    /// End of a link that is given out now: 24 hours later, in whole seconds, or when the file is removed; `None` without
    /// a file.
    pub fn link_until(&self, now: Micros) -> Option<Micros> {
        let whole = now.0.div_euclid(MICROS_PER_SECOND).saturating_add(LINK_S);
        let kept = self.kept_until()?.0.div_euclid(MICROS_PER_SECOND);
        let end = Micros(whole.min(kept).saturating_mul(MICROS_PER_SECOND));
        (end > now).then_some(end)
    }
}

/// A file in a ZIP file, for its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Name in the ZIP file.
    pub name: String,
    /// SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
}

/// `manifest.json`: what a ZIP file contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Id of the export.
    pub export_id: Uuid,
    /// Kind of `scope_id`.
    pub scope_type: String,
    /// Id of what was exported.
    pub scope_id: Uuid,
    /// ISO-8601, UTC.
    pub from: String,
    /// ISO-8601, UTC.
    pub to: String,
    /// Names of the contents.
    pub includes: Vec<String>,
    /// Rows of `readings.parquet`.
    pub reading_count: u64,
    /// Rows of `annotations.parquet`.
    pub annotation_count: u64,
    /// Time of the request, ISO-8601, UTC.
    pub created_at: String,
    /// The other files.
    pub files: Vec<ManifestFile>,
}

impl Manifest {
    /// The manifest of an export, before its files are written.
    pub fn new(export: &Export) -> Self {
        let spec = &export.spec;
        Manifest {
            export_id: export.uuid,
            scope_type: spec.scope_type.name().to_owned(),
            scope_id: spec.scope,
            from: spec.from.to_iso(),
            to: spec.to.to_iso(),
            includes: spec.includes.iter().map(|content| content.name().to_owned()).collect(),
            reading_count: 0,
            annotation_count: 0,
            created_at: export.created_at.to_iso(),
            files: Vec::new(),
        }
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;

//! Annotations: what is said about a time of a site, a device, a component or a sensor. The class
//! defines their values ([`AnnotationClassSpec`](super::document::AnnotationClassSpec)).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::document::rules::{MAX_TEXT, check_optional};
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::validation::json_bytes;
use super::{AnnotationId, DeviceId, DocumentId, FieldError, Micros, OrgId, StreamId};

/// Most bytes of the JSON of values.
pub const MAX_VALUE_BYTES: usize = 16 << 10;

named_enum! {
    /// Kind of row that can be annotated.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum ScopeType {
        /// A site.
        Site = "SITE",
        /// A device.
        Device = "DEVICE",
        /// A component of a device.
        Component = "COMPONENT",
        /// A stream of a device.
        Sensor = "SENSOR",
    }
}

named_enum! {
    /// Source of an annotation.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AnnotationSource {
        /// A person.
        Manual = "MANUAL",
        /// A rule.
        Rule = "RULE",
        /// A comparison with a reference component.
        Reference = "REFERENCE",
        /// Another system.
        External = "EXTERNAL",
        /// A model.
        Ml = "ML",
    }
}

/// Settable fields of an annotation.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotationSpec {
    /// UUID of its class.
    pub class: Uuid,
    /// Kind of `scope`.
    pub scope_type: ScopeType,
    /// UUID of the site, device, component or sensor.
    pub scope: Uuid,
    /// Time, or begin of the time.
    pub start: Micros,
    /// End of the time, which does not belong to it; `None` for a point in time.
    pub end: Option<Micros>,
    /// Values of the fields of the class, at most 16 KiB of JSON.
    pub values: Map<String, Value>,
    /// Its source.
    pub source: AnnotationSource,
    /// How sure the source is, 0 to 1.
    pub confidence: Option<f64>,
    /// At most 4000 characters.
    pub note: Option<String>,
}

impl AnnotationSpec {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.end.is_some_and(|end| end < self.start) {
            found.push(FieldError::new("end_time", "must not be before startTime"));
        }
        if self.confidence.is_some_and(|confidence| !(0.0..=1.0).contains(&confidence)) {
            found.push(FieldError::new("confidence", "must be between 0 and 1"));
        }
        check_optional(&mut found, "note", self.note.as_deref().unwrap_or_default(), MAX_TEXT);
        if json_bytes(&self.values) > MAX_VALUE_BYTES {
            let message = format!("must have at most {MAX_VALUE_BYTES} bytes of JSON");
            found.push(FieldError::new("values", message));
        }
        found
    }

    /// First time that does not belong to it any more: a point in time is one microsecond long.
    pub fn until(&self) -> Micros {
        let after_start = Micros(self.start.0.saturating_add(1));
        self.end.map_or(after_start, |end| end.max(after_start))
    }
}

/// The rows that an annotation belongs to, and with which it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AnnotationPlace {
    /// The site or component.
    pub document: Option<DocumentId>,
    /// The device, also of a component or sensor; `None` for a site.
    pub device: Option<DeviceId>,
    /// The sensor.
    pub stream: Option<StreamId>,
}

/// An annotation as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Row id.
    pub id: AnnotationId,
    /// Organization that owns it.
    pub org: OrgId,
    /// Id in APIs.
    pub uuid: Uuid,
    /// Settable fields.
    pub spec: AnnotationSpec,
    /// Key of its class.
    pub class_key: String,
    /// The rows that it belongs to.
    pub place: AnnotationPlace,
    /// Creator, as APIs show it.
    pub created_by: String,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change.
    pub updated_at: Micros,
}

/// Sort key of a list of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationSort {
    /// UUID.
    Id,
    /// The annotated row.
    ScopeType,
    /// Begin.
    StartTime,
    /// End; a point in time has none, which is the smallest.
    EndTime,
    /// Source.
    Source,
    /// Confidence; none is the smallest.
    Confidence,
    /// Creator.
    CreatedBy,
    /// Time of creation.
    CreatedAt,
    /// Time of the last change.
    UpdatedAt,
}

/// Filter, order and page of a list of annotations.
#[derive(Debug, Clone, Default)]
pub struct AnnotationFilter {
    /// UUID of the class.
    pub class: Option<Uuid>,
    /// The annotated row.
    pub scope_type: Option<ScopeType>,
    /// UUID of the site, device, component or sensor.
    pub scope: Option<Uuid>,
    /// Device, with its components and sensors.
    pub device: Option<DeviceId>,
    /// Source.
    pub source: Option<AnnotationSource>,
    /// Only those whose time ends after this one.
    pub from: Option<Micros>,
    /// Only those that begin before this time.
    pub to: Option<Micros>,
    /// Only those that begin at this time or later.
    pub start_from: Option<Micros>,
    /// Only those after this begin and id, in the default order.
    pub after: Option<(Micros, AnnotationId)>,
    /// Sort keys of the list, and whether descending; by begin and id if it is empty. Ties by UUID.
    pub order: Vec<(AnnotationSort, bool)>,
    /// Part of the list that is returned.
    pub page: Pagination,
}

#[cfg(test)]
#[path = "annotation_tests.rs"]
mod tests;

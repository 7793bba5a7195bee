//! Table `annotations`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::annotation::{Annotation, AnnotationPlace, AnnotationSource, AnnotationSpec, ScopeType};
use crate::domain::{AnnotationId, DeviceId, DocumentId, Micros, OrgId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "annotations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub uuid: Uuid,
    /// Document of the class.
    pub class_id: i32,
    pub scope_type: String,
    /// UUID of the site, device, component or sensor.
    pub scope_uuid: Uuid,
    /// Site or component.
    pub document_id: Option<i32>,
    /// Device, also of a component or sensor.
    pub device_id: Option<i32>,
    pub stream_id: Option<i32>,
    pub start_time: i64,
    pub end_time: Option<i64>,
    /// First time that does not belong to it.
    pub until_time: i64,
    /// Values.
    pub content: String,
    pub source: String,
    pub confidence: Option<f64>,
    pub note: Option<String>,
    pub created_by: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The annotation, with the UUID and the key of its class.
    pub fn with_class(self, class: Uuid, class_key: String) -> Result<Annotation> {
        let place = RowRef { table: "annotations", id: self.id };
        let scope_type = ScopeType::from_name(&self.scope_type);
        let source = AnnotationSource::from_name(&self.source);
        let spec = AnnotationSpec {
            class,
            scope_type: scope_type.ok_or_else(|| place.damaged("scope_type"))?,
            scope: self.scope_uuid,
            start: Micros(self.start_time),
            end: self.end_time.map(Micros),
            values: place.json("content", &self.content)?,
            source: source.ok_or_else(|| place.damaged("source"))?,
            confidence: self.confidence,
            note: self.note,
        };
        Ok(Annotation {
            id: AnnotationId(self.id),
            org: OrgId(self.org_id),
            uuid: self.uuid,
            spec,
            class_key,
            place: AnnotationPlace {
                document: self.document_id.map(DocumentId),
                device: self.device_id.map(DeviceId),
                stream: self.stream_id.map(StreamId),
            },
            created_by: self.created_by,
            created_at: Micros(self.created_at),
            updated_at: Micros(self.updated_at),
        })
    }
}

/// A row to insert with a new UUID; the database assigns its id.
pub fn new(org: OrgId, created_by: String, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        uuid: Set(Uuid::new_v4()),
        created_by: Set(created_by),
        created_at: Set(now.0),
        updated_at: Set(now.0),
        ..Default::default()
    }
}

/// An update of a row.
pub fn for_update(id: AnnotationId, now: Micros) -> ActiveModel {
    ActiveModel { id: Set(id.0), updated_at: Set(now.0), ..Default::default() }
}

/// Sets everything that is settable.
pub fn with_spec(
    row: ActiveModel,
    class: DocumentId,
    place: AnnotationPlace,
    spec: &AnnotationSpec,
) -> ActiveModel {
    ActiveModel {
        class_id: Set(class.0),
        scope_type: Set(spec.scope_type.name().to_owned()),
        scope_uuid: Set(spec.scope),
        document_id: Set(place.document.map(|id| id.0)),
        device_id: Set(place.device.map(|id| id.0)),
        stream_id: Set(place.stream.map(|id| id.0)),
        start_time: Set(spec.start.0),
        end_time: Set(spec.end.map(|end| end.0)),
        until_time: Set(spec.until().0),
        content: Set(to_json(&spec.values)),
        source: Set(spec.source.name().to_owned()),
        confidence: Set(spec.confidence),
        note: Set(spec.note.clone()),
        ..row
    }
}

//! Table `objects`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::object::{Object, ObjectSpec};
use crate::domain::{Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "objects")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    /// Unique.
    pub uuid: String,
    pub file_name: String,
    pub content_type: String,
    pub size_bytes: i64,
    /// Empty when it is not known yet.
    pub sha256: String,
    pub created_at: i64,
    pub upload_until: i64,
    pub stored_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Object {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "objects", id: row.id };
        Ok(Self {
            id: row.id,
            org: OrgId(row.org_id),
            uuid: place.check_column("uuid", uuid::Uuid::try_parse(&row.uuid))?,
            spec: ObjectSpec {
                file_name: row.file_name,
                content_type: row.content_type,
                size_bytes: place.check_column("size_bytes", u64::try_from(row.size_bytes))?,
                sha256: (!row.sha256.is_empty()).then_some(row.sha256),
            },
            created_at: Micros(row.created_at),
            upload_until: Micros(row.upload_until),
            stored_at: row.stored_at.map(Micros),
        })
    }
}

/// A row to insert; the database assigns its id, whatever `object.id` is.
pub fn new(object: &Object) -> ActiveModel {
    ActiveModel {
        org_id: Set(object.org.0),
        uuid: Set(object.uuid.to_string()),
        file_name: Set(object.spec.file_name.clone()),
        content_type: Set(object.spec.content_type.clone()),
        size_bytes: Set(i64::try_from(object.spec.size_bytes).unwrap_or(i64::MAX)),
        sha256: Set(object.spec.sha256.clone().unwrap_or_default()),
        created_at: Set(object.created_at.0),
        upload_until: Set(object.upload_until.0),
        stored_at: Set(object.stored_at.map(|ts| ts.0)),
        ..Default::default()
    }
}

/// An update of the row of an object whose bytes were stored.
pub fn stored(object: &Object) -> ActiveModel {
    ActiveModel {
        id: Set(object.id),
        sha256: Set(object.spec.sha256.clone().unwrap_or_default()),
        stored_at: Set(object.stored_at.map(|ts| ts.0)),
        ..Default::default()
    }
}

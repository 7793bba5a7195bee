//! Table `exports`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::export::{
    Export, ExportAccess, ExportContent, ExportResult, ExportScope, ExportSpec, ExportStatus,
};
use crate::domain::{Error, ExportId, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exports")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    /// Unique.
    pub uuid: String,
    pub scope_type: String,
    pub scope_id: String,
    pub from_ts: i64,
    pub to_ts: i64,
    /// Names, separated by commas.
    pub includes: String,
    pub status: String,
    pub requested_by: String,
    pub access: String,
    pub error: String,
    pub size_bytes: Option<i64>,
    pub reading_count: Option<i64>,
    pub annotation_count: Option<i64>,
    pub created_at: i64,
    pub completed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Export {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "exports", id: row.id };
        let uuid = |column, text: &str| place.check_column(column, uuid::Uuid::try_parse(text));
        let includes = row.includes.split(',').map(str::parse::<ExportContent>).collect::<Result<_>>();
        let count = |column, stored: i64| place.check_column(column, u64::try_from(stored));
        let result = match row.size_bytes {
            Some(size_bytes) => Some(ExportResult {
                size_bytes: count("size_bytes", size_bytes)?,
                reading_count: count("reading_count", row.reading_count.unwrap_or(0))?,
                annotation_count: count("annotation_count", row.annotation_count.unwrap_or(0))?,
            }),
            None => None,
        };
        Ok(Self {
            id: ExportId(row.id),
            org: OrgId(row.org_id),
            uuid: uuid("uuid", &row.uuid)?,
            spec: ExportSpec {
                scope_type: place.check_column("scope_type", row.scope_type.parse::<ExportScope>())?,
                scope: uuid("scope_id", &row.scope_id)?,
                from: Micros(row.from_ts),
                to: Micros(row.to_ts),
                includes: place.check_column("includes", includes)?,
            },
            status: place.check_column("status", row.status.parse::<ExportStatus>())?,
            requested_by: row.requested_by,
            access: place.json::<ExportAccess>("access", &row.access)?,
            result,
            error: row.error,
            created_at: Micros(row.created_at),
            completed_at: row.completed_at.map(Micros),
        })
    }
}

/// A row to insert; the database assigns its id, whatever `export.id` is.
pub fn new(export: &Export) -> ActiveModel {
    let spec = &export.spec;
    let includes: Vec<_> = spec.includes.iter().map(|content| content.name()).collect();
    ActiveModel {
        org_id: Set(export.org.0),
        uuid: Set(export.uuid.to_string()),
        scope_type: Set(spec.scope_type.name().to_owned()),
        scope_id: Set(spec.scope.to_string()),
        from_ts: Set(spec.from.0),
        to_ts: Set(spec.to.0),
        includes: Set(includes.join(",")),
        requested_by: Set(export.requested_by.clone()),
        access: Set(to_json(&export.access)),
        created_at: Set(export.created_at.0),
        ..progress(export)
    }
}

/// An update of the row with what the job changes.
pub fn for_update(export: &Export) -> ActiveModel {
    ActiveModel { id: Set(export.id.0), ..progress(export) }
}

fn progress(export: &Export) -> ActiveModel {
    let sql_int = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let result = export.result;
    ActiveModel {
        status: Set(export.status.name().to_owned()),
        error: Set(export.error.clone()),
        size_bytes: Set(result.map(|result| sql_int(result.size_bytes))),
        reading_count: Set(result.map(|result| sql_int(result.reading_count))),
        annotation_count: Set(result.map(|result| sql_int(result.annotation_count))),
        completed_at: Set(export.completed_at.map(|ts| ts.0)),
        ..Default::default()
    }
}

//! Table `audit_log`.

use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::audit::AuditRecord;
use crate::domain::{Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub ts: i64,
    pub until: i64,
    pub org_id: Option<i32>,
    pub actor: Option<String>,
    pub actor_name: Option<String>,
    pub action: String,
    pub kind: Option<String>,
    pub row_id: Option<i32>,
    /// JSON array of field names.
    pub fields: String,
    pub request: String,
    pub outcome: String,
    pub address: Option<String>,
    pub request_id: String,
    pub count: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for AuditRecord {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "audit_log", id: row.id };
        Ok(Self {
            id: row.id,
            ts: Micros(row.ts),
            until: Micros(row.until),
            org: row.org_id.map(OrgId),
            actor: row.actor,
            actor_name: row.actor_name,
            action: row.action,
            kind: row.kind,
            row: row.row_id,
            fields: place.json("fields", &row.fields)?,
            request: row.request,
            outcome: row.outcome,
            address: row.address,
            request_id: row.request_id,
            count: row.count,
        })
    }
}

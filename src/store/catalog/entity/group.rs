//! Table `groups`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::group::{Group, GroupSpec};
use crate::domain::{GroupId, Micros, OrgId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub name: String,
    pub description: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Group {
    fn from(row: Model) -> Self {
        Self {
            id: GroupId(row.id),
            org: OrgId(row.org_id),
            spec: GroupSpec { name: row.name, description: row.description },
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        }
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, spec: GroupSpec, now: Micros) -> ActiveModel {
    ActiveModel { org_id: Set(org.0), created_at: Set(now.0), updated_at: Set(now.0), ..columns(spec) }
}

/// An update of row `id` that replaces all settable fields.
pub fn for_update(id: GroupId, spec: GroupSpec, now: Micros) -> ActiveModel {
    ActiveModel { id: Set(id.0), updated_at: Set(now.0), ..columns(spec) }
}

fn columns(spec: GroupSpec) -> ActiveModel {
    ActiveModel { name: Set(spec.name), description: Set(spec.description), ..Default::default() }
}

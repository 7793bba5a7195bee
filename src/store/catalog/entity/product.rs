//! Table `products`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::product::{Product, ProductSpec};
use crate::domain::{Error, Micros, OrgId, ProductId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub uuid: Uuid,
    pub parent_id: Option<i32>,
    pub name: String,
    pub is_default: bool,
    pub metadata: String,
    pub templates: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Product {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "products", id: row.id };
        let spec = ProductSpec {
            metadata: place.json("metadata", &row.metadata)?,
            templates: place.json("templates", &row.templates)?,
            parent: row.parent_id.map(ProductId),
            name: row.name,
        };
        Ok(Self {
            id: ProductId(row.id),
            org: OrgId(row.org_id),
            uuid: row.uuid,
            is_default: row.is_default,
            spec,
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, is_default: bool, spec: ProductSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        uuid: Set(Uuid::new_v4()),
        is_default: Set(is_default),
        created_at: Set(now.0),
        updated_at: Set(now.0),
        ..columns(spec)
    }
}

/// An update of row `id` that replaces all settable fields.
pub fn for_update(id: ProductId, spec: ProductSpec, now: Micros) -> ActiveModel {
    ActiveModel { id: Set(id.0), updated_at: Set(now.0), ..columns(spec) }
}

fn columns(spec: ProductSpec) -> ActiveModel {
    ActiveModel {
        name: Set(spec.name),
        parent_id: Set(spec.parent.map(|id| id.0)),
        metadata: Set(to_json(&spec.metadata)),
        templates: Set(to_json(&spec.templates)),
        ..Default::default()
    }
}

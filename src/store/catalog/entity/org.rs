//! Table `orgs`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::org::Org;
use crate::domain::{Micros, OrgId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orgs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub slug: String,
    pub name: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Org {
    fn from(row: Model) -> Self {
        Self { id: OrgId(row.id), slug: row.slug, name: row.name, created_at: Micros(row.created_at) }
    }
}

/// A row to insert; the database assigns its id.
pub fn new(slug: &str, name: &str, now: Micros) -> ActiveModel {
    ActiveModel {
        slug: Set(slug.to_owned()),
        name: Set(name.to_owned()),
        created_at: Set(now.0),
        ..Default::default()
    }
}

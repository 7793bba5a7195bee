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
    pub uuid: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Org {
    fn from(row: Model) -> Self {
        let Model { id, slug, name, created_at, uuid } = row;
        Self { id: OrgId(id), uuid, slug, name, created_at: Micros(created_at) }
    }
}

/// A row to insert; the database assigns its id.
pub fn new(slug: &str, name: &str, now: Micros) -> ActiveModel {
    ActiveModel {
        uuid: Set(Uuid::new_v4()),
        slug: Set(slug.to_owned()),
        name: Set(name.to_owned()),
        created_at: Set(now.0),
        ..Default::default()
    }
}

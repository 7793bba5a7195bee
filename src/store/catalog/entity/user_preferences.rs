//! Table `user_preferences`.

use sea_orm::entity::prelude::*;
use serde_json::{Map, Value};

use super::RowRef;
use crate::domain::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_preferences")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Unique; the row is deleted with the user.
    pub user_id: i32,
    /// A JSON object.
    pub body: String,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Map<String, Value> {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        RowRef { table: "user_preferences", id: row.id }.json("body", &row.body)
    }
}

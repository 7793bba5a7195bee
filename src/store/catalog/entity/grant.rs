//! Table `redeemed_grants`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::Micros;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "redeemed_grants")]
pub struct Model {
    /// The grant's id as text.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Microseconds: afterwards the token expires by itself, and the row is not needed.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A row to insert.
pub fn new(id: uuid::Uuid, expires_at: Micros) -> ActiveModel {
    ActiveModel { id: Set(id.to_string()), expires_at: Set(expires_at.0) }
}

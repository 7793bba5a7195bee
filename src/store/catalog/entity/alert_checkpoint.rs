//! Table `alert_checkpoint`: of each organization the position of the evaluation of its rules.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::OrgId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_checkpoint")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// The organization.
    pub id: i32,
    pub next_seq: i64,
    pub stored_at: i64,
    pub states: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of an organization.
pub fn row(org: OrgId, next_seq: u64, stored_at: i64, states: Vec<u8>) -> ActiveModel {
    ActiveModel {
        id: Set(org.0),
        next_seq: Set(next_seq as i64),
        stored_at: Set(stored_at),
        states: Set(states),
    }
}

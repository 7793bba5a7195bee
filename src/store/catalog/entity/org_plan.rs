//! Table `org_plans`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "org_plans")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Unique.
    pub org_id: i32,
    pub plan: String,
    pub chosen_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

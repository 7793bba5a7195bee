//! Table `users`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::org::{NewUser, User};
use crate::domain::{Micros, OrgId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub name: String,
    pub password_hash: String,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub is_viewer: bool,
    pub enabled: bool,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for User {
    fn from(row: Model) -> Self {
        Self {
            id: UserId(row.id),
            org: OrgId(row.org_id),
            name: row.name,
            password_hash: row.password_hash,
            is_staff: row.is_staff,
            is_superuser: row.is_superuser,
            is_viewer: row.is_viewer,
            enabled: row.enabled,
            created_at: Micros(row.created_at),
        }
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, user: NewUser, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        name: Set(user.name),
        password_hash: Set(user.password_hash),
        is_staff: Set(user.is_staff),
        is_superuser: Set(user.is_superuser),
        is_viewer: Set(user.is_viewer),
        enabled: Set(true),
        created_at: Set(now.0),
        ..Default::default()
    }
}

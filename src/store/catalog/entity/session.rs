//! Table `sessions`: login sessions, with only the hash of their tokens.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::session::Session;
use crate::domain::{Error, Micros, Result, SessionId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub user_id: i32,
    pub hash: Vec<u8>,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Session {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "sessions", id: row.id };
        let hash = <[u8; 32]>::try_from(row.hash.as_slice());
        Ok(Self {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            hash: place.check_column("hash", hash)?,
            created_at: Micros(row.created_at),
            expires_at: Micros(row.expires_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(user: UserId, hash: [u8; 32], now: Micros, expires_at: Micros) -> ActiveModel {
    ActiveModel {
        user_id: Set(user.0),
        hash: Set(hash.to_vec()),
        created_at: Set(now.0),
        expires_at: Set(expires_at.0),
        ..Default::default()
    }
}

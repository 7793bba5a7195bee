//! Table `tokens`: pairs of access and refresh tokens, with only their hashes.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::token::{Token, TokenHashes};
use crate::domain::{ClientId, Error, Micros, Result, TokenId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub client_id: i32,
    pub user_id: Option<i32>,
    pub hash: Vec<u8>,
    /// Null once the refresh token was used.
    pub refresh_hash: Option<Vec<u8>>,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Token {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "tokens", id: row.id };
        let access = <[u8; 32]>::try_from(row.hash.as_slice());
        let refresh = row.refresh_hash.map(|hash| <[u8; 32]>::try_from(hash.as_slice())).transpose();
        Ok(Self {
            id: TokenId(row.id),
            client: ClientId(row.client_id),
            user: row.user_id.map(UserId),
            hashes: TokenHashes {
                access: place.check_column("hash", access)?,
                refresh: place.check_column("refresh_hash", refresh)?,
            },
            created_at: Micros(row.created_at),
            expires_at: Micros(row.expires_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(
    client: ClientId,
    user: Option<UserId>,
    hashes: TokenHashes,
    now: Micros,
    expires_at: Micros,
) -> ActiveModel {
    ActiveModel {
        client_id: Set(client.0),
        user_id: Set(user.map(|user| user.0)),
        hash: Set(hashes.access.to_vec()),
        refresh_hash: Set(hashes.refresh.map(|hash| hash.to_vec())),
        created_at: Set(now.0),
        expires_at: Set(expires_at.0),
        ..Default::default()
    }
}

//! Table `clients`: clients of the vendors' APIs, with only the hash of their secrets.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::client::{Client, ClientSecret, ClientSpec};
use crate::domain::{ClientId, Error, Micros, OrgId, Result, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "clients")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub api: String,
    pub client_id: String,
    pub hash: Vec<u8>,
    pub name: String,
    pub user_id: Option<i32>,
    pub role: Option<String>,
    pub user_scoped: bool,
    pub enabled: bool,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Client {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "clients", id: row.id };
        let hash = <[u8; 32]>::try_from(row.hash.as_slice());
        let spec = ClientSpec {
            api: place.check_column("api", row.api.parse())?,
            role: row.role.map(|role| place.check_column("role", role.parse())).transpose()?,
            name: row.name,
            user: row.user_id.map(UserId),
            user_scoped: row.user_scoped,
        };
        Ok(Self {
            id: ClientId(row.id),
            org: OrgId(row.org_id),
            spec,
            secret: ClientSecret { client_id: row.client_id, hash: place.check_column("hash", hash)? },
            enabled: row.enabled,
            created_at: Micros(row.created_at),
            revoked_at: row.revoked_at.map(Micros),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, spec: ClientSpec, secret: ClientSecret, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        api: Set(spec.api.name().to_owned()),
        client_id: Set(secret.client_id),
        hash: Set(secret.hash.to_vec()),
        name: Set(spec.name),
        user_id: Set(spec.user.map(|user| user.0)),
        role: Set(spec.role.map(|role| role.name().to_owned())),
        user_scoped: Set(spec.user_scoped),
        enabled: Set(true),
        created_at: Set(now.0),
        revoked_at: Set(None),
        ..Default::default()
    }
}

//! Table `keys`: API keys, with only the prefix and the hash of their secrets.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::key::{Key, KeySecret, KeySpec};
use crate::domain::{Error, KeyId, Micros, OrgId, Result, Scope, Scopes};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub name: String,
    pub prefix: String,
    pub hash: Vec<u8>,
    pub scopes: String,
    pub allowed_devices: Option<String>,
    pub allowed_streams: Option<String>,
    pub expires_at: Option<i64>,
    pub enabled: bool,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub allowed_dashboards: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Key {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "keys", id: row.id };
        let hash = <[u8; 32]>::try_from(row.hash.as_slice());
        let spec = KeySpec {
            scopes: read_scopes(&place, &row.scopes)?,
            devices: row.allowed_devices.map(|ids| place.json("allowed_devices", &ids)).transpose()?,
            streams: row.allowed_streams.map(|ids| place.json("allowed_streams", &ids)).transpose()?,
            dashboards: row
                .allowed_dashboards
                .map(|ids| place.json("allowed_dashboards", &ids))
                .transpose()?,
            expires_at: row.expires_at.map(Micros),
            name: row.name,
        };
        Ok(Self {
            id: KeyId(row.id),
            org: OrgId(row.org_id),
            spec,
            secret: KeySecret { prefix: row.prefix, hash: place.check_column("hash", hash)? },
            enabled: row.enabled,
            created_at: Micros(row.created_at),
            last_used_at: row.last_used_at.map(Micros),
        })
    }
}

/// A scope of earlier versions that granted nothing.
const FORMER_SCOPE: &str = "webrtc-terminal:read";

fn read_scopes(place: &RowRef, text: &str) -> Result<Scopes> {
    let names: Vec<String> = place.json("scopes", text)?;
    let known = names.iter().filter(|name| *name != FORMER_SCOPE);
    known.map(|name| place.check_column("scopes", name.parse::<Scope>())).collect()
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, spec: KeySpec, secret: KeySecret, now: Micros) -> ActiveModel {
    let scopes: Vec<String> = spec.scopes.iter().map(|s| s.to_string()).collect();
    ActiveModel {
        org_id: Set(org.0),
        name: Set(spec.name),
        prefix: Set(secret.prefix),
        hash: Set(secret.hash.to_vec()),
        scopes: Set(to_json(&scopes)),
        allowed_devices: Set(spec.devices.as_ref().map(to_json)),
        allowed_streams: Set(spec.streams.as_ref().map(to_json)),
        allowed_dashboards: Set(spec.dashboards.as_ref().map(to_json)),
        expires_at: Set(spec.expires_at.map(|t| t.0)),
        enabled: Set(true),
        created_at: Set(now.0),
        last_used_at: Set(None),
        ..Default::default()
    }
}

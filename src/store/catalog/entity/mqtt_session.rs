//! Table `mqtt_sessions`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::mqtt::{SessionOwner, StoredSession, Will};
use crate::domain::{Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mqtt_sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    /// The device that owns it, for the cascade; null for the session of a key.
    pub device_id: Option<i32>,
    /// Unique together with `client_id`.
    pub owner: String,
    pub client_id: String,
    pub subscriptions: String,
    pub expiry_s: i64,
    pub ended_at: Option<i64>,
    pub will: Option<String>,
    pub cursor: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for StoredSession {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "mqtt_sessions", id: row.id };
        let will = row.will.map(|will| place.json::<Will>("will", &will)).transpose()?;
        Ok(Self {
            org: OrgId(row.org_id),
            owner: SessionOwner::parse(&row.owner).ok_or_else(|| place.damaged("owner"))?,
            client_id: row.client_id,
            subscriptions: place.json("subscriptions", &row.subscriptions)?,
            expiry_s: place.check_column("expiry_s", u32::try_from(row.expiry_s))?,
            ended_at: row.ended_at.map(Micros),
            will,
            cursor: row.cursor,
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(session: &StoredSession) -> ActiveModel {
    let device = match session.owner {
        SessionOwner::Device(id) => Some(id.0),
        SessionOwner::Key(_) => None,
    };
    ActiveModel {
        org_id: Set(session.org.0),
        device_id: Set(device),
        owner: Set(session.owner.to_string()),
        client_id: Set(session.client_id.clone()),
        subscriptions: Set(to_json(&session.subscriptions)),
        expiry_s: Set(i64::from(session.expiry_s)),
        ended_at: Set(session.ended_at.map(|ts| ts.0)),
        will: Set(session.will.as_ref().map(to_json)),
        cursor: Set(session.cursor.clone()),
        ..Default::default()
    }
}

//! Table `registrations`: registration tokens of devices, with only the hash of their secret.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::registration::{NewRegistration, Registration, RegistrationState};
use crate::domain::{DeviceId, Error, Micros, OrgId, RegistrationId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registrations")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: i32,
    pub uuid: Uuid,
    pub hash: Vec<u8>,
    pub state: String,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Registration {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "registrations", id: row.id };
        Ok(Self {
            id: RegistrationId(row.id),
            org: OrgId(row.org_id),
            device: DeviceId(row.device_id),
            uuid: row.uuid,
            hash: place.check_column("hash", <[u8; 32]>::try_from(row.hash.as_slice()))?,
            state: place.check_column("state", row.state.parse::<RegistrationState>())?,
            created_at: Micros(row.created_at),
            expires_at: Micros(row.expires_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, device: DeviceId, token: &NewRegistration, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        device_id: Set(device.0),
        uuid: Set(token.uuid),
        hash: Set(token.hash.to_vec()),
        state: Set(RegistrationState::Pending.name().to_owned()),
        created_at: Set(now.0),
        expires_at: Set(now.0.saturating_add(token.ttl_us)),
        ..Default::default()
    }
}

/// An update of the state.
pub fn for_state(registration: &Registration) -> ActiveModel {
    ActiveModel {
        id: Set(registration.id.0),
        state: Set(registration.state.name().to_owned()),
        ..Default::default()
    }
}

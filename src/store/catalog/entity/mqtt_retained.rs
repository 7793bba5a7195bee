//! Table `mqtt_retained`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::mqtt::{Qos, RetainedMessage};
use crate::domain::{DeviceId, Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mqtt_retained")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: i32,
    /// Unique in the organization.
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: i32,
    pub stored_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for RetainedMessage {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "mqtt_retained", id: row.id };
        let qos = u8::try_from(row.qos).ok().and_then(Qos::from_number);
        Ok(Self {
            org: OrgId(row.org_id),
            device: DeviceId(row.device_id),
            topic: row.topic,
            payload: row.payload.into(),
            qos: qos.ok_or_else(|| place.damaged("qos"))?,
            stored_at: Micros(row.stored_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(message: &RetainedMessage) -> ActiveModel {
    ActiveModel {
        org_id: Set(message.org.0),
        device_id: Set(message.device.0),
        topic: Set(message.topic.clone()),
        payload: Set(message.payload.to_vec()),
        qos: Set(i32::from(message.qos.number())),
        stored_at: Set(message.stored_at.0),
        ..Default::default()
    }
}

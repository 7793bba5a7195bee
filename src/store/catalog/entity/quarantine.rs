//! Table `quarantine`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::quarantine::{QuarantineEntry, QuarantineReason, QuarantineRecord};
use crate::domain::{DeviceId, Error, Micros, OrgId, QuarantineId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantine")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: Option<i32>,
    pub stream_id: Option<i32>,
    pub uuid: String,
    pub topic: String,
    pub reason: String,
    pub detail: String,
    pub payload: String,
    /// Bytes of the texts, by which an organization's rows are bounded.
    pub bytes: i64,
    pub received_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for QuarantineRecord {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "quarantine", id: row.id };
        let entry = QuarantineEntry {
            device: row.device_id.map(DeviceId),
            stream: row.stream_id.map(StreamId),
            topic: row.topic,
            reason: place.check_column("reason", row.reason.parse::<QuarantineReason>())?,
            detail: row.detail,
            payload: row.payload,
            received_at: Micros(row.received_at),
        };
        let uuid = place.check_column("uuid", uuid::Uuid::try_parse(&row.uuid))?;
        Ok(Self { id: QuarantineId(row.id), org: OrgId(row.org_id), uuid, entry })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, entry: QuarantineEntry) -> ActiveModel {
    let bytes = entry.topic.len() + entry.detail.len() + entry.payload.len();
    ActiveModel {
        org_id: Set(org.0),
        device_id: Set(entry.device.map(|device| device.0)),
        stream_id: Set(entry.stream.map(|stream| stream.0)),
        uuid: Set(uuid::Uuid::new_v4().to_string()),
        topic: Set(entry.topic),
        reason: Set(entry.reason.name().to_owned()),
        detail: Set(entry.detail),
        payload: Set(entry.payload),
        bytes: Set(i64::try_from(bytes).unwrap_or(i64::MAX)),
        received_at: Set(entry.received_at.0),
        ..Default::default()
    }
}

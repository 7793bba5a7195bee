//! Table `events`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::event::{Event, EventSpec, Level};
use crate::domain::{DeviceId, Error, EventId, Micros, OrgId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: Option<i32>,
    pub stream_id: Option<i32>,
    pub kind: String,
    pub level: String,
    pub ts: i64,
    pub message: String,
    pub url: String,
    pub payload: String,
    pub acknowledged: bool,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Event {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "events", id: row.id };
        let level = Level::ALL.into_iter().find(|level| level.name() == row.level);
        let spec = EventSpec {
            device: row.device_id.map(DeviceId),
            stream: row.stream_id.map(StreamId),
            kind: row.kind,
            level: level.ok_or_else(|| place.damaged("level"))?,
            ts: Micros(row.ts),
            message: row.message,
            url: row.url,
            payload: place.json("payload", &row.payload)?,
            acknowledged: row.acknowledged,
        };
        Ok(Self { id: EventId(row.id), org: OrgId(row.org_id), spec, created_at: Micros(row.created_at) })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, spec: EventSpec, now: Micros) -> ActiveModel {
    ActiveModel { org_id: Set(org.0), created_at: Set(now.0), ..columns(spec) }
}

/// An update of row `id` that replaces all settable fields.
pub fn for_update(id: EventId, spec: EventSpec) -> ActiveModel {
    ActiveModel { id: Set(id.0), ..columns(spec) }
}

fn columns(spec: EventSpec) -> ActiveModel {
    ActiveModel {
        device_id: Set(spec.device.map(|d| d.0)),
        stream_id: Set(spec.stream.map(|s| s.0)),
        kind: Set(spec.kind),
        level: Set(spec.level.name().to_owned()),
        ts: Set(spec.ts.0),
        message: Set(spec.message),
        url: Set(spec.url),
        payload: Set(to_json(&spec.payload)),
        acknowledged: Set(spec.acknowledged),
        ..Default::default()
    }
}

//! Table `events`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RowRef, to_json};
use crate::domain::alert::{AlertDetails, AlertLifecycle, AlertStatus};
use crate::domain::event::{Event, EventSource, EventSpec, Level};
use crate::domain::{AlertRuleId, DeviceId, Error, EventId, Micros, OrgId, Result, StreamId};

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
    pub uuid: Uuid,
    pub source: String,
    /// Rule of an alert.
    pub rule_id: Option<i32>,
    /// Status of an alert; null for any other event.
    pub alert_status: Option<String>,
    /// Details of an alert.
    pub alert: Option<String>,
    pub acknowledged_at: Option<i64>,
    pub acknowledged_by: Option<String>,
    pub note: Option<String>,
}

/// Column `alert`: what lists are not filtered by.
#[derive(Debug, Serialize, Deserialize)]
struct AlertColumn {
    rule_name: String,
    value: Value,
    resolved_at: Option<i64>,
    resolved_by: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Event {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "events", id: row.id };
        let level = Level::from_name(&row.level);
        let source = EventSource::from_name(&row.source);
        let source = source.ok_or_else(|| place.damaged("source"))?;
        let alert = read_alert(&row, &place)?;
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
            note: row.note,
        };
        Ok(Self {
            id: EventId(row.id),
            uuid: row.uuid,
            org: OrgId(row.org_id),
            source,
            alert,
            spec,
            acknowledged_at: row.acknowledged_at.map(Micros),
            acknowledged_by: row.acknowledged_by,
            created_at: Micros(row.created_at),
        })
    }
}

fn read_alert(row: &Model, place: &RowRef) -> Result<Option<AlertDetails>> {
    let (Some(status), Some(text)) = (&row.alert_status, &row.alert) else { return Ok(None) };
    let status = AlertStatus::from_name(status);
    let AlertColumn { rule_name, value, resolved_at, resolved_by } = place.json("alert", text)?;
    let lifecycle = AlertLifecycle {
        status: status.ok_or_else(|| place.damaged("alert_status"))?,
        acknowledged_at: row.acknowledged_at.map(Micros),
        acknowledged_by: row.acknowledged_by.clone(),
        resolved_at: resolved_at.map(Micros),
        resolved_by,
        note: row.note.clone(),
    };
    Ok(Some(AlertDetails { rule: row.rule_id.map(AlertRuleId), rule_name, value, lifecycle }))
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, source: EventSource, spec: EventSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        uuid: Set(Uuid::new_v4()),
        source: Set(source.name().to_owned()),
        created_at: Set(now.0),
        ..columns(spec)
    }
}

/// The event of a new alert.
pub fn new_alert(org: OrgId, spec: EventSpec, alert: &AlertDetails, now: Micros) -> ActiveModel {
    let row = new(org, EventSource::AlertRule, spec, now);
    ActiveModel { rule_id: Set(alert.rule.map(|rule| rule.0)), ..with_lifecycle(row, alert) }
}

/// Sets the lifecycle of an alert in an insert or update.
pub fn with_lifecycle(row: ActiveModel, alert: &AlertDetails) -> ActiveModel {
    let AlertDetails { rule: _, rule_name, value, lifecycle } = alert.clone();
    let AlertLifecycle { status, acknowledged_at, acknowledged_by, resolved_at, resolved_by, note } =
        lifecycle;
    let column = AlertColumn { rule_name, value, resolved_at: resolved_at.map(|at| at.0), resolved_by };
    ActiveModel {
        acknowledged_at: Set(acknowledged_at.map(|at| at.0)),
        acknowledged_by: Set(acknowledged_by),
        note: Set(note),
        alert_status: Set(Some(status.name().to_owned())),
        alert: Set(Some(to_json(&column))),
        ..row
    }
}

/// Sets who acknowledged an event in an insert or update.
pub fn with_acknowledgement(row: ActiveModel, event: &Event) -> ActiveModel {
    let row = match &event.alert {
        Some(alert) => with_lifecycle(row, alert),
        None => row,
    };
    ActiveModel {
        acknowledged_at: Set(event.acknowledged_at.map(|at| at.0)),
        acknowledged_by: Set(event.acknowledged_by.clone()),
        ..row
    }
}

/// An update of an event's acknowledgement alone.
pub fn for_acknowledgement(event: &Event) -> ActiveModel {
    let row = ActiveModel {
        acknowledged: Set(event.spec.acknowledged),
        note: Set(event.spec.note.clone()),
        ..Default::default()
    };
    with_acknowledgement(row, event)
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
        note: Set(spec.note),
        ..Default::default()
    }
}

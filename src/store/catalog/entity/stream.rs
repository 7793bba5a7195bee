//! Table `streams`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::window::Windows;
use crate::domain::{DeviceId, Error, GroupId, Micros, OrgId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "streams")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Always the organization of the device; repeated here so that no query needs a join to be scoped.
    pub org_id: i32,
    pub uuid: Uuid,
    pub device_id: i32,
    pub group_id: Option<i32>,
    pub name: String,
    pub path: String,
    pub kind: String,
    pub access_mode: String,
    pub poll_interval_s: Option<f64>,
    pub unit: String,
    pub scale: f64,
    pub offset: f64,
    pub byteorder: Option<String>,
    pub enabled: bool,
    pub deadband: Option<f64>,
    pub statistics_interval_s: Option<i32>,
    pub metadata: String,
    /// JSON of `Windows::steps`; null while the interval never changed.
    pub windows: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub channel: i32,
    pub pin: Option<i32>,
    pub label: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Stream {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "streams", id: row.id };
        let window =
            row.statistics_interval_s.map(|s| place.check_column("statistics_interval_s", u32::try_from(s)));
        let interval = window.transpose()?;
        let windows = match &row.windows {
            Some(text) => {
                let steps: Vec<(i64, u32)> = place.check_column("windows", serde_json::from_str(text))?;
                place.check_column(
                    "windows",
                    Windows::from_steps(&steps)
                        .ok_or_else(|| Error::invalid("a window does not divide a day")),
                )?
            }
            // Shared by all streams with the default interval.
            None if interval.is_none() => Windows::default(),
            None => Windows::with_interval(interval),
        };
        let spec = StreamSpec {
            device: DeviceId(row.device_id),
            group: row.group_id.map(GroupId),
            kind: place.check_column("kind", row.kind.parse())?,
            access_mode: place.check_column("access_mode", row.access_mode.parse())?,
            byteorder: row.byteorder.map(|text| place.check_column("byteorder", text.parse())).transpose()?,
            statistics_interval_s: interval,
            metadata: place.json("metadata", &row.metadata)?,
            name: row.name,
            path: row.path,
            poll_interval_s: row.poll_interval_s,
            unit: row.unit,
            scale: row.scale,
            offset: row.offset,
            enabled: row.enabled,
            deadband: row.deadband,
            pin: row.pin,
            label: row.label,
        };
        Ok(Self {
            id: StreamId(row.id),
            org: OrgId(row.org_id),
            uuid: row.uuid,
            channel: row.channel,
            spec,
            windows,
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, channel: i32, spec: StreamSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        uuid: Set(Uuid::new_v4()),
        channel: Set(channel),
        device_id: Set(spec.device.0),
        created_at: Set(now.0),
        updated_at: Set(now.0),
        ..columns(spec)
    }
}

/// An update of a stream's row that replaces all settable fields except the device.
pub fn for_update(stream: &Stream, spec: StreamSpec, now: Micros) -> ActiveModel {
    let windows = stream.windows.with_interval_change(now, spec.statistics_interval_s);
    let has_changed = windows != Windows::with_interval(spec.statistics_interval_s);
    let windows =
        has_changed.then(|| serde_json::to_string(&windows.steps()).expect("numbers always serialise"));
    ActiveModel { id: Set(stream.id.0), updated_at: Set(now.0), windows: Set(windows), ..columns(spec) }
}

fn columns(spec: StreamSpec) -> ActiveModel {
    // At most a day, so it always fits; a longer interval was refused earlier.
    let window = spec.statistics_interval_s.map(|s| i32::try_from(s).unwrap_or(i32::MAX));
    ActiveModel {
        group_id: Set(spec.group.map(|g| g.0)),
        name: Set(spec.name),
        path: Set(spec.path),
        kind: Set(spec.kind.name().to_owned()),
        access_mode: Set(spec.access_mode.name().to_owned()),
        poll_interval_s: Set(spec.poll_interval_s),
        unit: Set(spec.unit),
        scale: Set(spec.scale),
        offset: Set(spec.offset),
        byteorder: Set(spec.byteorder.map(|b| b.name().to_owned())),
        enabled: Set(spec.enabled),
        deadband: Set(spec.deadband),
        statistics_interval_s: Set(window),
        metadata: Set(to_json(&spec.metadata)),
        pin: Set(spec.pin),
        label: Set(spec.label),
        ..Default::default()
    }
}

//! Table `models`: a model's owner, the number of its current version, and its scoring progress.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use serde_json::{Value, json};

use super::RowRef;
use crate::domain::model::{LateRange, Model as Detector, ModelProgress, ModelVersion, ThresholdRun};
use crate::domain::{DeviceId, EventId, Micros, ModelId, OrgId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "models")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: i32,
    pub stream_id: i32,
    pub enabled: bool,
    /// Number of the current version.
    pub number: i32,
    /// Highest version number assigned so far.
    pub newest: i32,
    pub progress: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Builds the model of the domain from this row and its current version, a row of `model_versions`.
    pub fn with(self, version: ModelVersion) -> Detector {
        Detector {
            id: ModelId(self.id),
            org: OrgId(self.org_id),
            device: DeviceId(self.device_id),
            stream: StreamId(self.stream_id),
            enabled: self.enabled,
            version,
            created_at: Micros(self.created_at),
            updated_at: Micros(self.updated_at),
        }
    }

    /// Decodes the scoring progress, of which parts may be missing; `Unavailable` when the column holds no JSON.
    pub fn decode_progress(&self) -> Result<ModelProgress> {
        let place = RowRef { table: "models", id: self.id };
        let json: Value = place.json("progress", &self.progress)?;
        let event = json["event"].as_i64().and_then(|id| i32::try_from(id).ok()).map(EventId);
        Ok(ModelProgress {
            position: json["position"].as_i64().map(Micros),
            run: decode_threshold_run(&json["run"]),
            open_anomaly: event.zip(decode_threshold_run(&json["open"])),
            late: read_late(&json["late"]),
            consumed_seq: json["heard"].as_u64(),
        })
    }
}

fn read_late(json: &Value) -> Option<LateRange> {
    let [oldest, newest] = [&json["oldest"], &json["newest"]].map(|ts| ts.as_i64().map(Micros));
    Some(LateRange { oldest: oldest?, newest: newest? })
}

fn decode_threshold_run(json: &Value) -> Option<ThresholdRun> {
    Some(ThresholdRun {
        since: Micros(json["since"].as_i64()?),
        windows: json["windows"].as_u64().and_then(|n| u32::try_from(n).ok())?,
        peak: json["peak"].as_f64()?,
        peak_at: Micros(json["peak_at"].as_i64()?),
    })
}

fn encode_threshold_run(above: &ThresholdRun) -> Value {
    let ThresholdRun { since, windows, peak, peak_at } = above;
    json!({"since": since.0, "windows": windows, "peak": peak, "peak_at": peak_at.0})
}

/// A row to insert; its first version has the number 1.
pub fn new(org: OrgId, (device, stream): (DeviceId, StreamId), now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        device_id: Set(device.0),
        stream_id: Set(stream.0),
        enabled: Set(true),
        number: Set(1),
        newest: Set(1),
        progress: Set(encode_progress(&ModelProgress::default())),
        created_at: Set(now.0),
        updated_at: Set(now.0),
        ..Default::default()
    }
}

/// JSON form of a model's progress.
pub fn encode_progress(progress: &ModelProgress) -> String {
    let ModelProgress { position, run, open_anomaly: open, late, consumed_seq: heard } = progress;
    json!({
        "position": position.map(|at| at.0),
        "run": run.as_ref().map(encode_threshold_run),
        "event": open.map(|(event, _)| event.0),
        "open": open.as_ref().map(|(_, open)| encode_threshold_run(open)),
        "late": late.map(|late| json!({"oldest": late.oldest.0, "newest": late.newest.0})),
        "heard": heard,
    })
    .to_string()
}

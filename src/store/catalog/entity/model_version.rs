//! Table `model_versions`: versions of a model without their files.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use serde_json::{Value, json};

use super::RowRef;
use crate::domain::model::{ModelFileInfo, ModelSettings, ModelVersion};
use crate::domain::{Error, Micros, ModelId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_versions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub model_id: i32,
    pub number: i32,
    pub settings: String,
    pub model: String,
    pub scaler: String,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for ModelVersion {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "model_versions", id: row.id };
        Ok(Self {
            number: row.number,
            settings: read_settings(&place, &row.settings)?,
            model: read_file(&place, "model", &row.model)?,
            scaler: read_file(&place, "scaler", &row.scaler)?,
            created_at: Micros(row.created_at),
        })
    }
}

/// A row to insert.
pub fn new(model: ModelId, version: &ModelVersion) -> ActiveModel {
    ActiveModel {
        model_id: Set(model.0),
        number: Set(version.number),
        settings: Set(settings(&version.settings)),
        model: Set(file(&version.model)),
        scaler: Set(file(&version.scaler)),
        created_at: Set(version.created_at.0),
        ..Default::default()
    }
}

/// JSON form of the settings.
pub fn settings(settings: &ModelSettings) -> String {
    let sources: Vec<i32> = settings.sources.iter().map(|id| id.0).collect();
    json!({
        "model_type": settings.kind.name(),
        "sources": sources,
        "interval": settings.interval_s,
        "score": settings.score.name(),
        "output": settings.output,
        "threshold": settings.threshold,
        "clear_ratio": settings.clear_ratio,
        "min_windows": settings.min_windows,
    })
    .to_string()
}

fn read_settings(place: &RowRef, text: &str) -> Result<ModelSettings> {
    let json: Value = place.json("settings", text)?;
    let damaged = || place.damaged("settings");
    let name = |field: &str| json[field].as_str().ok_or_else(damaged);
    let number = |field: &str| json[field].as_f64().ok_or_else(damaged);
    let sources: Vec<i32> =
        place.check_column("settings", serde_json::from_value(json["sources"].clone()))?;
    let min_windows = json["min_windows"].as_u64().and_then(|n| u32::try_from(n).ok()).ok_or_else(damaged)?;
    Ok(ModelSettings {
        kind: place.check_column("settings", name("model_type")?.parse())?,
        sources: sources.into_iter().map(StreamId).collect(),
        interval_s: number("interval")?,
        score: place.check_column("settings", name("score")?.parse())?,
        output: json["output"].as_u64().and_then(|n| usize::try_from(n).ok()),
        threshold: json["threshold"].as_f64(),
        clear_ratio: number("clear_ratio")?,
        min_windows,
    })
}

fn file(facts: &ModelFileInfo) -> String {
    json!({"file": facts.name, "size": facts.size_bytes, "sha256": facts.sha256}).to_string()
}

fn read_file(place: &RowRef, column: &str, text: &str) -> Result<ModelFileInfo> {
    let json: Value = place.json(column, text)?;
    let text = |field: &str| json[field].as_str().map(str::to_owned).ok_or_else(|| place.damaged(column));
    let size_bytes = json["size"].as_u64().ok_or_else(|| place.damaged(column))?;
    Ok(ModelFileInfo { name: text("file")?, size_bytes, sha256: text("sha256")? })
}

//! `/api/ai/model/`: models, their versions, calibration, and scoring of stored values.

pub mod reconstruction;
pub mod routes;
pub mod views;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use self::views::{CalibratedView, CalibrationPreviewView, ModelView, VersionView, WindowView};
use super::job::JobView;
use super::json_body::DeferredJson;
use super::query_params::QueryParams;
use super::{Id, RowId};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::app::ai::calibrate::{Calibration, range_problem};
use crate::app::fields::drf_scalar;
use crate::app::fields::field_type::ANY_NUMBER;
use crate::app::fields::reader::{FieldReader, ReadMode};
use crate::domain::min_max::MinMax;
use crate::domain::{Error, Micros, ModelId, Result};

/// `GET /api/ai/model`: the visible models with their status.
pub async fn list(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<Vec<ModelView>>, RestError> {
    let models = app.models.models(&caller)?;
    Ok(Json(models.iter().map(|model| ModelView::new(&app, model)).collect()))
}

/// `GET /api/ai/model/{id}`: one model with its status.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
) -> Result<Json<ModelView>, RestError> {
    let model = app.models.model(&caller, id)?;
    Ok(Json(ModelView::new(&app, &model)))
}

/// `PATCH /api/ai/model/{id}`: changes the given settings of the current version.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
    body: DeferredJson,
) -> Result<Json<ModelView>, RestError> {
    app.models.model_to_change(&caller, id)?;
    let fields = body.fields(ReadMode::Partial).await?;
    let model = app.models.update_model_from_fields(&caller, id, fields).await?;
    Ok(Json(ModelView::new(&app, &model)))
}

/// `DELETE /api/ai/model/{id}`: deletes the model with its versions; its stream and scores stay.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
) -> Result<StatusCode, RestError> {
    app.models.delete_model(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/ai/model/{id}/versions`: the stored versions, newest first.
pub async fn versions(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
) -> Result<Json<Vec<VersionView>>, RestError> {
    let versions = app.models.model_versions(&caller, id).await?;
    Ok(Json(versions.iter().map(VersionView::from).collect()))
}

/// `GET /api/ai/model/{id}/versions/{number}/model.tflite`: the model file as uploaded.
pub async fn model_file(
    caller: Caller,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
) -> Result<impl IntoResponse, RestError> {
    let (id, number) = version_of(&path)?;
    let files = app.models.model_files(&caller, id, number).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], files.model))
}

/// `GET /api/ai/model/{id}/versions/{number}/scaler`: the scaler file as uploaded.
pub async fn scaler_file(
    caller: Caller,
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
) -> Result<impl IntoResponse, RestError> {
    let (id, number) = version_of(&path)?;
    let files = app.models.model_files(&caller, id, number).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], files.scaler))
}

fn version_of((id, number): &(String, String)) -> Result<(ModelId, i32)> {
    let row = |text: &str| RowId::parse(text).map(|id| id.0).ok_or_else(Error::not_found);
    Ok((ModelId(row(id)?), row(number)?))
}

/// `POST /api/ai/model/{id}/rollback`: makes an older version current again, by default the one before.
pub async fn rollback(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
    body: DeferredJson,
) -> Result<Json<ModelView>, RestError> {
    app.models.model_to_change(&caller, id)?;
    let mut fields = body.fields(ReadMode::Whole).await?;
    let version = fields.read_or("version", 1..=i64::from(i32::MAX), None);
    fields.finish(Vec::new())?;
    let model = app.models.roll_back_model(&caller, id, version).await?;
    Ok(Json(ModelView::new(&app, &model)))
}

/// `POST /api/ai/model/{id}/calibrate`: sets the threshold to a percentile of the scores of a time range, or with `dry_run`
/// says what it would be.
pub async fn calibrate(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<Response, RestError> {
    app.models.model_to_change(&caller, id)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let is_dry = query.boolean("dry_run").unwrap_or(false);
    query.finish()?;
    let mut fields = body.fields(ReadMode::Whole).await?;
    let percentile = fields.read_or("percentile", ANY_NUMBER, 99.5);
    let (from, to) = read_range(&mut fields);
    let calibration = Calibration { from, to, percentile };
    fields.finish(calibration.problems())?;
    if is_dry {
        let preview = app.models.preview_calibration(&caller, id, calibration).await?;
        return Ok(Json(CalibrationPreviewView::from(preview)).into_response());
    }
    let (threshold, windows) = app.models.calibrate_model(&caller, id, calibration).await?;
    Ok(Json(CalibratedView { threshold, windows }).into_response())
}

/// `POST /api/ai/model/{id}/score`: starts a job that scores a time range; 202 with its path in `Location`.
pub async fn score(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
    body: DeferredJson,
) -> Result<impl IntoResponse, RestError> {
    app.models.model_to_change(&caller, id)?;
    let mut fields = body.fields(ReadMode::Whole).await?;
    let (from, to) = read_range(&mut fields);
    let events = fields.read_or("events", (), true);
    fields.finish(range_problem(from, to).into_iter().collect())?;
    let job = JobView::from(app.models.score_history(&caller, id, MinMax::new(from, to), events).await?);
    let location = format!("/api/job/{}/", job.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(job)))
}

/// `GET /api/ai/model/{id}/window`: the newest window that ends at or before `at`, with its score and reconstruction.
pub async fn window(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<WindowView>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let at = query.read("at", |text| drf_scalar::timestamp(&Value::from(text)));
    query.finish()?;
    let found = app.models.inspect_window(&caller, id, at).await?;
    Ok(Json(found.into()))
}

/// Reads the required `from` and `to` of a range.
fn read_range(fields: &mut FieldReader) -> (Micros, Micros) {
    let (mut from, mut to) = (None, None);
    fields.required_timestamp("from", &mut from);
    fields.required_timestamp("to", &mut to);
    (from.unwrap_or(Micros(0)), to.unwrap_or(Micros(i64::MAX)))
}

//! `/api/ai/upload/`: uploads a model and its scaler and starts it on data streams.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::data::DataView;
use super::device::DeviceView;
use super::model::routes::file_schema;
use super::model::views::{FileView, sources_to_json};
use super::multipart::DeferredForm;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::app::ai::upload::{UploadPreview, UploadRequest};
use crate::app::fields::model::read_upload;
use crate::domain::model::{ModelKind, ModelSettings, ScoreKind, UploadedModel};
use crate::domain::{FieldError, ModelId, Resource, Result};

/// Route, documentation and schema of model uploads.
pub fn section() -> Section {
    let upload = Doc::new("ai_upload", "Upload a model with its scaler and start it")
        .about(
            "The files are validated and test-run before anything is stored. With `data_id` the model of that data \
             stream, or with `device_id` the only model of that device, gets a new version; otherwise a device and \
             a data stream are created.",
        )
        .query("dry_run", schema::boolean(), "With true nothing is stored: the answer says what the files hold.")
        .form(schema::reference("NewModel"))
        .answers(200, "Contents of the files; nothing was stored", schema::reference("UploadPreview"))
        .answers(201, "The model, and the device and data stream it writes to", schema::reference("Uploaded"));
    Section {
        name: "AI",
        about: "Anomaly detection models, their versions, scores and jobs.",
        routes: vec![
            Route::gated("/api/ai/upload", RequiredAccess::Scope(Resource::System))
                .post(self::upload, upload),
        ],
        schemas: vec![
            ("NewModel", schema::body(&described())),
            ("Uploaded", schema::object(&described_answer())),
            ("UploadPreview", schema::object(&described_preview())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    vec![
        required("model", schema::file()),
        required("scaler", schema::file()),
        required("model_type", schema::choice_of::<ModelKind>()),
        required("source", schema::string()),
        omittable("threshold", schema::number_within(0.0, f64::MAX)),
        omittable("name", schema::text(1, 100)),
        omittable("device_id", schema::row_id()),
        omittable("data_id", schema::row_id()),
        optional("interval", schema::number_within(0.001, 86_400.0), 1.0),
        optional("score", schema::choice_of::<ScoreKind>(), "mse"),
        omittable("output", schema::count()),
        optional("clear_ratio", schema::number_within(0.01, 1.0), 0.9),
        optional("min_windows", schema::integer(1, 10_000), 1),
    ]
}

fn described_preview() -> Vec<FieldSchema> {
    vec![
        read_only("window", schema::count()),
        read_only("features", schema::count()),
        read_only("operators", schema::list(schema::string())),
    ]
}

fn described_answer() -> Vec<FieldSchema> {
    vec![
        read_only("id", schema::row_id()),
        read_only("version", schema::integer(1, i64::from(i32::MAX))),
        read_only("device", schema::reference("Device")),
        read_only("data", schema::reference("Data")),
        read_only("model", file_schema()),
        read_only("scaler", file_schema()),
        read_only("model_type", schema::choice_of::<ModelKind>()),
        read_only("source", schema::any_of([schema::row_id(), schema::list(schema::row_id())])),
        read_only("threshold", schema::nullable(schema::number())),
    ]
}

/// `POST /api/ai/upload`: stores a model and its scaler as a new model, or as a new version of one; with `dry_run` says what
/// the files hold.
pub async fn upload(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    form: DeferredForm,
) -> Result<Response, RestError> {
    app.models.check_may_upload(&caller)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let is_dry = query.boolean("dry_run").unwrap_or(false);
    query.finish()?;
    let mut form = form.read().await?;
    let model = form.file("model", &["tflite"]);
    let scaler = form.file("scaler", &["joblib", "pkl"]);
    let mut request = UploadRequest {
        model,
        scaler,
        settings: ModelSettings::new(ModelKind::CnnAe, Vec::new()),
        name: None,
        device: None,
        stream: None,
    };
    read_upload(&mut form.fields, &mut request);
    let problems = problems(&request);
    let _memory = form.finish(problems)?;
    if is_dry {
        let UploadPreview { window, features, operators } =
            app.models.preview_upload(&caller, request).await?;
        return Ok(Json(UploadPreviewView { window, features, operators }).into_response());
    }
    let placed = app.models.upload_model(&caller, request).await?;
    Ok((StatusCode::CREATED, Json(UploadedView::new(&app, &caller, &placed))).into_response())
}

/// Validates the request by itself.
fn problems(request: &UploadRequest) -> Vec<FieldError> {
    let name = request.name.as_deref().map(str::trim);
    let too_long = name.is_some_and(|name| name.chars().count() > 100);
    let mut found = request.settings.problems();
    if too_long {
        found.push(FieldError::new("name", "Ensure this field has no more than 100 characters."));
    }
    found
}

/// Content of an upload's files.
#[derive(Debug, Serialize)]
pub struct UploadPreviewView {
    window: usize,
    features: usize,
    operators: Vec<String>,
}

/// The uploaded model with its device and data stream.
#[derive(Debug, Serialize)]
pub struct UploadedView {
    id: ModelId,
    version: i32,
    device: DeviceView,
    data: DataView,
    model: FileView,
    scaler: FileView,
    model_type: &'static str,
    source: Value,
    threshold: Option<f64>,
}

impl UploadedView {
    fn new(app: &App, caller: &Caller, placed: &UploadedModel) -> Self {
        let UploadedModel { device, stream, model } = placed;
        let version = &model.version;
        Self {
            id: model.id,
            version: version.number,
            device: DeviceView::new(device, app.devices.status_of(device)),
            data: DataView::new(app, caller, stream),
            model: FileView::from(&version.model),
            scaler: FileView::from(&version.scaler),
            model_type: version.settings.kind.name(),
            source: sources_to_json(&version.settings.sources),
            threshold: version.settings.threshold,
        }
    }
}

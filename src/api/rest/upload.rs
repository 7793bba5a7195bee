//! `/api/ai/upload/`: a model and its scaler, made to run over a data stream.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::data::DataView;
use super::device::DeviceView;
use super::fields::{Fields, Need};
use super::form::UnreadForm;
use super::gate::Right;
use super::model::shapes::file_shape;
use super::model::views::{FileView, source};
use super::scalar;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, possible, required, shown};
use crate::app::App;
use crate::app::ai::upload::UploadRequest;
use crate::domain::model::{ModelKind, ModelSettings, Placed, ScoreKind};
use crate::domain::{DeviceId, FieldError, ModelId, Resource, Result, StreamId};

pub fn section() -> Section {
    let upload = Doc::new("ai_upload", "Uploads a model and its scaler, and makes it run")
        .about(
            "The files are checked and tried before anything is stored. With `data_id` the model of that data, or with \
             `device_id` the only model of that device, gets a new version; else device and data are made.",
        )
        .form(shape::named("NewModel"))
        .answers(201, "What it has become", shape::named("Uploaded"));
    Section {
        name: "AI",
        about: "Models that look for anomalies, their versions, scores and jobs.",
        routes: vec![
            Route::gated("/api/ai/upload", Right::Scope(Resource::System)).post(self::upload, upload),
        ],
        schemas: vec![
            ("NewModel", shape::body(&described())),
            ("Uploaded", shape::answer(&described_answer())),
        ],
    }
}

fn described() -> Vec<Field> {
    vec![
        required("model", shape::file()),
        required("scaler", shape::file()),
        required("model_type", shape::choice(ModelKind::ALL.map(ModelKind::name))),
        required("source", shape::words()),
        possible("threshold", shape::number_within(0.0, f64::MAX)),
        possible("name", shape::text(1, 100)),
        possible("device_id", shape::row()),
        possible("data_id", shape::row()),
        optional("interval", shape::number_within(0.001, 86_400.0), 1.0),
        optional("score", shape::choice(ScoreKind::ALL.map(ScoreKind::name)), "mse"),
        possible("output", shape::count()),
        optional("clear_ratio", shape::number_within(0.01, 1.0), 0.9),
        optional("min_windows", shape::integer(1, 10_000), 1),
    ]
}

fn described_answer() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        shown("version", shape::integer(1, i64::from(i32::MAX))),
        shown("device", shape::named("Device")),
        shown("data", shape::named("Data")),
        shown("model", file_shape()),
        shown("scaler", file_shape()),
        shown("model_type", shape::choice(ModelKind::ALL.map(ModelKind::name))),
        shown("source", shape::any_of([shape::row(), shape::list(shape::row())])),
        shown("threshold", shape::or_null(shape::number())),
    ]
}

pub async fn upload(
    caller: Caller,
    State(app): State<Arc<App>>,
    form: UnreadForm,
) -> Result<(StatusCode, Json<UploadedView>), RestError> {
    app.check_may_upload(&caller)?;
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
    read_onto(&mut form.fields, &mut request);
    let problems = problems(&request);
    let _memory = form.finish(problems)?;
    let placed = app.upload_model(&caller, request).await?;
    Ok((StatusCode::CREATED, Json(UploadedView::new(&app, &caller, &placed))))
}

/// What is wrong with the request by itself.
fn problems(request: &UploadRequest) -> Vec<FieldError> {
    let name = request.name.as_deref().map(str::trim);
    let too_long = name.is_some_and(|name| name.chars().count() > 100);
    let mut found = request.settings.problems();
    if too_long {
        found.push(FieldError::new("name", "Ensure this field has no more than 100 characters."));
    }
    found
}

fn read_onto(fields: &mut Fields, request: &mut UploadRequest) {
    let settings = &mut request.settings;
    fields.choice("model_type", Need::Required, &mut settings.kind);
    if let Some(given) = fields.any("source") {
        match read_sources(&given) {
            Ok(sources) => settings.sources = sources,
            Err(message) => fields.refuse("source", message),
        }
    }
    fields.number_or_null("threshold", &mut settings.threshold);
    fields.number("interval", &mut settings.interval_s);
    fields.choice("score", Need::Optional, &mut settings.score);
    fields.integer_or_null("output", 0..=63, &mut settings.output);
    fields.number("clear_ratio", &mut settings.clear_ratio);
    fields.integer("min_windows", 1..=10_000, &mut settings.min_windows);
    fields.text_or_null("name", &mut request.name);
    fields.row_or_null("device_id", DeviceId, &mut request.device);
    fields.row_or_null("data_id", StreamId, &mut request.stream);
}

/// One id, or several with commas between them.
fn read_sources(given: &Value) -> Result<Vec<StreamId>, String> {
    let text = scalar::text(given.clone())?;
    let ids = text.split(',').map(|id| scalar::row_id(&Value::from(id.trim())).map(StreamId));
    ids.collect()
}

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
    fn new(app: &App, caller: &Caller, placed: &Placed) -> Self {
        let Placed { device, stream, model } = placed;
        let version = &model.version;
        Self {
            id: model.id,
            version: version.number,
            device: DeviceView::new(device, app.status_of(device)),
            data: DataView::new(app, caller, stream),
            model: FileView::from(&version.model),
            scaler: FileView::from(&version.scaler),
            model_type: version.settings.kind.name(),
            source: source(&version.settings.sources),
            threshold: version.settings.threshold,
        }
    }
}

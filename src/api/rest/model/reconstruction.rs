//! `GET /api/ai/model/{id}/reconstruction/`: expected and actual values of a range, and the share of each source.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use serde_json::Value;

use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, read_only};
use crate::api::rest::Id;
use crate::api::rest::query_params::QueryParams;
use crate::app::App;
use crate::app::ai::reconstruction::{
    MAX_WINDOWS, ReconstructedWindow, Reconstruction, ReconstructionQuery, STEP_MESSAGE, parse_step,
};
use crate::app::fields::drf_scalar;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{ModelId, StreamId};

/// Documentation of the route.
pub fn doc() -> Doc {
    Doc::new("model_reconstruction", "Get expected and actual values of a model over a time range")
        .about(
            "For each step the first complete window that ends in it, with the values of its last sample. A share is the \
             squared error of the source over the whole window, in the scaled units of the score, divided by that of all \
             sources.",
        )
        .required_query("from", schema::time_input(), "Earliest end of a window, included.")
        .required_query("to", schema::time_input(), "Latest end of a window, included.")
        .query(
            "step",
            schema::string(),
            "Seconds, or an ISO-8601 duration; by default the interval of the model. At most 2,000 steps and 100,000 \
             intervals of the model.",
        )
        .answers(200, "The windows of the range", schema::reference("Reconstruction"))
}

/// Schema of the answer.
pub fn described() -> Vec<FieldSchema> {
    let numbers = || schema::list(schema::number());
    let about = "Parts of the squared error by source, which sum to 1; null for a window without an error.";
    let window = [
        read_only("timestamp", schema::time()),
        read_only("score", schema::number()),
        read_only("actual", numbers()),
        read_only("expected", numbers()),
        read_only("share", schema::described(schema::nullable(numbers()), about)),
    ];
    let windows = schema::list_of(schema::view(&window).into(), 0, MAX_WINDOWS as usize);
    vec![
        read_only("from", schema::time()),
        read_only("to", schema::time()),
        read_only("step", schema::described(schema::number(), "Seconds.")),
        read_only("sources", schema::list(schema::row_id())),
        read_only("windows", windows),
    ]
}

/// Answers `GET /api/ai/model/{id}/reconstruction`.
pub async fn reconstruction(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ModelId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<ReconstructionView>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let mut time = |name| query.read(name, |text| drf_scalar::timestamp(&Value::from(text)));
    let (from, to) = (time("from"), time("to"));
    let step_us = query.read("step", |text| parse_step(text).ok_or_else(|| STEP_MESSAGE.to_owned()));
    query.finish()?;
    let found = app.models.reconstruct_range(&caller, id, ReconstructionQuery { from, to, step_us }).await?;
    Ok(Json(found.into()))
}

/// The windows of a range.
#[derive(Debug, Serialize)]
pub struct ReconstructionView {
    from: String,
    to: String,
    step: f64,
    sources: Vec<StreamId>,
    windows: Vec<ReconstructedWindowView>,
}

/// A window with the values of its last sample, one for each source.
#[derive(Debug, Serialize)]
struct ReconstructedWindowView {
    timestamp: String,
    score: f64,
    actual: Vec<f64>,
    expected: Vec<f64>,
    share: Option<Vec<f64>>,
}

impl From<Reconstruction> for ReconstructionView {
    fn from(found: Reconstruction) -> Self {
        Self {
            from: found.from.to_iso(),
            to: found.to.to_iso(),
            step: found.step_us as f64 / MICROS_PER_SECOND as f64,
            sources: found.sources,
            windows: found.windows.into_iter().map(ReconstructedWindowView::from).collect(),
        }
    }
}

impl From<ReconstructedWindow> for ReconstructedWindowView {
    fn from(window: ReconstructedWindow) -> Self {
        let ReconstructedWindow { end, score, actual, expected, shares } = window;
        Self { timestamp: end.to_iso(), score, actual, expected, share: shares }
    }
}

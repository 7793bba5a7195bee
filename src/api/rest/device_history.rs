//! `/api/device/{id}/states/`: which states a device had, and how much of the time it responded.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;

use super::Id;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, described, read_only};
use crate::app::App;
use crate::domain::device::DeviceState;
use crate::domain::device_history::{DeviceHistory, StateInterval};
use crate::domain::{DeviceId, Resource, Result};

/// State of a time in which no server was there to look.
const UNKNOWN: &str = "unknown";

/// Routes, documentation and schemas of the history of devices.
pub fn section() -> Section {
    let get = Doc::new("device_states", "Get the states that a device had")
        .about("Changes are kept for 90 days, at most 10,000 of a device; a state that lasts less than a second may be missing.")
        .query("from", schema::time_input(), "Start of the range, inclusive; 24 hours before its end by default.")
        .query("to", schema::time_input(), "End of the range, exclusive; now by default.")
        .answers(200, "The states in the order of their times", schema::reference("DeviceHistory"));
    Section {
        name: "History of devices",
        about: "States of devices over time.",
        routes: vec![
            Route::gated("/api/device/{id}/states", RequiredAccess::Scope(Resource::Device))
                .get(self::get, get),
        ],
        schemas: vec![("DeviceHistory", schema::view(&history_fields()))],
    }
}

fn history_fields() -> Vec<FieldSchema> {
    let states = DeviceState::ALL.map(DeviceState::name).into_iter().chain([UNKNOWN]);
    let interval = schema::view(&[
        read_only("from", schema::time()),
        read_only("to", schema::time()),
        read_only("state", schema::choice(states)),
        read_only("error", schema::nullable(schema::string())),
    ]);
    let availability = "Share of the time in which the device responded, of that in which it should have. Times when it was \
                        disabled, was connected to for the first time, or is unknown do not count; null if none is left.";
    vec![
        read_only("device", schema::row_id()),
        read_only("from", schema::time()),
        read_only("to", schema::time()),
        read_only("availability", described(schema::nullable(schema::number_within(0.0, 1.0)), availability)),
        read_only("states", schema::list(interval.into())),
    ]
}

/// `GET /api/device/{id}/states`: the states of a range.
pub async fn get(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
    RawQuery(raw): RawQuery,
) -> Result<Json<HistoryView>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let (from, to) = query.bounds();
    query.finish()?;
    Ok(Json(HistoryView::new(id, &app.devices.device_history(&caller, id, from, to).await?)))
}

/// States of a device in a response.
#[derive(Debug, Serialize)]
pub struct HistoryView {
    device: DeviceId,
    from: String,
    to: String,
    availability: Option<f64>,
    states: Vec<IntervalView>,
}

#[derive(Debug, Serialize)]
struct IntervalView {
    from: String,
    to: String,
    state: &'static str,
    error: Option<String>,
}

impl HistoryView {
    fn new(device: DeviceId, history: &DeviceHistory) -> Self {
        let (from, to) = (history.from.to_iso(), history.to.to_iso());
        let states = history.states.iter().map(IntervalView::new).collect();
        Self { device, from, to, availability: history.availability(), states }
    }
}

impl IntervalView {
    fn new(interval: &StateInterval) -> Self {
        Self {
            from: interval.from.to_iso(),
            to: interval.to.to_iso(),
            state: interval.state.map_or(UNKNOWN, DeviceState::name),
            error: interval.error.clone(),
        }
    }
}

//! Handlers that read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use super::caller::TokenCaller;
use super::error::BlynkError;
use super::query::QueryFields;
use super::wire::{DatastreamView, DeviceView, HistoryView};
use crate::app::App;

/// `GET /api/v2/organization/device/datastreams`: the current values of a device.
pub async fn datastreams(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<DatastreamView>>, BlynkError> {
    let fields = QueryFields::parse(query.as_deref().unwrap_or_default());
    let (device, listed) = (fields.device()?, fields.datastreams()?);
    let found = app.blynk.datastreams(&access, device, listed.as_ref())?;
    Ok(Json(found.into_iter().map(DatastreamView::from).collect()))
}

/// `GET /api/v1/organization/device/datastreams/batch`: the current values of several devices.
pub async fn datastreams_of_many(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<DeviceView>>, BlynkError> {
    let fields = QueryFields::parse(query.as_deref().unwrap_or_default());
    let (devices, listed) = (fields.devices()?, fields.datastreams()?);
    let found = app.blynk.datastreams_of_many(&access, &devices, listed.as_ref())?;
    Ok(Json(found.into_iter().map(DeviceView::from).collect()))
}

/// `GET /api/v1/organization/device/datastream/history`: the values of a datastream in a range.
pub async fn history(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
) -> Result<Json<HistoryView>, BlynkError> {
    let query = QueryFields::parse(query.as_deref().unwrap_or_default()).history()?;
    Ok(Json(app.blynk.history(&access, query).await?.into()))
}

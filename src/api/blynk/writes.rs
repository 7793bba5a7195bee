//! Handlers that write.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::body::{BatchRequest, BodyFields};
use super::caller::TokenCaller;
use super::error::BlynkError;
use super::skipped_rows::SkipReport;
use crate::app::App;

/// `POST /api/v1/organization/device/datastream`: sets a datastream.
pub async fn update(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, BlynkError> {
    let (device, value) = BodyFields::read(&app, request).await?.update()?;
    app.blynk.update(&access, device, value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/organization/device/datastreams`: sets datastreams of a device.
pub async fn update_many(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, BlynkError> {
    let (device, values) = BodyFields::read(&app, request).await?.update_many()?;
    app.blynk.update_many(&access, device, values).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/organization/product/devices/batch-update`: sets datastreams of devices of one product.
pub async fn batch_update(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, BlynkError> {
    let BatchRequest { table, debug } = BodyFields::read(&app, request).await?.batch_update()?;
    let skipped = app.blynk.batch_update(&access, table).await?;
    Ok(match skipped.is_empty() {
        true => StatusCode::NO_CONTENT.into_response(),
        false => Json(SkipReport::new(&skipped, debug)).into_response(),
    })
}

/// `POST /api/v1/organization/device/import/batch`: stores past values of a datastream.
pub async fn import(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, BlynkError> {
    let import = BodyFields::read(&app, request).await?.import()?;
    app.blynk.import(&access, import).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/organization/device/datastream/property`: sets a property of a datastream's widget.
pub async fn set_property(
    TokenCaller(access): TokenCaller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, BlynkError> {
    let change = BodyFields::read(&app, request).await?.property_change()?;
    app.blynk.set_property(&access, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

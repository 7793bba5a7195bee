//! The route.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;

use super::error::ExportError;
use crate::api::error::HttpError;
use crate::api::payload::{self, BodyLimits};
use crate::api::sender;
use crate::app::App;
use crate::app::ingest::metric_write::MetricRequest;
use crate::app::ingest::otlp::metrics::Encoding;
use crate::app::ingest::otlp::response;
use crate::app::ingest::series_write::{SERIES_DECODED_BYTES, SERIES_WIRE_BYTES};
use crate::domain::{Resource, Scope};

const BODY_LIMITS: BodyLimits = BodyLimits { wire: SERIES_WIRE_BYTES, decoded: SERIES_DECODED_BYTES };

/// Every route with its handler.
fn table() -> [(&'static str, &'static str, MethodRouter<Arc<App>>); 1] {
    [("POST", "/v1/metrics", post(export))]
}

/// Returns method and path of every route.
pub fn paths() -> Vec<(&'static str, String)> {
    table().into_iter().map(|(method, path, _)| (method, path.to_owned())).collect()
}

/// Returns the routes.
pub fn routes() -> Router<Arc<App>> {
    table().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler))
}

/// `POST /v1/metrics`: 200 once every data point that was not rejected is durable.
async fn export(State(app): State<Arc<App>>, request: Request) -> Result<Response, ExportError> {
    let (parts, body) = request.into_parts();
    let encoding = encoding(&parts.headers);
    // An error of a body in another form is JSON.
    let form = *encoding.as_ref().unwrap_or(&Encoding::Json);
    write(&app, &parts, body, encoding).await.map_err(|fault| ExportError::new(form, fault))
}

async fn write(
    app: &App,
    parts: &Parts,
    body: Body,
    encoding: Result<Encoding, HttpError>,
) -> Result<Response, HttpError> {
    let sender = sender::authenticate(app, parts, None)?;
    // Checked before the body, so that nobody uploads it to be refused.
    sender.principal.require(Scope::write(Resource::Value))?;
    let encoding = encoding?;
    let body = read_body(encoding, &parts.headers, body, &sender.secret).await?;
    let request = MetricRequest { encoding, default_device: sender::default_device(parts) };
    let rejected = app.ingest.write_metrics(&sender.principal, request, body).await?;
    let message = sender::describe_refused("rejected", "data point", &rejected).unwrap_or_default();
    let answer = response::export_response(encoding, rejected.count, &message);
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(encoding.media_type()))], answer).into_response())
}

async fn read_body(
    encoding: Encoding,
    headers: &HeaderMap,
    body: Body,
    secret: &str,
) -> Result<Bytes, HttpError> {
    match encoding {
        Encoding::Protobuf => payload::read_for_secret(headers, body, BODY_LIMITS, secret).await,
        Encoding::Json => payload::read_json(headers, body, SERIES_WIRE_BYTES, secret).await,
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, HttpError> {
    let text = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    Encoding::of_media_type(text).ok_or_else(|| HttpError::UnsupportedMediaType(text.to_owned()))
}

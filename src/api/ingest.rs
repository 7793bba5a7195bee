//! `POST /ingest`: writes many readings atomically. `POST /ingest/facts`: writes OpenSynaptic facts as messages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use uuid::Uuid;

use super::caller::Caller;
use super::error::{HttpError, PlainError};
use super::payload::{self, BodyLimits};
use crate::app::App;
use crate::app::ingest::{DECODED_BYTES, IngestFormat, WIRE_BYTES};
use crate::domain::{Error, Kind, Resource, Scope};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const BODY_LIMITS: BodyLimits = BodyLimits { wire: WIRE_BYTES, decoded: DECODED_BYTES };

/// Returns the routes of `/ingest` and `/ingest/facts`, which read their bodies within limits of their own.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/ingest", post(ingest)).route("/ingest/facts", post(ingest_facts))
}

/// `POST /ingest/facts`: stores one fact or an array of facts, all or none, and returns the ids of the messages.
async fn ingest_facts(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<FactsView>, PlainError> {
    // Checked before the body, so that nobody uploads it to be refused.
    principal.require(Scope::write(Resource::Value))?;
    let (parts, body) = request.into_parts();
    check_json(&parts.headers)?;
    let bytes = payload::read(&parts.headers, body, app.settings().body_bytes).await?;
    Ok(Json(FactsView { packets: app.messages.post_facts(&principal, &bytes).await? }))
}

/// The response to facts.
#[derive(Debug, Serialize)]
struct FactsView {
    /// Ids of the messages, in the order of the facts.
    packets: Vec<Uuid>,
}

/// A body without a media type is taken for JSON.
fn check_json(headers: &HeaderMap) -> Result<(), HttpError> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "application/json" => Ok(()),
        other => Err(HttpError::UnsupportedMediaType(other.to_owned())),
    }
}

async fn ingest(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, PlainError> {
    // Checked before the body, so that nobody uploads 64 MiB to be refused.
    principal.require(Scope::write(Resource::Value))?;
    let (parts, body) = request.into_parts();
    let format = format(&parts.headers)?;
    let key = parse_idempotency_key(&parts.headers)?;
    let bytes = payload::read_within(&parts.headers, body, BODY_LIMITS).await?;
    let bytes = match format {
        IngestFormat::Ndjson | IngestFormat::Csv => payload::without_byte_order_mark(bytes),
        IngestFormat::Arrow | IngestFormat::Parquet => bytes,
    };
    let done = app.ingest.ingest(&principal, format, bytes, key).await.map_err(to_http_error)?;
    let mut response = done.answer.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if done.is_replay {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Maps the only conflict that can occur here, an idempotency key reused with another body.
fn to_http_error(error: Error) -> HttpError {
    if error.kind == Kind::Conflict {
        HttpError::IdempotencyKeyReused(error)
    } else {
        HttpError::Domain(error)
    }
}

fn format(headers: &HeaderMap) -> Result<IngestFormat, HttpError> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/vnd.apache.arrow.stream" => Ok(IngestFormat::Arrow),
        "application/vnd.apache.parquet" => Ok(IngestFormat::Parquet),
        "application/x-ndjson" | "application/ndjson" => Ok(IngestFormat::Ndjson),
        "text/csv" => Ok(IngestFormat::Csv),
        other => Err(HttpError::UnsupportedMediaType(other.to_owned())),
    }
}

fn parse_idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let text = headers.get(IDEMPOTENCY_KEY).map(|v| v.to_str().map(str::to_owned));
    text.transpose().map_err(|_| Error::field("Idempotency-Key", "must be visible ASCII"))
}

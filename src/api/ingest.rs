//! `POST /ingest`: many readings at once, all of them or none.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::caller::Caller;
use super::error::{Fault, PlainError};
use super::payload::{self, Limits};
use crate::app::App;
use crate::app::ingest::{DECODED_BYTES, Format, WIRE_BYTES};
use crate::domain::{Error, Kind, Resource, Scope};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const LIMITS: Limits = Limits { wire: WIRE_BYTES, decoded: DECODED_BYTES };

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/ingest", post(ingest))
}

async fn ingest(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, PlainError> {
    // Before the body, so that nobody uploads 64 MiB to be refused.
    principal.require(Scope::write(Resource::Value))?;
    let (parts, body) = request.into_parts();
    let format = format(&parts.headers)?;
    let key = key(&parts.headers)?;
    let bytes = payload::read_within(&parts.headers, body, LIMITS).await?;
    let done = app.ingest(&principal, format, bytes, key).await.map_err(refused)?;
    let mut response = done.answer.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if done.is_replay {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The only conflict there is here: a key that came back with another body.
fn refused(error: Error) -> Fault {
    if error.kind == Kind::Conflict { Fault::KeyReused(error) } else { Fault::Core(error) }
}

fn format(headers: &HeaderMap) -> Result<Format, Fault> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/vnd.apache.arrow.stream" => Ok(Format::Arrow),
        "application/vnd.apache.parquet" => Ok(Format::Parquet),
        "application/x-ndjson" | "application/ndjson" => Ok(Format::Ndjson),
        "text/csv" => Ok(Format::Csv),
        other => Err(Fault::UnsupportedMedia(other.to_owned())),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let text = headers.get(KEY).map(|v| v.to_str().map(str::to_owned));
    text.transpose().map_err(|_| Error::field("Idempotency-Key", "must be visible ASCII"))
}

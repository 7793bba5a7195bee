//! The route.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};

use crate::api::error::{HttpError, PlainError};
use crate::api::error_form::ErrorForm;
use crate::api::payload::{self, BodyLimits};
use crate::api::sender;
use crate::app::App;
use crate::app::ingest::remote_write::version::Version;
use crate::app::ingest::sample_write::{SampleOutcome, SampleRequest};
use crate::app::ingest::series_write::SERIES_WIRE_BYTES;
use crate::domain::{Error, Resource, Scope};

/// Snappy is decoded behind this, with a limit of its own.
const BODY_LIMITS: BodyLimits = BodyLimits { wire: SERIES_WIRE_BYTES, decoded: SERIES_WIRE_BYTES };

/// Headers of 2.0 with what was written. A sender that misses them takes the receiver for one of 1.0.
const WRITTEN: [HeaderName; 3] = [
    HeaderName::from_static("x-prometheus-remote-write-samples-written"),
    HeaderName::from_static("x-prometheus-remote-write-histograms-written"),
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written"),
];

/// Form of errors of the path.
pub const ERROR_FORM: ErrorForm = ErrorForm(|fault| WriteError(fault).into_response());

/// Every route with its handler.
fn table() -> [(&'static str, &'static str, MethodRouter<Arc<App>>); 1] {
    [("POST", "/api/v1/write", post(write))]
}

/// Returns method and path of every route.
pub fn paths() -> Vec<(&'static str, String)> {
    table().into_iter().map(|(method, path, _)| (method, path.to_owned())).collect()
}

/// Returns the routes.
pub fn routes() -> Router<Arc<App>> {
    table().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler))
}

/// An error of a request.
struct WriteError(HttpError);

impl<F: Into<HttpError>> From<F> for WriteError {
    fn from(fault: F) -> Self {
        WriteError(fault.into())
    }
}

impl IntoResponse for WriteError {
    fn into_response(self) -> Response {
        PlainError(sender::retryable(self.0)).into_response()
    }
}

/// `POST /api/v1/write`: 204 once every sample is durable.
async fn write(State(app): State<Arc<App>>, request: Request) -> Result<Response, WriteError> {
    let (parts, body) = request.into_parts();
    let sender = sender::authenticate(&app, &parts, None)?;
    // Checked before the body, so that nobody uploads it to be refused.
    sender.principal.require(Scope::write(Resource::Value))?;
    let version = version(&parts.headers)?;
    check_encoding(&parts.headers)?;
    let mut headers = parts.headers.clone();
    headers.remove(CONTENT_ENCODING);
    let block = payload::read_for_secret(&headers, body, BODY_LIMITS, &sender.secret).await?;
    let request = SampleRequest { version, default_device: sender::default_device(&parts) };
    let outcome = app.ingest.write_samples(&sender.principal, request, block).await?;
    let mut response = match refusal(&outcome) {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(error) => WriteError::from(error).into_response(),
    };
    if version == Version::V2 {
        let counts = [outcome.samples, outcome.histograms, 0];
        let written = WRITTEN.into_iter().zip(counts.map(HeaderValue::from));
        response.headers_mut().extend(written);
    }
    Ok(response)
}

fn version(headers: &HeaderMap) -> Result<Version, HttpError> {
    let text = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    Version::of_media_type(text).ok_or_else(|| HttpError::UnsupportedMediaType(text.to_owned()))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), HttpError> {
    let text = headers.get(CONTENT_ENCODING).map_or("identity", |value| value.to_str().unwrap_or("?"));
    match text.trim().eq_ignore_ascii_case("snappy") {
        true => Ok(()),
        false => Err(HttpError::UnsupportedMediaType(text.to_owned())),
    }
}

/// The error that tells of refused samples.
fn refusal(outcome: &SampleOutcome) -> Option<Error> {
    let SampleOutcome { samples, histograms, refused } = outcome;
    let head = format!(
        "partial write (samples written: {samples}, histograms written: {histograms}, refused: {})",
        refused.count
    );
    sender::describe_refused(&head, "sample", refused).map(Error::invalid)
}

//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::error::{InfluxError, Version};
use super::parameters::Parameters;
use crate::api::error::HttpError;
use crate::api::payload::{self, BodyLimits};
use crate::api::sender::{self, Sender};
use crate::app::App;
use crate::app::ingest::line_write::LineOutcome;
use crate::app::ingest::{DECODED_BYTES, WIRE_BYTES};
use crate::domain::{Error, Resource, Scope};

const BODY_LIMITS: BodyLimits = BodyLimits { wire: WIRE_BYTES, decoded: DECODED_BYTES };
/// Maximum body of a statement, bytes.
const STATEMENT_LIMITS: BodyLimits = BodyLimits { wire: 16 << 10, decoded: 16 << 10 };

const VERSION: HeaderName = HeaderName::from_static("x-influxdb-version");
/// Some clients choose the routes that they call by the number before the hyphen.
const VERSION_VALUE: HeaderValue = HeaderValue::from_static("1.8-basalt");

/// Answer to a statement without a result.
const NO_RESULT: &str = r#"{"results":[{"statement_id":0}]}"#;

/// Every route with its handler.
fn table() -> [(&'static str, &'static str, MethodRouter<Arc<App>>); 5] {
    [
        ("POST", "/write", post(async |State(app), request| write(app, Version::V1, request).await)),
        ("POST", "/api/v2/write", post(async |State(app), request| write(app, Version::V2, request).await)),
        ("GET", "/query", get(query)),
        ("POST", "/query", post(query)),
        ("GET", "/ping", get(ping)),
    ]
}

/// Returns method and path of every route.
pub fn paths() -> Vec<(&'static str, String)> {
    table().into_iter().map(|(method, path, _)| (method, path.to_owned())).collect()
}

/// Returns the routes.
pub fn routes() -> Router<Arc<App>> {
    table().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler))
}

/// `GET` and `HEAD /ping`: the server is there. No credential is asked for.
async fn ping() -> impl IntoResponse {
    (StatusCode::NO_CONTENT, [(VERSION, VERSION_VALUE)])
}

/// `POST /write` and `POST /api/v2/write`: 204 once every line is durable.
async fn write(app: Arc<App>, version: Version, request: Request) -> Result<Response, InfluxError> {
    let failed = |fault: HttpError| InfluxError::new(version, fault);
    let (parts, body) = request.into_parts();
    let parameters = url_parameters(&parts);
    let sender = sender(&app, &parts, &parameters).map_err(failed)?;
    // Checked before the body, so that nobody uploads 64 MiB to be refused.
    sender.principal.require(Scope::write(Resource::Value)).map_err(|error| failed(error.into()))?;
    let lines = parameters.line_request().map_err(|error| failed(error.into()))?;
    let is_atomic = lines.is_atomic;
    let body =
        payload::read_for_secret(&parts.headers, body, BODY_LIMITS, &sender.secret).await.map_err(failed)?;
    let body = payload::without_byte_order_mark(body);
    let written =
        app.ingest.write_lines(&sender.principal, lines, body).await.map_err(|error| failed(error.into()))?;
    match refusal(&written, is_atomic) {
        None => Ok((StatusCode::NO_CONTENT, [(VERSION, VERSION_VALUE)]).into_response()),
        Some(error) => Err(failed(error.into())),
    }
}

/// `GET` and `POST /query`: `CREATE DATABASE` of senders of 1.x, which has nothing to do here.
async fn query(State(app): State<Arc<App>>, request: Request) -> Result<Response, InfluxError> {
    let failed = |fault: HttpError| InfluxError::new(Version::V1, fault);
    let (parts, body) = request.into_parts();
    let mut parameters = url_parameters(&parts);
    let Sender { principal, secret } = sender(&app, &parts, &parameters).map_err(failed)?;
    principal.require(Scope::write(Resource::Value)).map_err(|error| failed(error.into()))?;
    let form =
        payload::read_for_secret(&parts.headers, body, STATEMENT_LIMITS, &secret).await.map_err(failed)?;
    parameters.add(&form);
    let statement = parameters.statement.unwrap_or_default();
    let mut words = statement.split_whitespace().map(str::to_ascii_uppercase);
    if (words.next().as_deref(), words.next().as_deref()) != (Some("CREATE"), Some("DATABASE")) {
        let message = "only CREATE DATABASE is answered here; query by SQL at /sql";
        return Err(failed(Error::field("q", message).into()));
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json), (VERSION, VERSION_VALUE)], NO_RESULT).into_response())
}

fn url_parameters(parts: &Parts) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.add(parts.uri.query().unwrap_or_default().as_bytes());
    parameters
}

fn sender(app: &App, parts: &Parts, parameters: &Parameters) -> Result<Sender, HttpError> {
    let sender = sender::authenticate(app, parts, parameters.password.as_deref())?;
    parameters.check_org(&*app.access.own_org(&sender.principal)?)?;
    Ok(sender)
}

/// The error that tells of refused lines.
fn refusal(outcome: &LineOutcome, is_atomic: bool) -> Option<Error> {
    let LineOutcome { written, refused } = outcome;
    let head = match is_atomic {
        true => "nothing was written".to_owned(),
        false => format!("partial write (values written: {written}, lines refused: {})", refused.count),
    };
    sender::describe_refused(&head, "line", refused).map(Error::invalid)
}

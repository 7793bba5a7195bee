//! `/sql/queries`: lists named queries, and runs one with the result formats of `/sql`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::{HttpError, PlainError};
use super::payload;
use super::result_delivery::ResultDelivery;
use super::result_encoder::{self, ResultFormat};
use crate::app::App;
use crate::domain::Error;
use crate::domain::named_query::{NamedQuery, Param};

/// Returns the routes of the list and of each query by name: GET with parameters in the URL, POST with them in the body.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/sql/queries", get(list_named_queries))
        .route("/sql/queries/{name}", get(get_named_query).post(post_named_query))
}

#[derive(Serialize)]
struct NamedQueryView {
    name: String,
    description: String,
    params: Vec<ParamView>,
    /// The statement, so that a client can start from it.
    query: String,
}

#[derive(Serialize)]
struct ParamView {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    /// Null when there is no default, or when null is the default.
    default: Value,
}

impl From<&NamedQuery> for NamedQueryView {
    fn from(query: &NamedQuery) -> Self {
        NamedQueryView {
            name: query.name.clone(),
            description: query.description.clone(),
            params: query.params.iter().map(ParamView::from).collect(),
            query: query.text.clone(),
        }
    }
}

impl From<&Param> for ParamView {
    fn from(param: &Param) -> Self {
        ParamView {
            name: param.name.clone(),
            kind: param.kind.name(),
            required: param.is_required(),
            default: param.default.clone().unwrap_or_default(),
        }
    }
}

/// JSON body of a POST; without one, the defaults apply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedBody {
    #[serde(default)]
    params: Map<String, Value>,
}

async fn list_named_queries(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
) -> Json<Vec<NamedQueryView>> {
    Json(app.statements.named_queries(&principal).map(NamedQueryView::from).collect())
}

/// Parameters come as text; the last of repeated ones counts. `format` and `download` are those of `/sql`, and no
/// parameters of the query.
async fn get_named_query(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(given): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, PlainError> {
    let mut params: Map<String, Value> =
        given.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let (format, download) = (params.remove("format"), params.remove("download"));
    let text = |value: &'_ Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let delivery = ResultDelivery::read(&headers, text(&format).as_deref(), text(&download).as_deref())?;
    let answer = app.statements.run_named_query(&principal, &name, &params).await?;
    Ok(delivery.apply(result_encoder::respond(delivery.format, answer).await?))
}

async fn post_named_query(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, PlainError> {
    let (parts, body) = request.into_parts();
    let format = ResultFormat::negotiate(&parts.headers)?;
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        let message =
            "parameters of a POST are in its body, as {\"params\": {…}}; those of a GET are in its URL";
        return Err(Error::invalid(message).into());
    }
    let params = read_body(&parts.headers, body, app.settings().body_bytes).await?;
    let answer = app.statements.run_named_query(&principal, &name, &params).await?;
    Ok(result_encoder::respond(format, answer).await?)
}

async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Map<String, Value>, HttpError> {
    let bytes = payload::read(headers, body, limit).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        // `curl -d` sends the form type for any body.
        "application/json" | "" | "application/x-www-form-urlencoded" => {
            // Parsed as an object first: serde would also read the struct from a list.
            let object = serde_json::from_slice(&bytes).map(Value::Object);
            let body = object.and_then(serde_json::from_value::<NamedBody>);
            let body =
                body.map_err(|e| Error::invalid(format!("the body is not {{\"params\": {{…}}}}: {e}")))?;
            Ok(body.params)
        }
        other => Err(HttpError::UnsupportedMediaType(other.to_owned())),
    }
}

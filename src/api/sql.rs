//! `GET|POST /sql`: runs one read-only statement; the result is JSON, NDJSON, CSV, Arrow or Parquet. A GET may be a
//! download by link.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;

use super::caller::Caller;
use super::error::{HttpError, PlainError};
use super::payload;
use super::result_delivery::ResultDelivery;
use super::result_encoder::{self, ResultFormat};
use super::sql_params::SqlParams;
use crate::app::App;
use crate::app::sql::SqlRequest;
use crate::domain::Error;

/// Returns the route of `/sql`, which ingest nodes and query nodes serve.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/sql", get(get_sql).post(post_sql))
}

/// `?q=SELECT …`, with `params` as JSON text beside it, and for links `format` and `download`, the name of a file.
#[derive(Deserialize)]
struct SqlQuery {
    q: Option<String>,
    params: Option<String>,
    format: Option<String>,
    download: Option<String>,
}

/// The JSON body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlBody {
    query: String,
    #[serde(default)]
    params: SqlParams,
}

async fn get_sql(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(asked): Query<SqlQuery>,
) -> Result<Response, PlainError> {
    let delivery = ResultDelivery::read(&headers, asked.format.as_deref(), asked.download.as_deref())?;
    let query = asked.q.ok_or_else(|| Error::field("q", "is missing"))?;
    let params = asked.params.map_or(Ok(SqlParams::default()), |text| serde_json::from_str(&text));
    let SqlParams(params) = params.map_err(|e| Error::field("params", format!("is not JSON: {e}")))?;
    let answer = app.statements.sql(&principal, SqlRequest { query, params }).await?;
    Ok(delivery.apply(result_encoder::respond(delivery.format, answer).await?))
}

async fn post_sql(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, PlainError> {
    let (parts, body) = request.into_parts();
    let format = ResultFormat::negotiate(&parts.headers)?;
    let bytes = payload::read(&parts.headers, body, app.settings().body_bytes).await?;
    let request = parse_request(&parts.headers, &bytes)?;
    let answer = app.statements.sql(&principal, request).await?;
    Ok(result_encoder::respond(format, answer).await?)
}

/// Parses a body by its media type: JSON, or plain text (the default).
fn parse_request(headers: &HeaderMap, bytes: &[u8]) -> Result<SqlRequest, HttpError> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("text/plain");
    match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => {
            let body: SqlBody = serde_json::from_slice(bytes)
                .map_err(|e| Error::invalid(format!("the body is not {{\"query\", \"params\"}}: {e}")))?;
            Ok(SqlRequest { query: body.query, params: body.params.0 })
        }
        // `curl -d` sends the form type for any body.
        "text/plain" | "application/sql" | "application/x-www-form-urlencoded" => {
            let text = std::str::from_utf8(bytes).map_err(|_| Error::field("query", "is not UTF-8"))?;
            Ok(SqlRequest { query: text.to_owned(), params: Value::Null })
        }
        other => Err(HttpError::UnsupportedMediaType(other.to_owned())),
    }
}

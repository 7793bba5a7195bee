//! `/objects/{org}/exports/{id}.zip`: fetches the file of an export by a signed link. No other credential is asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use axum::routing::get;
use uuid::Uuid;

use super::object::SignedParameters;
use super::problem::MkError;
use crate::api::byte_range;
use crate::app::App;
use crate::domain::Error;

/// The route, which is outside of the platform's paths: a signature is checked instead of a caller.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/objects/{org}/exports/{file}", get(download))
}

/// `GET /objects/{org}/exports/{id}.zip`: the file, or a part of it.
async fn download(
    State(app): State<Arc<App>>,
    path: Result<Path<(Uuid, String)>, PathRejection>,
    address: Uri,
    request: HeaderMap,
) -> Result<Response, MkError> {
    // What is no export's path has no signature of ours.
    let unsigned = || MkError::from(Error::forbidden("the address is not signed"));
    let name = path.ok().and_then(|Path((_, file))| file.strip_suffix(".zip").map(str::to_owned));
    let id = name.and_then(|name| Uuid::try_parse(&name).ok());
    let id = id.ok_or_else(unsigned)?;
    let signed = SignedParameters::of(&address).ok_or_else(unsigned)?;
    let file = app.exports.open_export(address.path(), signed.query(), id).await?;
    let tag = file.export.to_string();
    let mut response = byte_range::respond(file.content, file.size_bytes, &tag, &request).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{tag}.zip\""));
    headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    Ok(response)
}

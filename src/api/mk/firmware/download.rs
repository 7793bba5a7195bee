//! `/api/v1/firmware/download`: a device fetches a firmware with a token, and no other credential.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::api::byte_range;
use crate::api::connection_limit::ConnectionState;
use crate::api::mk::Answer;
use crate::api::mk::endpoint::Endpoint;
use crate::api::mk::problem::MkError;
use crate::api::mk::query::Query;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema;
use crate::app::App;
use crate::app::mk::firmware::DOWNLOAD_PATH;
use crate::domain::{Error, Kind};

const OCTETS: &str = "application/octet-stream";
const PROBLEM: &str = "application/problem+json";

/// The operation.
pub fn endpoint() -> Endpoint {
    let problem = || schema::reference("Problem");
    let doc = Doc::new("downloadFirmware", "Fetch the file of a firmware")
        .about(
            "The token is the only credential. The entity tag is the SHA-256 of the file, so `If-Range` with it \
             continues an interrupted download; of several ranges the whole file is sent.",
        )
        .query("token", schema::string(), "Token of the download, which is its only credential.")
        .header("Range", schema::string(), "Part of the file, such as `bytes=1024-`.")
        .header("If-Range", schema::string(), "Entity tag of the file that the part is of.")
        .header("If-None-Match", schema::string(), "Entity tag of the file that the device has already.")
        .header("If-Match", schema::string(), "Entity tag of the only file that the device wants.")
        .answers_as(OCTETS, 200, "Bytes of the firmware.", schema::file())
        .answers_as(OCTETS, 206, "The part of the file.", schema::file())
        .with_header("Content-Range", schema::string(), "First and last byte, and the size of the file.")
        .answers_empty(304, "The device has the file already.")
        .answers_as(PROBLEM, 401, "The token is not valid.", problem())
        .answers_as(PROBLEM, 404, "The firmware was deleted.", problem())
        .answers_as(PROBLEM, 410, "The token has expired.", problem())
        .answers_as(PROBLEM, 412, "The file is none of those that `If-Match` names.", problem())
        .answers_as(PROBLEM, 416, "The range begins after the end of the file.", problem());
    Endpoint::get(DOWNLOAD_PATH, download, doc).public().represented_as(&[OCTETS])
}

/// `GET /api/v1/firmware/download`
async fn download(
    State(app): State<Arc<App>>,
    connection: Option<Extension<Arc<ConnectionState>>>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let opened = app.mk.firmware.open_firmware(query.text("token").unwrap_or_default()).await;
    let (document, content) = opened.map_err(|error| match error.kind {
        Kind::Unauthenticated => MkError::from(error).with_detail("Invalid download token"),
        _ => error.into(),
    })?;
    // The token is a credential: the connection is no stranger's.
    if let Some(Extension(connection)) = connection {
        connection.set_authenticated();
    }
    let firmware = document.firmware().ok_or_else(Error::not_found)?;
    let (size, tag) = (firmware.size_bytes, &firmware.sha256);
    let mut response = byte_range::respond(content, size, tag, &headers).await?;
    let name = format!("{}-{}", firmware.description.name, firmware.description.version);
    let disposition = format!("attachment; filename=\"{}.bin\"", plain(&name));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(OCTETS));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(HeaderValue::try_from(disposition).ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    Ok(response)
}

/// A name with plain characters alone.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

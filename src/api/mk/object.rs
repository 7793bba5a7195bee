//! `/objects/{org}/{id}`: sends and fetches uploaded objects by signed addresses. No other credential is asked for.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use url::form_urlencoded;
use uuid::Uuid;

use super::problem::MkError;
use crate::api::byte_range;
use crate::api::error::HttpError;
use crate::api::payload::BODY_IDLE_TIMEOUT;
use crate::app::App;
use crate::app::mk::objects::SignedAddress;
use crate::auth::signed_path::SignedQuery;
use crate::domain::{Error, Kind, Result};

/// The routes, which are outside of the platform's paths: a signature is checked instead of a caller.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/objects/{org}/{id}", put(upload).get(download))
}

/// Path and signature of a request.
struct ObjectPath {
    id: Uuid,
    path: String,
    signed: SignedParameters,
}

/// The parameters of a signature, as they were received.
pub struct SignedParameters {
    date: String,
    expires: String,
    signature: String,
}

impl SignedParameters {
    /// Reads them from an address; `None` when one is missing.
    pub fn of(address: &Uri) -> Option<Self> {
        let query = address.query().unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        Some(Self {
            date: value("X-Amz-Date")?,
            expires: value("X-Amz-Expires")?,
            signature: value("X-Amz-Signature")?,
        })
    }

    /// For the check of the signature.
    pub fn query(&self) -> SignedQuery<'_> {
        SignedQuery { date: &self.date, expires: &self.expires, signature: &self.signature }
    }
}

impl FromRequestParts<Arc<App>> for ObjectPath {
    type Rejection = MkError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, MkError> {
        // What is no object's path has no signature of ours.
        let unsigned = || MkError::from(Error::forbidden("the address is not signed"));
        let read = Path::<(Uuid, Uuid)>::from_request_parts(parts, app).await;
        let Path((_, id)) = read.map_err(|_| unsigned())?;
        let signed = SignedParameters::of(&parts.uri).ok_or_else(unsigned)?;
        Ok(ObjectPath { id, path: parts.uri.path().to_owned(), signed })
    }
}

impl ObjectPath {
    fn address(&self, method: &'static str) -> SignedAddress<'_> {
        SignedAddress { method, path: &self.path, query: self.signed.query() }
    }
}

/// `PUT /objects/{org}/{id}`: stores the bytes of the body. They are written as they arrive.
async fn upload(
    State(app): State<Arc<App>>,
    path: ObjectPath,
    request: Request,
) -> Result<Response, MkError> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        let encoding = request.headers().get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
        let named = String::from_utf8_lossy(encoding.unwrap_or_default()).into_owned();
        return Err(HttpError::UnsupportedMediaType(named).into());
    }
    let stored =
        app.mk.objects.store_object(path.address("PUT"), path.id, pieces(request.into_body())).await?;
    let tag =
        stored.spec.sha256.as_deref().and_then(|hash| HeaderValue::try_from(format!("\"{hash}\"")).ok());
    let mut response = ().into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// The pieces of a body; one that does not come in time is an error.
pub(super) fn pieces(body: Body) -> impl Stream<Item = Result<Bytes>> + Send {
    let chunks = body.into_data_stream();
    futures::stream::unfold(Some(chunks), async |chunks: Option<BodyDataStream>| {
        let mut chunks = chunks?;
        match tokio::time::timeout(BODY_IDLE_TIMEOUT, chunks.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(chunks))),
            Ok(Some(Err(e))) => {
                Some((Err(Error::invalid("the request body was cut short").with_source(e)), None))
            }
            Err(_) => Some((Err(Error::new(Kind::Timeout, "the request body did not arrive in time")), None)),
        }
    })
}

/// `GET /objects/{org}/{id}`: the bytes, as they were sent, or a part of them.
async fn download(
    State(app): State<Arc<App>>,
    path: ObjectPath,
    request: HeaderMap,
) -> Result<Response, MkError> {
    let (object, content) = app.mk.objects.open_object(path.address("GET"), path.id).await?;
    let tag = object.spec.sha256.as_deref().unwrap_or_default();
    let mut response = byte_range::respond(content, object.spec.size_bytes, tag, &request).await?;
    let media = HeaderValue::try_from(&object.spec.content_type);
    let name = object.spec.file_name.replace(['"', '\\'], "_");
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let headers = response.headers_mut();
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, media.unwrap_or(octets));
    // A browser runs nothing of what was uploaded.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    Ok(response)
}

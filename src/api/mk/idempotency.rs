//! `Idempotency-Key`: a POST that is repeated with its key has its first response again.

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Answer;
use super::body;
use super::caller::MkCaller;
use super::problem::MkError;
use crate::api::bearer;
use crate::api::error::HttpError;
use crate::app::App;
use crate::app::mk::idempotency::IdempotencyOutcome;
use crate::auth::sealed_text;
use crate::domain::{Error, Kind};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Responses up to this length are kept. Longer ones are of reads, such as of many readings at once, and are given once.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// A response as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredResponse {
    status: u16,
    location: Option<String>,
    content_type: Option<String>,
    body: String,
    /// Whether `body` is sealed for the caller's credential.
    #[serde(default)]
    is_sealed: bool,
}

/// The key of a request.
pub struct IdempotencyKey {
    text: String,
    /// Method and path: a key is one of its route.
    route: String,
    /// The caller's credential, with which the answer is sealed because it contains a secret.
    seal: Option<String>,
}

/// Returns the key of a request, whose answer may contain a secret.
///
/// # Errors
/// 400 for a key that is not visible ASCII.
pub fn key_of(request: &Request, has_secret: bool) -> Result<Option<IdempotencyKey>, MkError> {
    let headers = request.headers();
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().map_err(|_| MkError::invalid_parameter("Idempotency-Key"))?;
    let seal = bearer::token(headers).filter(|_| has_secret).map(str::to_owned);
    let route = format!("{} {}", request.method(), request.uri().path());
    Ok(Some(IdempotencyKey { text: text.to_owned(), route, seal }))
}

/// Serves a request of a key once. Only successes are kept, up to a length: after any other answer the key is free again.
pub async fn serve(
    app: &App,
    caller: &MkCaller,
    key: IdempotencyKey,
    request: Request,
    next: Next,
) -> Answer {
    let (mut parts, content) = request.into_parts();
    let bytes = body::read_all(app, &parts.headers, content).await?;
    // What is passed on is decoded.
    parts.headers.remove(CONTENT_ENCODING);
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let work = next.run(Request::from_parts(parts, Body::from(bytes.clone())));
    run(app, caller, key, &bytes, work).await
}

/// Does the work of a request once. `content` is what a repeat has to have again.
///
/// # Errors
/// 422 for other content under the same key; those of the key.
pub async fn run(
    app: &App,
    caller: &MkCaller,
    key: IdempotencyKey,
    content: &[u8],
    work: impl Future<Output = Response>,
) -> Answer {
    let claim = match app
        .mk
        .idempotency
        .claim_idempotency_key(&caller.principal, &key.route, &key.text, content)
        .await
    {
        Ok(IdempotencyOutcome::First(claim)) => claim,
        Ok(IdempotencyOutcome::Replay(answer)) => return replay(&answer, &key),
        Err(error) if error.kind == Kind::Conflict => {
            return Err(HttpError::IdempotencyKeyReused(error).into());
        }
        Err(error) => return Err(error.into()),
    };
    let response = work.await;
    let is_long = response.body().size_hint().lower() > MAX_KEPT_BYTES as u64;
    if is_long || !response.status().is_success() {
        return Ok(response);
    }
    let (parts, content) = response.into_parts();
    let read = to_bytes(content, MAX_KEPT_BYTES).await;
    let bytes = read.map_err(|e| Error::internal("a response is too long to be kept").with_source(e))?;
    let kept = StoredResponse::new(parts.status.as_u16(), &parts.headers, &bytes)?.seal_for(&key)?;
    let kept =
        serde_json::to_vec(&kept).map_err(|e| Error::internal("an answer is no JSON").with_source(e))?;
    app.mk.idempotency.store_response(&caller.principal, claim, kept).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

impl StoredResponse {
    fn new(status: u16, headers: &HeaderMap, body: &Bytes) -> Result<Self, Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = String::from_utf8(body.to_vec());
        let body = body.map_err(|e| Error::internal("a response to a POST is no text").with_source(e))?;
        Ok(Self {
            status,
            location: text(LOCATION),
            content_type: text(CONTENT_TYPE),
            body,
            is_sealed: false,
        })
    }

    fn seal_for(self, key: &IdempotencyKey) -> Result<Self, Error> {
        let Some(secret) = &key.seal else { return Ok(self) };
        Ok(Self { body: sealed_text::seal(secret, &key.text, &self.body)?, is_sealed: true, ..self })
    }

    fn open_with(self, key: &IdempotencyKey) -> Result<Self, Error> {
        if !self.is_sealed {
            return Ok(self);
        }
        let body = key.seal.as_ref().and_then(|secret| sealed_text::open(secret, &key.text, &self.body));
        let closed = || {
            Error::conflict(
                "the first response contains a secret: only the credential of the first request reads it again",
            )
        };
        Ok(Self { body: body.ok_or_else(closed)?, is_sealed: false, ..self })
    }
}

fn replay(answer: &[u8], key: &IdempotencyKey) -> Answer {
    let unreadable = |e| Error::internal("a kept answer cannot be read").with_source(e);
    let kept: StoredResponse = serde_json::from_slice(answer).map_err(unreadable)?;
    let kept = kept.open_with(key)?;
    let mut response = kept.body.into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in [(LOCATION, kept.location), (CONTENT_TYPE, kept.content_type)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    // Only successes are kept, and these are all that handlers have.
    *response.status_mut() = match kept.status {
        201 => StatusCode::CREATED,
        202 => StatusCode::ACCEPTED,
        204 => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    };
    Ok(response)
}

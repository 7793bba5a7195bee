//! HTTP client for polled devices: one request to an address allowed by the egress policy, with a bounded response.

use std::error::Error as _;
use std::sync::Arc;

use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::root_cause::root_cause;
use super::{Fetcher, pinned_client, redirect, response_body};
use crate::domain::Kind;
use crate::domain::http_request::{HttpError, HttpMethod, HttpRequest, HttpResponse};
use crate::domain::ports::{BoxFuture, HttpClient};

impl HttpClient for Fetcher {
    /// Takes none of the permits of `fetch`, so a slow device delays no other request.
    fn send<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let answer = timeout(request.timeout, self.send_following_redirects(request)).await;
            answer.unwrap_or(Err(HttpError::Timeout))
        })
    }
}

impl Fetcher {
    async fn send_following_redirects(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let first = Url::parse(&request.url)
            .map_err(|e| HttpError::Unreachable(format!("the URL is not valid: {e}")))?;
        let (mut url, mut method) = (first.clone(), request.method);
        for _ in 0..=self.limits.redirects {
            let builder = self.request_builder(&url, method).await?;
            let builder =
                if url.origin() == first.origin() { with_credentials(builder, request) } else { builder };
            let answer = builder.send().await.map_err(|e| classify_error(&e))?;
            let next = redirect(&answer, &url);
            let next =
                next.map_err(|_| HttpError::Malformed("the redirect target is not a URL".to_owned()))?;
            let Some(next) = next else { return read(answer, request.max_bytes).await };
            // As in browsers, only 307 and 308 keep the request method.
            let is_kept =
                matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            method = if is_kept { method } else { HttpMethod::Get };
            url = next;
        }
        Err(HttpError::Malformed("too many redirects".to_owned()))
    }

    /// Builds a request that can only connect to allowed addresses. The client is not reused, so no connection or
    /// cookie is kept.
    pub(super) async fn request_builder(
        &self,
        url: &Url,
        method: HttpMethod,
    ) -> Result<RequestBuilder, HttpError> {
        let addresses = self.resolve_allowed(url).await.map_err(|error| match error.kind {
            Kind::Invalid => HttpError::NotAllowed,
            _ => HttpError::Unreachable(root_cause(&error)),
        })?;
        let client = pinned_client(Arc::new(addresses), url.scheme() == "https");
        let client = client.map_err(|e| HttpError::Unreachable(root_cause(&e)))?;
        Ok(match method {
            HttpMethod::Get => client.get(url.clone()),
            HttpMethod::Post => client.post(url.clone()),
        })
    }
}

/// Adds login and headers, which are for the configured server only, not for redirect targets.
fn with_credentials(mut builder: RequestBuilder, request: &HttpRequest) -> RequestBuilder {
    if let Some((name, password)) = &request.login {
        builder = builder.basic_auth(name, Some(password));
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    builder
}

async fn read(mut answer: Response, most: usize) -> Result<HttpResponse, HttpError> {
    let status = answer.status();
    let body = if status.is_success() { response_body::read(&mut answer, most).await? } else { Vec::new() };
    Ok(HttpResponse { status: status.as_u16(), body })
}

/// Maps a failed request: not connected, interrupted, or not HTTP.
pub(super) fn classify_error(error: &reqwest::Error) -> HttpError {
    let why = root_cause(error);
    if error.is_connect() {
        return HttpError::Unreachable(why);
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some() {
            return HttpError::Interrupted(why);
        }
        cause = inner.source();
    }
    HttpError::Malformed(why)
}

#[cfg(test)]
#[path = "http_client_tests.rs"]
mod tests;

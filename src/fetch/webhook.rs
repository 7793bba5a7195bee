//! POSTs to user-supplied URLs, within the egress policy and a time limit. The response is its status and when to come again; its
//! body is not read.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::http_client::classify_error;
use super::{Fetcher, redirect};
use crate::domain::Micros;
use crate::domain::http_request::{HttpError, HttpMethod};
use crate::domain::notification::RetryAfter;

/// A JSON document for a server.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// Absolute `http` or `https` URL; its path and query may hold secrets.
    pub url: String,
    /// JSON text.
    pub body: String,
    /// Names and values, besides the media type.
    pub headers: Vec<(&'static str, String)>,
    /// Covers everything from the name look-up to the head of the response.
    pub timeout: Duration,
}

/// A server's response to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookResponse {
    pub status: u16,
    pub retry_after: Option<RetryAfter>,
}

impl WebhookResponse {
    fn of(answer: &Response) -> Self {
        let text = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Self { status: answer.status().as_u16(), retry_after: text.and_then(parse_retry_after) }
    }
}

/// Reads a number of seconds or a date.
fn parse_retry_after(text: &str) -> Option<RetryAfter> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(RetryAfter::Seconds);
    }
    let since_1970 = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(RetryAfter::At(Micros(i64::try_from(since_1970.as_micros()).ok()?)))
}

impl Fetcher {
    /// Posts a document and returns the response. Takes none of the permits of `fetch`.
    ///
    /// Only redirects that keep method and body (307, 308) are followed, each within the egress policy; the status of any
    /// other is returned.
    ///
    /// # Errors
    /// The reason why there is no response.
    pub async fn post(&self, request: &WebhookRequest) -> Result<WebhookResponse, HttpError> {
        let answer = timeout(request.timeout, self.post_following_redirects(request)).await;
        answer.unwrap_or(Err(HttpError::Timeout))
    }

    async fn post_following_redirects(&self, request: &WebhookRequest) -> Result<WebhookResponse, HttpError> {
        let malformed = |text: &str| HttpError::Malformed(text.to_owned());
        let mut url = Url::parse(&request.url).map_err(|_| HttpError::NotAllowed)?;
        for _ in 0..=self.limits.redirects {
            let mut builder = self.request_builder(&url, HttpMethod::Post).await?;
            builder = builder.header("content-type", "application/json").body(request.body.clone());
            for (name, value) in &request.headers {
                builder = builder.header(*name, value);
            }
            let answer = builder.send().await.map_err(|e| classify_error(&e))?;
            let keeps_the_body =
                matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            if !keeps_the_body {
                return Ok(WebhookResponse::of(&answer));
            }
            match redirect(&answer, &url).map_err(|_| malformed("the redirect target is not a URL"))? {
                Some(next) => url = next,
                None => return Ok(WebhookResponse::of(&answer)),
            }
        }
        Err(malformed("too many redirects"))
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;

//! POSTs to user-supplied URLs, within the egress policy and a time limit. The response is its status; its body is not
//! read.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::timeout;
use url::Url;

use super::http_client::classify_error;
use super::{Fetcher, redirect};
use crate::domain::http_request::{HttpError, HttpMethod};

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

impl Fetcher {
    /// Posts a document and returns the status of the response. Takes none of the permits of `fetch`.
    ///
    /// Only redirects that keep method and body (307, 308) are followed, each within the egress policy; the status of any
    /// other is returned.
    ///
    /// # Errors
    /// The reason why there is no response.
    pub async fn post(&self, request: &WebhookRequest) -> Result<u16, HttpError> {
        let answer = timeout(request.timeout, self.post_following_redirects(request)).await;
        answer.unwrap_or(Err(HttpError::Timeout))
    }

    async fn post_following_redirects(&self, request: &WebhookRequest) -> Result<u16, HttpError> {
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
                return Ok(answer.status().as_u16());
            }
            match redirect(&answer, &url).map_err(|_| malformed("the redirect target is not a URL"))? {
                Some(next) => url = next,
                None => return Ok(answer.status().as_u16()),
            }
        }
        Err(malformed("too many redirects"))
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;

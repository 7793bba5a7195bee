//! Devices that are asked over HTTP: one question, at an address that was checked, its answer read up to a limit.

use std::error::Error as _;
use std::sync::Arc;

use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::time::timeout;
use url::Url;

use super::{Fetcher, client, redirect};
use crate::domain::Kind;
use crate::domain::ports::{BoxFuture, Web};
use crate::domain::web::{Method, WebAnswer, WebFault, WebRequest};

impl Web for Fetcher {
    /// Holds none of the few places of `find`: a device that answers slowly delays nobody else.
    fn ask<'a>(&'a self, request: &'a WebRequest) -> BoxFuture<'a, Result<WebAnswer, WebFault>> {
        Box::pin(async move {
            let answer = timeout(request.timeout, self.ask_and_follow(request)).await;
            answer.unwrap_or(Err(WebFault::Timeout))
        })
    }
}

impl Fetcher {
    async fn ask_and_follow(&self, request: &WebRequest) -> Result<WebAnswer, WebFault> {
        let first = Url::parse(&request.url)
            .map_err(|e| WebFault::Unreachable(format!("the URL is not valid: {e}")))?;
        let (mut url, mut method) = (first.clone(), request.method);
        for _ in 0..=self.limits.redirects {
            let question = self.question(&url, method).await?;
            let question =
                if url.origin() == first.origin() { with_secrets(question, request) } else { question };
            let answer = question.send().await.map_err(|e| unanswered(&e))?;
            let next = redirect(&answer, &url);
            let next = next.map_err(|_| WebFault::Malformed("it sends on to no URL".to_owned()))?;
            let Some(next) = next else { return read(answer, request.max_bytes).await };
            // As browsers do: only these two are asked in the same way again.
            let is_kept =
                matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            method = if is_kept { method } else { Method::Get };
            url = next;
        }
        Err(WebFault::Malformed("it sends on more often than is followed".to_owned()))
    }

    /// A question to addresses that were checked. Its client knows only those, and nothing is kept of it.
    async fn question(&self, url: &Url, method: Method) -> Result<RequestBuilder, WebFault> {
        let addresses = self.addresses(url).await.map_err(|error| match error.kind {
            Kind::Invalid => WebFault::NotAllowed,
            _ => WebFault::Unreachable(deepest(&error)),
        })?;
        let client = client(Arc::new(addresses), url.scheme() == "https");
        let client = client.map_err(|e| WebFault::Unreachable(deepest(&e)))?;
        Ok(match method {
            Method::Get => client.get(url.clone()),
            Method::Post => client.post(url.clone()),
        })
    }
}

/// What is for the server that was named alone.
fn with_secrets(mut question: RequestBuilder, request: &WebRequest) -> RequestBuilder {
    if let Some((name, password)) = &request.login {
        question = question.basic_auth(name, Some(password));
    }
    for (name, value) in &request.headers {
        question = question.header(name, value);
    }
    question
}

async fn read(mut answer: Response, most: usize) -> Result<WebAnswer, WebFault> {
    let status = answer.status();
    let mut body = Vec::new();
    if !status.is_success() {
        return Ok(WebAnswer { status: status.as_u16(), body });
    }
    while let Some(chunk) = answer.chunk().await.map_err(|e| WebFault::Cut(deepest(&e)))? {
        if body.len() + chunk.len() > most {
            return Err(WebFault::Malformed(format!("it answers more than {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(WebAnswer { status: status.as_u16(), body })
}

/// Why there is no answer: nobody was reached, or what came is no HTTP.
fn unanswered(error: &reqwest::Error) -> WebFault {
    let why = deepest(error);
    if error.is_connect() {
        return WebFault::Unreachable(why);
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some() {
            return WebFault::Cut(why);
        }
        cause = inner.source();
    }
    WebFault::Malformed(why)
}

/// The first cause, without the URL.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(inner) = deepest.source() {
        deepest = inner;
    }
    let text = deepest.to_string();
    // The operating system's number says nothing more.
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;

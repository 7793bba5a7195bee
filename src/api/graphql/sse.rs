//! `POST /graphql/stream`: one operation, its answers as server-sent events; each request is a connection of its own.
//!
//! <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>, "distinct connections mode"

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;

use super::delivery::{self, Gone, Outlet, Text};
use super::http::Asked;
use super::memory::Held;
use super::operation::Asker;
use super::{Graph, errors, weight};
use crate::api::caller;
use crate::api::error::PlainError;
use crate::api::payload;
use crate::domain::Error;

/// Between two comments that keep a connection on which nothing happens; below what serve.rs lets pass without a byte.
const ALIVE: Duration = Duration::from_secs(15);

pub async fn stream(
    State(graph): State<Graph>,
    request: Request,
) -> Result<axum::response::Response, PlainError> {
    let (parts, body) = request.into_parts();
    let app = graph.app.clone();
    let standing = caller::standing(&app, &parts.method, &parts.headers, &parts.extensions)?;
    let bytes = payload::read(&parts.headers, body, app.settings().body_bytes).await?;
    let held = graph.open(&standing);
    held.take(weight::of_json(&bytes)).await?;
    let asked: Asked = serde_json::from_slice(&bytes).map_err(|e| {
        Error::invalid(format!("the body is not {{\"query\", \"variables\", \"operationName\"}}: {e}"))
    })?;
    let variables = held.used();
    let responses = Asker { graph, standing }.ask(asked.into(), &held);
    let (outlet, receiver) = delivery::outlet();
    let events = Events { responses, held, variables, outlet, ending: app.ending() };
    // It ends with the reader, with the server, or with the operation.
    tokio::spawn(events.send());
    let mut response = axum::response::Response::new(delivery::body(receiver, 0));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Each answer as an event, and one at the end; none when the server stops, so that clients come again.
struct Events {
    responses: BoxStream<'static, Response>,
    held: Arc<Held>,
    /// What the request holds between two answers, bytes.
    variables: usize,
    outlet: Outlet,
    ending: CancellationToken,
}

impl Events {
    async fn send(mut self) {
        let ending = self.ending.clone();
        let sending = async {
            while let Some(response) = self.next().await? {
                self.say(&response).await?;
            }
            let mut end = Text::default();
            end.add("event: complete\ndata: \n\n");
            self.outlet.send(end, &self.held).await
        };
        tokio::select! {
            biased;
            () = ending.cancelled() => {}
            // A reader that is gone has nobody to be told.
            _ = sending => {}
        }
    }

    /// The next answer; while there is none the connection is kept alive.
    async fn next(&mut self) -> Result<Option<Response>, Gone> {
        loop {
            let next = tokio::time::timeout(ALIVE, self.responses.next());
            let waited = tokio::select! {
                biased;
                () = self.outlet.left() => return Err(Gone),
                waited = next => waited,
            };
            if let Ok(next) = waited {
                return Ok(next);
            }
            let mut comment = Text::default();
            comment.add(":\n\n");
            self.outlet.send(comment, &self.held.hand_on(0)).await?;
        }
    }

    async fn say(&mut self, response: &Response) -> Result<(), Gone> {
        let written = Text::of(&self.held, response);
        let data = written.unwrap_or_else(|error| Text::short(&errors::refusal(&error)));
        let sent = self.held.hand_on(data.size());
        self.held.keep(self.variables);
        let mut event = Text::default();
        event.add("event: next\ndata: ");
        event.append(data);
        event.add("\n\n");
        self.outlet.send(event, &sent).await
    }
}

//! `POST /graphql/stream`: one operation, its answers as server-sent events; each request is a connection of its own.
//!
//! <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>, "distinct connections mode"

use std::convert::Infallible;
use std::time::Duration;

use async_graphql::Response;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;

use super::Graph;
use super::http::Asked;
use super::operation::Asker;
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
    let asked: Asked = serde_json::from_slice(&bytes).map_err(|e| {
        Error::invalid(format!("the body is not {{\"query\", \"variables\", \"operationName\"}}: {e}"))
    })?;
    let responses = Asker { graph, standing }.ask(asked.into());
    let events = Sse::new(events(responses, app.ending()));
    Ok(events.keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

/// Each answer as an event, and one at the end; none when the server stops, so that clients come again.
fn events(
    responses: BoxStream<'static, Response>,
    ending: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let next = |response: Response| {
        let data = serde_json::to_string(&response).expect("answers have only what JSON has");
        Ok(Event::default().event("next").data(data))
    };
    let complete = stream::once(async { Ok(Event::default().event("complete").data("")) });
    responses.map(next).chain(complete).take_until(ending.cancelled_owned())
}

//! `POST /graphql/stream`: one operation per connection, with its responses as server-sent events.
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

use super::chunked_response::{self, ChunkSender, JsonChunks, ReaderGone};
use super::memory_pool::RequestReservation;
use super::operation::OperationRunner;
use super::request::GraphqlRequest;
use super::{GraphqlService, errors, size_estimate};
use crate::api::caller;
use crate::api::error::PlainError;
use crate::api::payload;
use crate::domain::Error;

/// Interval of keep-alive comments on an idle connection; below the idle timeout in serve.rs.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Starts an operation and returns its event stream.
pub async fn stream(
    State(graph): State<GraphqlService>,
    request: Request,
) -> Result<axum::response::Response, PlainError> {
    let (parts, body) = request.into_parts();
    let app = graph.app.clone();
    let credential = caller::live_credential(&app, &parts.method, &parts.headers, &parts.extensions)?;
    let bytes = payload::read(&parts.headers, body, app.settings().body_bytes).await?;
    let reservation = graph.open_reservation(&credential);
    reservation.reserve(size_estimate::json_request_bytes(&bytes)).await?;
    let operation: GraphqlRequest = serde_json::from_slice(&bytes).map_err(|e| {
        Error::invalid(format!("the body is not {{\"query\", \"variables\", \"operationName\"}}: {e}"))
    })?;
    let variables = reservation.used();
    let responses = OperationRunner { graph, credential }.execute(operation.into(), &reservation);
    let (outlet, receiver) = chunked_response::chunk_channel();
    let events = SseResponses { responses, held: reservation, variables, outlet, ending: app.feeds.ending() };
    // The task ends when the client disconnects, the server stops, or the operation completes.
    tokio::spawn(events.send());
    let mut response = axum::response::Response::new(chunked_response::chunked_body(receiver, 0));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Sends each response as an event, then a final `complete` event. There is none when the server stops, so that clients
/// reconnect.
struct SseResponses {
    responses: BoxStream<'static, Response>,
    held: Arc<RequestReservation>,
    /// Memory of the request between two responses, bytes.
    variables: usize,
    outlet: ChunkSender,
    ending: CancellationToken,
}

impl SseResponses {
    async fn send(mut self) {
        let ending = self.ending.clone();
        let sending = async {
            while let Some(response) = self.next().await? {
                self.send_event(&response).await?;
            }
            let mut end = JsonChunks::default();
            end.add("event: complete\ndata: \n\n");
            self.outlet.send(end, &self.held).await
        };
        tokio::select! {
            biased;
            () = ending.cancelled() => {}
            // A disconnected client cannot be notified.
            _ = sending => {}
        }
    }

    /// Returns the next response; sends keep-alive comments while there is none.
    async fn next(&mut self) -> Result<Option<Response>, ReaderGone> {
        loop {
            let next = tokio::time::timeout(KEEPALIVE_INTERVAL, self.responses.next());
            let waited = tokio::select! {
                biased;
                () = self.outlet.closed() => return Err(ReaderGone),
                waited = next => waited,
            };
            if let Ok(next) = waited {
                return Ok(next);
            }
            let mut comment = JsonChunks::default();
            comment.add(":\n\n");
            self.outlet.send(comment, &self.held.split_off(0)).await?;
        }
    }

    async fn send_event(&mut self, response: &Response) -> Result<(), ReaderGone> {
        let written = JsonChunks::serialize(&self.held, response);
        let data =
            written.unwrap_or_else(|error| JsonChunks::serialize_unreserved(&errors::request_error(&error)));
        let sent = self.held.split_off(data.size());
        self.held.shrink_to(self.variables);
        let mut event = JsonChunks::default();
        event.add("event: next\ndata: ");
        event.append(data);
        event.add("\n\n");
        self.outlet.send(event, &sent).await
    }
}

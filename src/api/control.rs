//! Local command endpoint: commands that the owner of the data directory sends to a running server.
//!
//! The token is in a file only that owner can read; `app/` refuses every other caller, API keys included. A command has
//! no time limit: the response is NDJSON, with progress lines and the outcome last.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures::stream;
use tokio::time::{Interval, interval};
use tokio_util::task::AbortOnDropHandle;

use super::caller::Caller;
use super::error::PlainError;
use crate::app::App;
use crate::app::control::{Command, CommandMessage, CommandOutcome};
use crate::app::inventory;
use crate::domain::{Error, Progress, Result};

/// Path to which commands are posted.
pub const PATH: &str = "/local/command";

/// Interval of progress lines, which also keep the connection from looking idle.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum size of an inventory file in JSON, where escaping may turn one byte into six.
const MAX_COMMAND_BYTES: usize = 6 * inventory::MAX_BYTES;

/// Returns the route of the local command endpoint, with its own limit of body sizes.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, post(run_command)).layer(DefaultBodyLimit::max(MAX_COMMAND_BYTES))
}

async fn run_command(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, PlainError> {
    // Checked before the body is read: only the owner may send so much.
    app.access.require_owner(&principal)?;
    let command = Json::<Command>::from_request(request, &()).await;
    let Json(command) =
        command.map_err(|e| Error::invalid("the request body is not a valid command").with_source(e))?;
    let progress = Progress::default();
    let reporter = progress.clone();
    let work =
        tokio::spawn(async move { app.owner_commands.run_command(&principal, command, &reporter).await });
    let running = RunningCommand {
        work: AbortOnDropHandle::new(work),
        progress,
        progress_ticks: interval(PROGRESS_INTERVAL),
    };
    let lines = stream::unfold(Some(running), |running| async move {
        let mut running = running?;
        let (reply, is_last) = running.next_reply().await;
        let mut line = serde_json::to_vec(&reply).expect("numbers and texts always serialise");
        line.push(b'\n');
        Some((Ok::<_, Error>(Bytes::from(line)), (!is_last).then_some(running)))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// A running command; it is cancelled when the client disconnects.
struct RunningCommand {
    work: AbortOnDropHandle<Result<CommandOutcome>>,
    progress: Progress,
    progress_ticks: Interval,
}

impl RunningCommand {
    /// Returns the next line, and whether it is the last.
    async fn next_reply(&mut self) -> (CommandMessage, bool) {
        let outcome = tokio::select! {
            biased;
            outcome = &mut self.work => outcome,
            _ = self.progress_ticks.tick() => return (CommandMessage::Progress(self.progress.snapshot()), false),
        };
        let outcome =
            outcome.unwrap_or_else(|e| Err(Error::internal("the command ended early").with_source(e)));
        let reply = match outcome {
            Ok(outcome) => CommandMessage::Done(outcome),
            Err(error) => {
                let text = error.full_message();
                if error.kind.is_our_fault() {
                    // Logged here: the response has begun, so the layer that logs failures does not see this one.
                    tracing::error!(error = text, "command failed");
                }
                CommandMessage::Failed { kind: error.kind, message: text }
            }
        };
        (reply, true)
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

//! The local door: commands of the data directory's owner beside a running server.
//!
//! The token is in a file only that owner can read; `app/` refuses every other caller, API keys included. A command may
//! take as long as it takes: the answer is one JSON object a line, progress as it goes and the outcome last.

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
use crate::app::control::{Command, Outcome, Said};
use crate::app::inventory;
use crate::domain::{Error, Progress, Result};

/// Where commands are posted.
pub const PATH: &str = "/local/command";

/// How often progress is told; also what keeps the connection from looking idle.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A file of devices as JSON carries it, where a byte may become six.
const MAX_BYTES: usize = 6 * inventory::MAX_BYTES;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, post(run)).layer(DefaultBodyLimit::max(MAX_BYTES))
}

async fn run(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, PlainError> {
    // Before the body: only the owner may send so much.
    app.require_owner(&principal)?;
    let command = Json::<Command>::from_request(request, &()).await;
    let Json(command) = command.map_err(|e| Error::invalid("this is no command").because(e))?;
    let progress = Progress::default();
    let told = progress.clone();
    let work = tokio::spawn(async move { app.run_command(&principal, command, &told).await });
    let running = Running { work: AbortOnDropHandle::new(work), progress, tell: interval(TELL_EVERY) };
    let lines = stream::unfold(Some(running), |running| async move {
        let mut running = running?;
        let (said, is_last) = running.next().await;
        let mut line = serde_json::to_vec(&said).expect("numbers and texts always serialise");
        line.push(b'\n');
        Some((Ok::<_, Error>(Bytes::from(line)), (!is_last).then_some(running)))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// A command under way. Whoever asked and left ends it.
struct Running {
    work: AbortOnDropHandle<Result<Outcome>>,
    progress: Progress,
    tell: Interval,
}

impl Running {
    /// What there is to say next, and whether it is the last.
    async fn next(&mut self) -> (Said, bool) {
        let outcome = tokio::select! {
            biased;
            outcome = &mut self.work => outcome,
            _ = self.tell.tick() => return (Said::Progress(self.progress.now()), false),
        };
        let outcome = outcome.unwrap_or_else(|e| Err(Error::internal("the command ended early").because(e)));
        let said = match outcome {
            Ok(outcome) => Said::Done(outcome),
            Err(error) => {
                let text = error.in_full();
                if error.kind.is_our_fault() {
                    // The response has begun: the layer that logs failures no longer sees this one.
                    tracing::error!(error = text, "command failed");
                }
                Said::Failed { kind: error.kind, message: text }
            }
        };
        (said, true)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

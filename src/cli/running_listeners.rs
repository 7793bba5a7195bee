//! The listeners of a server while they accept connections.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::logging;
use crate::app::App;
use crate::domain::{Error, Result};

/// How long running requests may take to finish once the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The tasks of all listeners.
#[derive(Default)]
pub struct RunningListeners {
    tasks: Vec<JoinHandle<Result<()>>>,
    /// Log line of each, written once all of them answer.
    lines: Vec<String>,
}

impl RunningListeners {
    /// Adds a listener, which the log calls by its URL.
    pub fn spawn(&mut self, url: String, serving: impl Future<Output = Result<()>> + Send + 'static) {
        self.tasks.push(tokio::spawn(serving));
        self.lines.push(format!("listening on {url}"));
    }

    /// Logs the addresses, HTTP last: once it is logged, every listener answers.
    pub fn announce(&self) {
        for line in &self.lines {
            tracing::info!(target: logging::ALWAYS, "{line}");
        }
    }

    /// Runs until the stop signal, then waits for running requests up to `SHUTDOWN_TIMEOUT`.
    pub async fn run_until_stopped(self, app: &App, stop: CancellationToken) -> Result<()> {
        let aborts: Vec<_> = self.tasks.iter().map(JoinHandle::abort_handle).collect();
        let mut all = futures::future::try_join_all(self.tasks.into_iter().map(join_listener));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            // A listener ends by itself only on failure.
            ended = &mut all => return ended.map(drop),
        }
        tracing::info!("stopping");
        let ended = async { tokio::join!(app.feeds.end_connections(), &mut all) };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
            tracing::warn!("requests still running after {} s are cut off", SHUTDOWN_TIMEOUT.as_secs());
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        Ok(())
    }
}

async fn join_listener(part: JoinHandle<Result<()>>) -> Result<()> {
    part.await.map_err(|e| Error::unavailable("a listener ended early").with_source(e))?
}

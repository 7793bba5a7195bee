//! The worker: takes exports that wait, the oldest first, and writes some of them at a time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::RunningExport;
use super::write::JobProgress;
use crate::app::App;
use crate::domain::export::Export;
use crate::domain::{Error, Result};

/// Exports that are written at the same time, each of another organization: none holds up all others.
const MAX_RUNNING: usize = 2;
/// How long the worker waits for news before it looks by itself: an export whose end could not be stored waits again.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Counts an export as running until it is dropped.
struct RunningPermit {
    app: Arc<App>,
    uuid: Uuid,
}

impl Drop for RunningPermit {
    fn drop(&mut self) {
        self.app.exports.running.lock().remove(&self.uuid);
    }
}

impl App {
    /// Writes exports until `stop`. What is not finished then is written at the next start.
    pub async fn run_exports(self: Arc<App>, stop: CancellationToken) {
        let mut jobs = JoinSet::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.start_exports(&mut jobs).await {
                tracing::warn!(error = error.full_message(), "exports cannot be started; it is tried again");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.exports.created.notified() => {}
                Some(_) = jobs.join_next() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
        jobs.shutdown().await;
    }

    /// Starts the exports that there is room for.
    async fn start_exports(self: &Arc<App>, jobs: &mut JoinSet<()>) -> Result<()> {
        for export in self.store.catalog().unfinished_exports().await? {
            let Some(permit) = self.admit_export(&export) else { continue };
            let started = self.store.catalog().start_export(export.uuid).await?;
            jobs.spawn(async move {
                let RunningPermit { app, uuid } = &permit;
                let progress = app.exports.running.lock().get(uuid).map(|job| Arc::clone(&job.progress));
                app.run_export(started, &progress.unwrap_or_default()).await;
            });
        }
        Ok(())
    }

    fn admit_export(self: &Arc<App>, export: &Export) -> Option<RunningPermit> {
        let mut running = self.exports.running.lock();
        let is_busy = running.len() >= MAX_RUNNING || running.values().any(|job| job.org == export.org);
        if is_busy || running.contains_key(&export.uuid) {
            return None;
        }
        let progress = Arc::<JobProgress>::default();
        running.insert(export.uuid, RunningExport { org: export.org, progress });
        Some(RunningPermit { app: Arc::clone(self), uuid: export.uuid })
    }

    /// Writes an export and stores how it ended. When that cannot be stored, it is still running and written again.
    pub(super) async fn run_export(&self, export: Export, progress: &JobProgress) {
        // One that panics would be taken again and again.
        let written = AssertUnwindSafe(self.write_export(&export, progress)).catch_unwind().await;
        let written = written.unwrap_or_else(|_| Err(Error::internal("writing the export panicked")));
        let end = written.map_err(|error| failure(&export, error));
        if let Err(error) = self.store.catalog().finish_export(export.uuid, end).await {
            tracing::warn!(export = %export.uuid, error = error.full_message(), "the end of an export is not stored");
        }
    }
}

/// What an export says of its failure. Errors of ours are for the log.
fn failure(export: &Export, error: Error) -> String {
    if error.kind.is_our_fault() {
        tracing::error!(export = %export.uuid, error = error.full_message(), "an export failed");
    }
    error.message
}

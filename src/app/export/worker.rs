//! The worker: takes exports that wait, the oldest first, and writes some of them at a time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::RunningExport;
use crate::app::export::Exports;
use crate::domain::export::Export;
use crate::domain::{Error, Kind, Result};

/// Exports that are written at the same time, each of another organization: none holds up all others.
const MAX_RUNNING: usize = 2;
/// How long the worker waits for news before it looks by itself: an export whose end could not be stored waits again.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Counts an export as running until it is dropped.
struct RunningPermit {
    exports: Arc<Exports>,
    uuid: Uuid,
}

impl Drop for RunningPermit {
    fn drop(&mut self) {
        self.exports.running.lock().remove(&self.uuid);
    }
}

impl Exports {
    /// Writes exports until `stop`. What is not finished then is written at the next start.
    pub async fn run_exports(self: Arc<Self>, stop: CancellationToken) {
        let mut jobs = JoinSet::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.start_exports(&mut jobs).await {
                tracing::warn!(error = error.full_message(), "exports cannot be started; it is tried again");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.created.notified() => {}
                Some(_) = jobs.join_next() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
        jobs.shutdown().await;
    }

    /// Starts the exports that there is room for.
    async fn start_exports(self: &Arc<Self>, jobs: &mut JoinSet<()>) -> Result<()> {
        for export in self.store.catalog().jobs.unfinished_exports().await? {
            let Some((permit, cancel)) = self.admit_export(&export) else { continue };
            let started = match self.store.catalog().jobs.start_export(export.uuid).await {
                // It was cancelled since it was listed.
                Err(error) if error.kind == Kind::Conflict => continue,
                started => started?,
            };
            jobs.spawn(async move { permit.exports.run_export(started, &cancel).await });
        }
        Ok(())
    }

    fn admit_export(self: &Arc<Self>, export: &Export) -> Option<(RunningPermit, CancellationToken)> {
        let mut running = self.running.lock();
        let is_busy = running.len() >= MAX_RUNNING || running.values().any(|job| job.org == export.org);
        if is_busy || running.contains_key(&export.uuid) {
            return None;
        }
        let cancel = CancellationToken::new();
        running.insert(export.uuid, RunningExport { org: export.org, cancel: cancel.clone() });
        Some((RunningPermit { exports: Arc::clone(self), uuid: export.uuid }, cancel))
    }

    /// Writes an export and stores how it ended. When that cannot be stored, it is still running and written again.
    /// One that was cancelled has ended already, and leaves no file.
    pub(super) async fn run_export(&self, export: Export, cancel: &CancellationToken) {
        // One that panics would be taken again and again.
        let written = AssertUnwindSafe(self.write_export(&export, cancel)).catch_unwind().await;
        let written = written.unwrap_or_else(|_| Err(Error::internal("writing the export panicked")));
        let end = written.map_err(|error| failure(&export, error));
        match self.store.catalog().jobs.finish_export(export.uuid, end).await {
            Ok(_) => {}
            // It was cancelled when all of it was written, and perhaps deleted then.
            Err(error) if matches!(error.kind, Kind::Conflict | Kind::NotFound) => {
                self.remove_export_file(export.uuid).await;
            }
            Err(error) => {
                let text = error.full_message();
                tracing::warn!(export = %export.uuid, error = text, "the end of an export is not stored");
            }
        }
    }
}

/// Text of an export about its failure. Errors of ours are for the log.
fn failure(export: &Export, error: Error) -> String {
    if error.kind.is_our_fault() {
        tracing::error!(export = %export.uuid, error = error.full_message(), "an export failed");
    }
    error.message
}

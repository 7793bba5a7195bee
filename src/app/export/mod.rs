//! Exports: requested by callers, written to ZIP files by a few workers, fetched by signed links.
//!
//! An export that a crash or a stop interrupts is written again from the beginning at the next start. The end of a
//! Parquet file describes all of it and is in memory until then, so a part of one cannot be continued; writing by
//! finished days would need a file for each day, merged at the end, for a job that takes minutes.
//!
//! The life of one export. A request is stored (PENDING) and wakes the worker (`worker.rs`), which takes the oldest first and one of an
//! organization at a time (RUNNING). `write.rs` asks `plan.rs` for sensors and columns, reads the rows page by page (`pages.rs`), and
//! hands them to the thread that writes the file (`archive.rs`): tables as Parquet, at last the manifest with their hashes. Once
//! the file is durable the export is READY, and whoever sees it gets links of a day (`link.rs`). After a week the file is removed
//! (EXPIRED); it goes earlier with an export that is deleted. One that cannot be written is FAILED and says why; one whose job is
//! cancelled leaves no file.

mod annotations;
mod archive;
mod fixed_columns;
mod link;
mod pages;
pub mod parquet_file;
mod plan;
mod row_batches;
mod worker;
mod write;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::link::{ExportFile, ExportLink};
use super::access::AccessControl;
use super::core_parts::CoreParts;
use super::mk::objects::Objects;
use super::mk::sensor::Sensors;
use super::readings::SensorReadings;
use crate::domain::export::{Export, ExportSpec};
use crate::domain::{Clock, Micros, OrgId, Principal, Resource, Result, Scope};
use crate::query::Engine;
use crate::store::Store;
use crate::store::objects::ObjectFiles;

/// Directory of the files.
const EXPORT_DIR: &str = "exports";

/// Exports, their files, and the links to these.
pub struct Exports {
    store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    objects: Arc<Objects>,
    sensors: Arc<Sensors>,
    readings: Arc<SensorReadings>,
    /// Directory of the files.
    dir: PathBuf,
    /// Rings when an export is created.
    created: Notify,
    /// Exports that a worker writes now.
    running: Mutex<HashMap<Uuid, RunningExport>>,
}

/// Services that exports call.
pub(super) struct ExportCalls {
    pub access: Arc<AccessControl>,
    pub objects: Arc<Objects>,
    pub sensors: Arc<Sensors>,
    pub readings: Arc<SensorReadings>,
}

/// An export that a worker writes.
struct RunningExport {
    org: OrgId,
    /// Cancelled with its job.
    cancel: CancellationToken,
}

impl Exports {
    pub(super) fn new(parts: &CoreParts, calls: ExportCalls, data_dir: &Path) -> Self {
        let ExportCalls { access, objects, sensors, readings } = calls;
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            access,
            objects,
            sensors,
            readings,
            dir: data_dir.join(EXPORT_DIR),
            created: Notify::new(),
            running: Mutex::default(),
        }
    }

    /// Requires a principal that may request and delete exports.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`.
    pub fn check_may_export(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::Value))
    }

    /// Requests an export; `requested_by` is the user or `key_<id>`.
    ///
    /// # Errors
    /// The errors of [`Exports::check_may_export`] and `JobCatalog::create_export`.
    pub async fn create_export(
        &self,
        principal: &Principal,
        spec: ExportSpec,
        requested_by: String,
    ) -> Result<Export> {
        self.check_may_export(principal)?;
        let created = self.store.catalog().jobs.create_export(principal, spec, requested_by).await?;
        self.created.notify_one();
        Ok(created)
    }

    /// Returns the exports that the principal sees, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `Unavailable`.
    pub async fn exports(&self, principal: &Principal) -> Result<Vec<Export>> {
        principal.require(Scope::read(Resource::Value))?;
        self.store.catalog().jobs.exports(principal).await
    }

    /// Returns an export.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `NotFound`.
    pub async fn export(&self, principal: &Principal, uuid: Uuid) -> Result<Export> {
        principal.require(Scope::read(Resource::Value))?;
        self.store.catalog().jobs.export(principal, uuid).await
    }

    /// Returns how much of an export is written, from 0 to 1; `None` unless it is being written by this process.
    pub fn export_progress(&self, export: &Export) -> Option<f64> {
        self.store.catalog().jobs.job_progress(export.uuid)
    }

    /// Stops the worker of an export whose job was cancelled, which removes the unfinished file.
    pub(super) fn stop_export(&self, uuid: Uuid) {
        if let Some(export) = self.running.lock().get(&uuid) {
            export.cancel.cancel();
        }
    }

    /// Deletes a finished export with its file.
    ///
    /// # Errors
    /// The errors of [`Exports::check_may_export`] and `JobCatalog::delete_export`.
    pub async fn delete_export(&self, principal: &Principal, uuid: Uuid) -> Result<()> {
        self.check_may_export(principal)?;
        self.store.catalog().jobs.delete_export(principal, uuid).await?;
        self.remove_export_file(uuid).await;
        Ok(())
    }

    async fn remove_export_file(&self, uuid: Uuid) {
        let files = self.export_files();
        let removed = tokio::task::spawn_blocking(move || files.remove(uuid)).await;
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!(export = %uuid, "the file of a deleted export stays until the next hour");
        }
    }

    /// Removes the files of exports that have been kept for their time, and files without an export.
    pub(super) async fn purge_exports(&self, now: Micros) -> Result<()> {
        let catalog = self.store.catalog();
        // The files are listed first: a file has its row before it is written.
        let files = self.export_files();
        let listed = blocking(move || {
            let found = Mutex::new(Vec::new());
            files.retain(|id| {
                found.lock().push(id);
                true
            })?;
            Ok(found.into_inner())
        });
        let listed = listed.await?;
        let expired = catalog.jobs.expire_exports(now, |id| listed.contains(&id)).await?;
        let known = catalog.jobs.exports_with_files().await?;
        let files = self.export_files();
        let is_kept = move |id: Uuid| known.contains(&id) || !listed.contains(&id);
        let removed = blocking(move || files.retain(is_kept)).await?;
        if expired + removed > 0 {
            tracing::info!(expired, files = removed, "removed files of exports");
        }
        Ok(())
    }

    /// In the data directory also where objects are in a bucket: they are kept for a week, and are in no backup.
    fn export_files(&self) -> ObjectFiles {
        ObjectFiles::new(self.dir.clone())
    }
}

/// Runs file work on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    use crate::domain::Error;
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| Error::internal("work on an export was cut short").with_source(e))?;
    done.map_err(|e| Error::unavailable(format!("the file of an export cannot be used: {e}")).with_source(e))
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;

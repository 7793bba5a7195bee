//! Writes one export: reads its rows page by page, and hands them to the thread that writes the file.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::archive::{self, ArchivePart, UploadWriter};
use super::plan::{ExportPlan, ExportSensor};
use super::{annotations, blocking, row_batches};
use crate::app::export::Exports;
use crate::domain::export::{CANCELLED, Export, ExportContent, ExportResult, ExportSpec, Manifest};
use crate::domain::{Error, Kind, Micros, Principal, Result};
use crate::host::disk_space;
use crate::store::objects::ObjectUpload;

/// Parts that wait for the writer.
const PARTS_AHEAD: usize = 2;
/// Bytes that an export leaves free on the disk, which the readings need too.
const MIN_FREE_BYTES: u64 = 256 << 20;

/// Why rows are no longer handed over.
enum FeedEnd {
    /// The writer ended, which has the reason.
    WriterEnded,
    Failed(Error),
}

impl From<Error> for FeedEnd {
    fn from(error: Error) -> Self {
        FeedEnd::Failed(error)
    }
}

/// An export that is being written.
struct ExportFeed<'a> {
    exports: &'a Exports,
    export: &'a Export,
    reader: Principal,
    parts: mpsc::Sender<ArchivePart>,
}

impl Exports {
    /// Writes the file of an export, durable on return. What was written of it before, by a process that ended, is
    /// replaced; dropped or cancelled before it returns, it leaves no file.
    ///
    /// # Errors
    /// `Conflict` when it is cancelled; `NotFound` when what it is of was deleted; `Unavailable` when the file cannot be
    /// written; those of queries.
    pub(super) async fn write_export(
        &self,
        export: &Export,
        cancel: &CancellationToken,
    ) -> Result<ExportResult> {
        let (files, uuid) = (self.export_files(), export.uuid);
        let upload = blocking(move || files.begin(uuid)).await?;
        let (parts, mut received) = mpsc::channel(PARTS_AHEAD);
        let writing = tokio::task::spawn_blocking(move || write_file(upload, &mut received));
        let feed = ExportFeed { exports: self, export, reader: export.reader(), parts };
        let fed = cancel.run_until_cancelled(feed.run()).await;
        let fed = fed.unwrap_or_else(|| Err(FeedEnd::Failed(Error::conflict(CANCELLED))));
        // The feed is gone, so the writer ends too.
        let written = writing.await;
        let written =
            written.map_err(|e| Error::internal("the writer of an export failed").with_source(e))?;
        match fed {
            Ok(manifest) => Ok(ExportResult {
                size_bytes: written?,
                reading_count: manifest.reading_count,
                annotation_count: manifest.annotation_count,
            }),
            Err(FeedEnd::Failed(error)) => Err(error),
            Err(FeedEnd::WriterEnded) => {
                Err(written.err().unwrap_or_else(|| Error::internal("the writer of an export ended early")))
            }
        }
    }
}

/// Writes the file and makes it durable; returns its size.
fn write_file(upload: ObjectUpload, parts: &mut mpsc::Receiver<ArchivePart>) -> Result<u64> {
    let UploadWriter { upload, size_bytes } = archive::write(UploadWriter { upload, size_bytes: 0 }, parts)?;
    let finished = upload.finish();
    finished.map_err(|e| Error::unavailable(format!("the file of the export cannot be written: {e}")))?;
    Ok(size_bytes)
}

impl ExportFeed<'_> {
    /// Hands over every part. The sender is dropped at the end, which ends the writer too.
    async fn run(self) -> std::result::Result<Manifest, FeedEnd> {
        let spec = &self.export.spec;
        self.check()?;
        let mut manifest = Manifest::new(self.export);
        if spec.includes.contains(&ExportContent::Readings) {
            manifest.reading_count = self.readings(spec).await?;
        }
        if spec.includes.contains(&ExportContent::Annotations) {
            manifest.annotation_count = self.annotations(spec).await?;
        }
        // A scope that was deleted on the way has rows in the file that are nobody's.
        self.check()?;
        self.send(ArchivePart::Manifest(manifest.clone())).await?;
        Ok(manifest)
    }

    async fn readings(&self, spec: &ExportSpec) -> std::result::Result<u64, FeedEnd> {
        let plan = self.exports.export_plan(&self.reader, spec)?;
        let schema = row_batches::schema(&plan);
        self.send(ArchivePart::Table { name: "readings.parquet", schema }).await?;
        let mut count = 0;
        for (place, sensor) in plan.sensors.iter().enumerate() {
            count += self.sensor(&plan, (place, sensor)).await?;
        }
        self.send(ArchivePart::End).await?;
        Ok(count)
    }

    async fn sensor(
        &self,
        plan: &ExportPlan,
        (place, sensor): (usize, &ExportSensor),
    ) -> std::result::Result<u64, FeedEnd> {
        let schema = row_batches::schema(plan);
        let ExportSpec { from, to, .. } = self.export.spec;
        let last = Micros(to.0.saturating_sub(1));
        let (mut next, mut count) = (Some(from), 0);
        while let Some(begin) = next {
            let part = (begin.0 - from.0) as f64 / (to.0 - from.0) as f64;
            let done = (place as f64 + part) / plan.sensors.len() as f64;
            self.exports.store.catalog().jobs.set_job_progress(self.export.uuid, Some(done));
            self.check()?;
            let page = self.exports.export_page(&self.reader, sensor, (begin, last)).await?;
            for batch in row_batches::batches((plan, &schema), sensor, &page) {
                let batch = batch?;
                count += batch.num_rows() as u64;
                self.send(ArchivePart::Rows(batch)).await?;
            }
            next = page.next;
        }
        Ok(count)
    }

    async fn annotations(&self, spec: &ExportSpec) -> std::result::Result<u64, FeedEnd> {
        let schema = annotations::schema();
        self.send(ArchivePart::Table { name: "annotations.parquet", schema: schema.clone() }).await?;
        let mut count = 0;
        for mut list in self.exports.annotation_lists(&self.reader, spec)? {
            loop {
                self.check()?;
                let rows = self.exports.next_annotations(&self.reader, &mut list).await?;
                if rows.is_empty() {
                    break;
                }
                count += rows.len() as u64;
                self.send(ArchivePart::Rows(annotations::batch(&schema, &rows)?)).await?;
            }
        }
        self.send(ArchivePart::End).await?;
        Ok(count)
    }

    /// Checks what can change while the export is written: its scope, and the space on the disk.
    fn check(&self) -> Result<()> {
        self.exports.check_export_scope(&self.reader, &self.export.spec)?;
        match disk_space::free_bytes(&self.exports.dir) {
            Ok(free) if free < MIN_FREE_BYTES => {
                let least = MIN_FREE_BYTES >> 20;
                let message = format!("the disk of the data directory has less than {least} MiB free");
                Err(Error::new(Kind::Unavailable, message))
            }
            // Where free space cannot be told, a full disk is an error of the file.
            _ => Ok(()),
        }
    }

    async fn send(&self, part: ArchivePart) -> std::result::Result<(), FeedEnd> {
        self.parts.send(part).await.map_err(|_| FeedEnd::WriterEnded)
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;

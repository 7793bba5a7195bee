//! Reading everything a data directory holds, and naming what is broken.
//!
//! Nothing is written, repaired, cut or removed, and nothing found stops the reading: one damaged file hides no other.
//! Of an open store a moment is checked: the log up to the last acknowledged record, and the files that count.

mod catalog;
mod checkpoint;
mod data_file;
pub mod delta_log;
mod pages;
mod report;
mod table;
mod wal;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Store;
use super::disk::LocalDisk;
use super::lake::place::Place;
use super::table::Table;
use crate::domain::{Error, Progress, Result};
use data_file::Ids;
use report::Findings;
use table::TableLog;
use wal::Extent;

pub use report::{CatalogChecked, Finding, Report, TableChecked, WalChecked};

impl Store {
    /// Checks what is there now, beside whatever else is going on.
    ///
    /// # Errors
    /// `Unavailable` when the work was cancelled. What is broken is in the report.
    pub async fn verify(&self, progress: &Progress) -> Result<Report> {
        // Held until the end: its files stay.
        let pinned = self.snapshot();
        let reading = Reading {
            data_dir: absolute(&self.flusher.data_dir),
            lake: Some(self.shared.place().clone()),
            pinned: Some(pinned.seq),
            progress: progress.clone(),
        };
        let (report, ids) = reading.files().await?;
        let report = catalog::check(self.catalog.connection(), report, &ids).await;
        drop(pinned);
        Ok(report)
    }
}

/// A data directory that nobody has open.
pub struct Closed<'a> {
    pub data_dir: &'a Path,
    pub catalog_url: &'a str,
    /// As for `StoreOptions`.
    pub lake_url: Option<&'a str>,
}

impl Closed<'_> {
    /// Checks it: whoever asks holds its lock. It may be too damaged to be opened.
    ///
    /// # Errors
    /// `Unavailable` when the work was cancelled, or nothing can be read at all.
    pub async fn verify(&self, progress: &Progress) -> Result<Report> {
        let folder = self.data_dir.join("lake");
        let lake = match self.lake_url {
            Some(url) => Some(Place::s3(url)?),
            // Opening it would make it.
            None if !folder.is_dir() => None,
            None => Some(Place::local(Arc::new(LocalDisk), &folder)?),
        };
        let data_dir = absolute(self.data_dir);
        let reading = Reading { data_dir: data_dir.clone(), lake, pinned: None, progress: progress.clone() };
        let (report, ids) = reading.files().await?;
        Ok(catalog::check_closed(self.catalog_url, &data_dir, report, &ids).await)
    }
}

/// As the lake names its files, so that findings can be told relative to it.
fn absolute(data_dir: &Path) -> PathBuf {
    std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned())
}

/// One reading of a data directory.
struct Reading {
    data_dir: PathBuf,
    /// `None` when it is not there.
    lake: Option<Place>,
    /// Every record up to this one has been acknowledged; `None` when nobody writes.
    pinned: Option<u64>,
    progress: Progress,
}

impl Reading {
    /// Everything but the catalog, and the ids of the rows found.
    async fn files(self) -> Result<(Report, Ids)> {
        // The log before the lake: what is cut from it meanwhile is in the lake by then.
        let mut findings = Findings::new(&self.data_dir);
        let segments = wal::segments(&self.data_dir.join("wal"), &mut findings);
        let mut logs = Vec::new();
        // Without a lake nothing was ever flushed: all there is is in the log, or its beginning is missing there.
        if let Some(place) = &self.lake {
            table::strangers(place, &mut findings);
            for table in Table::ALL {
                logs.push(TableLog::read(place, table, self.pinned.is_some(), &mut findings).await);
            }
        }
        let has_lake = self.lake.is_some();
        let handle = tokio::runtime::Handle::current();
        let read = move || -> Result<(Report, Ids)> {
            let flushed = if has_lake { logs.iter().find_map(TableLog::position) } else { Some(0) };
            let extent = Extent { pinned: self.pinned, flushed };
            let (mut tables, mut ids) = (Vec::new(), Ids::default());
            let wal = wal::check(segments, &extent, (&mut findings, &mut ids), &self.progress)?;
            checkpoint::check(&self.data_dir, &mut findings);
            for log in logs {
                tables.push(log.check(&handle, &mut ids, &mut findings, &self.progress)?);
            }
            Ok((findings.report(wal, tables), ids))
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(|e| Error::internal("the reading ended early").because(e))?
    }
}

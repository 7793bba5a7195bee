//! Verification: reads everything in a data directory and reports what is damaged.
//!
//! Nothing is written, repaired, truncated or removed, and no finding stops the check: one damaged file hides no other.
//! An open store is checked as of one moment: the log up to the last acknowledged record, and the live files.

mod catalog;
mod checkpoint;
mod corrupt_page;
mod data_file;
pub mod delta_log;
mod quick;
mod quick_catalog;
mod report;
mod table;
mod wal;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Store;
use super::blocking::blocking;
use super::disk::LocalDisk;
use super::lake::location::{LakeAccess, LakeLocation};
use super::table::Table;
use crate::domain::{Progress, Result};
use data_file::ReferencedIds;
use report::Findings;
use table::TableCheck;
use wal::RequiredRange;

pub use quick::{QuickCheck, QuickReport};
pub use quick_catalog::{CatalogState, quick_catalog_check};
pub use report::{CatalogSummary, Finding, TableSummary, VerifyReport, WalSummary};

impl Store {
    /// Checks the current content while the store is in use.
    ///
    /// # Errors
    /// `Unavailable` when the work was cancelled. Damage is in the report.
    pub async fn verify(&self, progress: &Progress) -> Result<VerifyReport> {
        // Held until the end, so that its files are not deleted.
        let pinned = self.snapshot();
        let reading = Verification {
            data_dir: absolute(&self.data_dir),
            lake: Some(self.tables.location().clone()),
            pinned: Some(pinned.seq),
            progress: progress.clone(),
        };
        let (report, ids) = reading.files().await?;
        let report = catalog::check(self.catalog.connection(), report, &ids).await;
        drop(pinned);
        Ok(report)
    }
}

/// A data directory that no process has open.
pub struct ClosedStore<'a> {
    pub data_dir: &'a Path,
    pub catalog_url: &'a str,
    /// Same as in `StoreOptions`.
    pub lake_url: Option<&'a str>,
}

impl ClosedStore<'_> {
    /// Checks the directory; the caller holds its lock. It may be too damaged to be opened.
    ///
    /// # Errors
    /// `Unavailable` when the work was cancelled, or nothing can be read at all.
    pub async fn verify(&self, progress: &Progress) -> Result<VerifyReport> {
        let lake = existing_lake(self.data_dir, self.lake_url)?;
        let data_dir = absolute(self.data_dir);
        let reading =
            Verification { data_dir: data_dir.clone(), lake, pinned: None, progress: progress.clone() };
        let (report, ids) = reading.files().await?;
        Ok(catalog::check_closed(self.catalog_url, &data_dir, report, &ids).await)
    }
}

/// Opens the lake for reading; `None` when it does not exist.
fn existing_lake(data_dir: &Path, lake_url: Option<&str>) -> Result<Option<LakeLocation>> {
    let folder = data_dir.join("lake");
    let lake = match lake_url {
        Some(url) => Some(LakeLocation::shared(url, Arc::new(LocalDisk), LakeAccess::Read)?),
        // Opening the location would create the directory.
        None if !folder.is_dir() => None,
        None => Some(LakeLocation::local(Arc::new(LocalDisk), &folder)?),
    };
    Ok(lake.filter(LakeLocation::may_exist))
}

/// Makes the path absolute like the lake's file names, so that findings can be relative to it.
fn absolute(data_dir: &Path) -> PathBuf {
    std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned())
}

/// One verification of a data directory.
struct Verification {
    data_dir: PathBuf,
    /// `None` when it does not exist.
    lake: Option<LakeLocation>,
    /// Every record up to this one was acknowledged; `None` when the store is closed.
    pinned: Option<u64>,
    progress: Progress,
}

impl Verification {
    /// Checks everything but the catalog. Returns the report and the ids of the rows found.
    async fn files(self) -> Result<(VerifyReport, ReferencedIds)> {
        // List the log before the lake: records cut from it since are in the lake by then.
        let mut findings = Findings::new(&self.data_dir);
        let segments = wal::segments(&self.data_dir.join("wal"), &mut findings);
        let mut logs = Vec::new();
        // Without a lake nothing was ever flushed: either all rows are in the log, or its beginning is missing.
        if let Some(place) = &self.lake {
            table::report_unknown_files(place, &mut findings);
            for table in Table::ALL {
                logs.push(TableCheck::read(place, table, self.pinned.is_some(), &mut findings).await);
            }
        }
        let has_lake = self.lake.is_some();
        let handle = tokio::runtime::Handle::current();
        let read = move || -> Result<(VerifyReport, ReferencedIds)> {
            let flushed = if has_lake { logs.iter().find_map(TableCheck::flushed_seq) } else { Some(0) };
            let extent = RequiredRange { pinned: self.pinned, flushed };
            let (mut tables, mut ids) = (Vec::new(), ReferencedIds::default());
            let wal = wal::check(segments, &extent, (&mut findings, &mut ids), &self.progress)?;
            checkpoint::check(&self.data_dir, &mut findings);
            for log in logs {
                tables.push(log.check(&handle, &mut ids, &mut findings, &self.progress)?);
            }
            Ok((findings.report(wal, tables), ids))
        };
        blocking("the reading ended early", read).await
    }
}

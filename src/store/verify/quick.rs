//! Quick check of the files of a data directory: what is named is there and has its size. The contents of segments and
//! Parquet files are not read.

use std::path::Path;

use super::report::Findings;
use super::table::{self, TableCheck};
use super::{VerifyReport, absolute, existing_lake, wal};
use crate::domain::{Micros, Result};
use crate::store::blocking::blocking;
use crate::store::table::Table;

/// Directory of the write-ahead log within the data directory.
const LOG_DIR: &str = "wal";
const ENDED_EARLY: &str = "the reading ended early";

/// A data directory, open or not. No lock is needed.
pub struct QuickCheck<'a> {
    pub data_dir: &'a Path,
    /// Same as in `StoreOptions`.
    pub lake_url: Option<&'a str>,
    /// Whether a server has the directory open: it may replace files during the check.
    pub is_open: bool,
    /// Whether the directory has a write-ahead log; those of query nodes have none.
    pub has_log: bool,
}

/// Findings of a quick check.
#[derive(Debug, Default)]
pub struct QuickReport {
    /// Segments and files with their sizes; records, pages and rows are not counted, and the catalog is left out.
    pub files: VerifyReport,
    /// Newest time of a row in the lake.
    pub newest: Option<Micros>,
}

impl QuickCheck<'_> {
    /// Checks the write-ahead log and the lake; changes nothing.
    ///
    /// # Errors
    /// `Invalid` or `Unavailable` when the lake's location cannot be used or reached. Damage is in the report.
    pub async fn run(&self) -> Result<QuickReport> {
        let (data_dir, has_log) = (absolute(self.data_dir), self.has_log);
        let mut findings = Findings::new(&data_dir);
        // List the log before the lake: records cut from it since are in the lake by then.
        let log_dir = data_dir.join(LOG_DIR);
        let segments = if has_log { wal::segments(&log_dir, &mut findings) } else { Vec::new() };
        let mut logs = Vec::new();
        let lake = existing_lake(self.data_dir, self.lake_url)?;
        let (handle, is_open) = (tokio::runtime::Handle::current(), self.is_open);
        if let Some(place) = &lake {
            for table in Table::ALL {
                logs.push(TableCheck::read(place, table, is_open, &mut findings).await);
            }
        }
        let check = move || {
            if let Some(place) = &lake {
                table::report_unknown_files(place, &mut findings);
            }
            let flushed =
                if lake.is_some() { logs.iter().find_map(TableCheck::flushed_seq) } else { Some(0) };
            let wal = wal::check_headers(&segments, flushed, is_open, &mut findings);
            if has_log {
                wal::check_presence(&log_dir, &segments, flushed, &mut findings);
            }
            let (mut tables, mut newest) = (Vec::new(), None);
            for log in logs {
                let (summary, newest_of_table) = log.check_sizes(&handle, &mut findings)?;
                tables.push(summary);
                newest = newest.max(newest_of_table);
            }
            Ok(QuickReport { files: findings.report(wal, tables), newest })
        };
        blocking(ENDED_EARLY, check).await
    }

    /// Checks the write-ahead log alone, for a lake that cannot be read; changes nothing. Where the lake ends is not known.
    ///
    /// # Errors
    /// `Internal` when the process is ending. Damage is in the report.
    pub async fn run_log(&self) -> Result<QuickReport> {
        let (data_dir, has_log, is_open) = (absolute(self.data_dir), self.has_log, self.is_open);
        let check = move || {
            let mut findings = Findings::new(&data_dir);
            let segments =
                if has_log { wal::segments(&data_dir.join(LOG_DIR), &mut findings) } else { Vec::new() };
            let wal = wal::check_headers(&segments, None, is_open, &mut findings);
            Ok(QuickReport { files: findings.report(wal, Vec::new()), newest: None })
        };
        blocking(ENDED_EARLY, check).await
    }
}

//! What was checked, and what was found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Findings of one kind that are listed; the others are counted.
const LISTED: usize = 1000;

/// What a reading came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub wal: WalChecked,
    pub tables: Vec<TableChecked>,
    pub catalog: CatalogChecked,
    /// What is broken, as far as it is listed.
    pub broken: Vec<Finding>,
    pub broken_count: u64,
    /// What is worth knowing and no damage.
    pub notes: Vec<Finding>,
    pub notes_count: u64,
}

impl Report {
    pub fn is_whole(&self) -> bool {
        self.broken_count == 0
    }

    /// Adds something broken.
    pub fn break_with(&mut self, finding: Finding) {
        self.broken_count += 1;
        if self.broken.len() < LISTED {
            self.broken.push(finding);
        }
    }
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Relative to the data directory, or `catalog`.
    pub file: String,
    /// Where in it: an offset, a line, a row group, column and page, a row; empty for all of it.
    pub at: String,
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalChecked {
    pub segments: u64,
    /// Whole ones: checksum, number and content.
    pub records: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableChecked {
    pub name: String,
    /// Of the Delta log; `None` when it cannot be read.
    pub version: Option<u64>,
    pub log_entries: u64,
    pub log_checkpoints: u64,
    pub files: u64,
    pub bytes: u64,
    pub row_groups: u64,
    /// Decoded.
    pub pages: u64,
    /// Decoded and compared.
    pub rows: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogChecked {
    /// `SQLite` or `PostgreSQL`; empty when it cannot be opened.
    pub database: String,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Ids in log and lake whose stream or device has been deleted: their rows are in no answer.
    pub deleted_ids: u64,
}

/// Collects what is found in files.
pub(super) struct Findings {
    data_dir: PathBuf,
    report: Report,
}

impl Findings {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), report: Report::default() }
    }

    pub(super) fn broken(&mut self, file: &Path, at: impl Into<String>, what: impl Into<String>) {
        let finding = self.finding(file, at.into(), what.into());
        self.report.break_with(finding);
    }

    pub(super) fn note(&mut self, file: &Path, at: impl Into<String>, what: impl Into<String>) {
        self.report.notes_count += 1;
        let finding = self.finding(file, at.into(), what.into());
        if self.report.notes.len() < LISTED {
            self.report.notes.push(finding);
        }
    }

    fn finding(&self, file: &Path, at: String, what: String) -> Finding {
        Finding { file: self.relative(file), at, what }
    }

    /// A file as findings name it.
    pub(super) fn relative(&self, file: &Path) -> String {
        file.strip_prefix(&self.data_dir).unwrap_or(file).display().to_string()
    }

    pub(super) fn report(self, wal: WalChecked, tables: Vec<TableChecked>) -> Report {
        Report { wal, tables, ..self.report }
    }
}

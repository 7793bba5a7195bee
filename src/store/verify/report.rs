//! Report of a verification: what was checked, and the findings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Maximum number of findings listed of each kind; the others are only counted.
const MAX_LISTED_FINDINGS: usize = 1000;

/// Result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    pub wal: WalSummary,
    pub tables: Vec<TableSummary>,
    pub catalog: CatalogSummary,
    /// Damage found, up to the limit.
    pub broken: Vec<Finding>,
    pub broken_count: u64,
    /// Findings that are worth knowing but are no damage.
    pub notes: Vec<Finding>,
    pub notes_count: u64,
}

impl VerifyReport {
    /// Whether no damage was found; notes do not count. The command's exit status follows it.
    pub fn is_whole(&self) -> bool {
        self.broken_count == 0
    }

    /// Adds a finding of damage.
    pub fn add_broken(&mut self, finding: Finding) {
        self.broken_count += 1;
        if self.broken.len() < MAX_LISTED_FINDINGS {
            self.broken.push(finding);
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Path relative to the data directory, or `catalog`.
    pub file: String,
    /// Place in the file: an offset, a line, a row group, column and page, or a row; empty for the whole file.
    pub at: String,
    pub what: String,
}

/// Amount of the write-ahead log that was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalSummary {
    pub segments: u64,
    /// Complete records: checksum, number and content are valid.
    pub records: u64,
    pub bytes: u64,
}

/// Amount of one table of the lake that was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSummary {
    pub name: String,
    /// Version of the Delta log; `None` when it cannot be read.
    pub version: Option<u64>,
    pub log_entries: u64,
    pub log_checkpoints: u64,
    pub files: u64,
    pub bytes: u64,
    pub row_groups: u64,
    /// Pages decoded.
    pub pages: u64,
    /// Rows decoded and compared.
    pub rows: u64,
}

/// Amount of the catalog that was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogSummary {
    /// `SQLite` or `PostgreSQL`; empty when it cannot be opened.
    pub database: String,
    /// Number of rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Ids in log and lake whose stream or device was deleted: their rows appear in no query result.
    pub deleted_ids: u64,
}

/// Collects findings in files.
pub(super) struct Findings {
    data_dir: PathBuf,
    report: VerifyReport,
}

impl Findings {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), report: VerifyReport::default() }
    }

    pub(super) fn broken(&mut self, file: &Path, at: impl Into<String>, what: impl Into<String>) {
        let finding = self.finding(file, at.into(), what.into());
        self.report.add_broken(finding);
    }

    pub(super) fn note(&mut self, file: &Path, at: impl Into<String>, what: impl Into<String>) {
        self.report.notes_count += 1;
        let finding = self.finding(file, at.into(), what.into());
        if self.report.notes.len() < MAX_LISTED_FINDINGS {
            self.report.notes.push(finding);
        }
    }

    fn finding(&self, file: &Path, at: String, what: String) -> Finding {
        Finding { file: self.relative(file), at, what }
    }

    /// Returns the name of a file in findings.
    pub(super) fn relative(&self, file: &Path) -> String {
        file.strip_prefix(&self.data_dir).unwrap_or(file).display().to_string()
    }

    pub(super) fn report(self, wal: WalSummary, tables: Vec<TableSummary>) -> VerifyReport {
        VerifyReport { wal, tables, ..self.report }
    }
}

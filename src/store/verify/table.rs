//! Verifies one table of the lake: its log, every file the log names, and any other files beside them.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use super::data_file::{self, DataFile, ReferencedIds};
use super::delta_log::{self, AddedFile, LoadedTable};
use super::report::{Findings, TableSummary};
use crate::domain::{Error, Micros, Progress, Result};
use crate::store::disk::Disk;
use crate::store::lake::file::LakeFile;
use crate::store::lake::location::LakeLocation;
use crate::store::table::Table;

/// Reports files in the lake that belong to no table.
pub(super) fn report_unknown_files(place: &LakeLocation, findings: &mut Findings) {
    let tables = Table::ALL.map(|table| place.table_dir(table));
    let Some(lake) = tables[0].parent() else { return };
    for path in entries(place.disk().as_ref(), lake, findings) {
        if !tables.contains(&path) {
            findings.broken(&path, "", "is no table of the lake");
        }
    }
}

/// A table with its log read, but not yet its files.
pub(super) struct TableCheck {
    place: LakeLocation,
    table: Table,
    dir: PathBuf,
    is_live: bool,
    loaded: LogState,
    checked: TableSummary,
}

/// State of a table's log.
enum LogState {
    Readable(LoadedTable),
    /// Nothing was ever committed to the table.
    Empty,
    Damaged,
}

impl TableCheck {
    pub(super) async fn read(
        place: &LakeLocation,
        table: Table,
        is_live: bool,
        findings: &mut Findings,
    ) -> TableCheck {
        let dir = place.table_dir(table);
        let log = dir.join(delta_log::LOG_DIR);
        let is_new = !place.is_remote() && !dir.exists() && table != Table::Readings;
        let entries = match is_new {
            // Nothing was ever written to the table.
            true => delta_log::LogEntries::default(),
            false => delta_log::check_entries(place.disk().as_ref(), &dir, is_live, findings),
        };
        let loaded = match delta_log::load(place, table).await {
            _ if is_new => LogState::Empty,
            Ok(Some(loaded)) => LogState::Readable(loaded),
            Ok(None) if entries.names().is_empty() => LogState::Empty,
            Ok(None) => {
                findings.broken(&log, "", "describes no table");
                LogState::Damaged
            }
            Err(e) => {
                findings.broken(&log, "", e.message);
                LogState::Damaged
            }
        };
        let checked = TableSummary {
            name: table.name().to_owned(),
            version: match &loaded {
                LogState::Readable(loaded) => Some(loaded.version),
                LogState::Empty | LogState::Damaged => None,
            },
            log_entries: entries.commits.len() as u64,
            log_checkpoints: entries.checkpoints.len() as u64,
            ..TableSummary::default()
        };
        TableCheck { place: place.clone(), table, dir, is_live, loaded, checked }
    }

    /// Returns the highest seq in the lake, if this table records it and its log is readable.
    pub(super) fn flushed_seq(&self) -> Option<u64> {
        match &self.loaded {
            _ if self.table != Table::Readings => None,
            LogState::Readable(loaded) => Some(loaded.position.unwrap_or(0)),
            LogState::Empty => Some(0),
            LogState::Damaged => None,
        }
    }

    /// Checks every file of the table.
    pub(super) fn check(
        mut self,
        handle: &Handle,
        ids: &mut ReferencedIds,
        findings: &mut Findings,
        progress: &Progress,
    ) -> Result<TableSummary> {
        let adds = self.take_adds();
        let live: Option<HashSet<PathBuf>> =
            adds.as_ref().map(|adds| adds.iter().map(|add| self.dir.join(&add.path)).collect());
        let beside = self.check_unlisted(live.as_ref(), findings);
        let adds = adds.unwrap_or_else(|| beside.iter().filter_map(|path| self.unknown(path)).collect());
        progress.begin(format!("table {}", self.checked.name), adds.iter().map(|add| add.bytes).sum());
        for add in adds {
            let path = self.dir.join(&add.path);
            if self.is_live && self.is_gone(&path) && !self.is_still_live(handle, &add.path) {
                // The file was replaced after the log was read.
                continue;
            }
            let facts = match &add.facts {
                Ok(facts) => Some(facts),
                // Without a log there is nothing to compare with, and its damage is already reported.
                Err(_) if live.is_none() => None,
                Err(e) => {
                    findings.broken(&path, "", e.message.clone());
                    None
                }
            };
            let disk = self.place.disk().as_ref();
            let file = DataFile { disk, path: &path, table: self.table, bytes: add.bytes, facts };
            let read = file.check(ids, findings);
            self.checked.files += 1;
            self.checked.bytes += add.bytes;
            self.checked.rows += read.rows;
            self.checked.row_groups += read.row_groups;
            self.checked.pages += read.pages;
            progress.advance(add.bytes)?;
        }
        Ok(self.checked)
    }

    /// Takes the files that the log names; `None` when it is damaged.
    fn take_adds(&mut self) -> Option<Vec<AddedFile>> {
        match std::mem::replace(&mut self.loaded, LogState::Empty) {
            LogState::Readable(loaded) => Some(loaded.adds),
            LogState::Empty => Some(Vec::new()),
            LogState::Damaged => None,
        }
    }

    /// Checks that every file that the log names exists and has the recorded size, without reading it. Returns what was
    /// checked, and the newest time of the rows.
    ///
    /// # Errors
    /// `Unavailable` when the object store cannot be reached, which is no damage.
    pub(super) fn check_sizes(
        mut self,
        handle: &Handle,
        findings: &mut Findings,
    ) -> Result<(TableSummary, Option<Micros>)> {
        let adds = self.take_adds().unwrap_or_default();
        // One request for each file would take an object store minutes.
        let listed = self.place.is_remote().then(|| handle.block_on(self.place.list_sizes(self.table)));
        let unreachable = |e: Error| Error::unavailable("the lake cannot be reached").with_source(e);
        let sizes = listed.transpose().map_err(unreachable)?;
        let mut newest = None;
        for add in adds {
            let (path, disk) = (self.dir.join(&add.path), self.place.disk().as_ref());
            let size = match &sizes {
                Some(sizes) => sizes.get(&path).copied().ok_or_else(|| io::Error::from(ErrorKind::NotFound)),
                None => disk.len(&path),
            };
            let is_gone = size.as_ref().is_err_and(|e| e.kind() == ErrorKind::NotFound);
            if self.is_live && is_gone && !self.is_still_live(handle, &add.path) {
                // The file was replaced after the log was read.
                continue;
            }
            let facts = add.facts.as_ref().ok();
            let file = DataFile { disk, path: &path, table: self.table, bytes: add.bytes, facts };
            file.check_size(size, findings);
            self.checked.files += 1;
            self.checked.bytes += add.bytes;
            newest = newest.max(facts.map(|facts| Micros(facts.ts.max)));
        }
        Ok((self.checked, newest))
    }

    fn is_gone(&self, path: &Path) -> bool {
        self.place.disk().len(path).is_err_and(|e| e.kind() == ErrorKind::NotFound)
    }

    /// Whether a file is part of the table at present.
    fn is_still_live(&self, handle: &Handle, path: &str) -> bool {
        let now = handle.block_on(delta_log::load(&self.place, self.table));
        now.map_or(true, |now| now.is_some_and(|now| now.adds.iter().any(|add| add.path == path)))
    }

    /// Describes a file of which only the size is known.
    fn unknown(&self, path: &Path) -> Option<AddedFile> {
        let bytes = self.place.disk().len(path).unwrap_or(0);
        let path = path.strip_prefix(&self.dir).ok()?.to_str()?.to_owned();
        let facts = LakeFile::from_delta(&path, 0, &HashMap::new());
        Some(AddedFile { path, bytes, facts })
    }

    /// Checks the other files in the table's directory: reports foreign ones, and returns Basalt's own files that are
    /// not live.
    fn check_unlisted(&self, live: Option<&HashSet<PathBuf>>, findings: &mut Findings) -> Vec<PathBuf> {
        let (mut ours, disk) = (Vec::new(), self.place.disk().as_ref());
        for entry in entries(disk, &self.dir, findings) {
            let name = entry.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if name == delta_log::LOG_DIR {
                continue;
            }
            if !name.starts_with("date=") {
                findings.broken(&entry, "", "is no part of the table: Basalt did not write it");
                continue;
            }
            for file in entries(disk, &entry, findings) {
                if live.is_some_and(|live| live.contains(&file)) {
                    continue;
                }
                match data_file::is_named_as_ours(&file) {
                    false => findings.broken(&file, "", "is no part of the table: Basalt did not write it"),
                    true if self.is_live => {}
                    true => {
                        let what =
                            "does not count: it was replaced, or never committed; the next start removes it";
                        if live.is_some() {
                            findings.note(&file, "", what);
                        }
                        ours.push(file);
                    }
                }
            }
        }
        ours.retain(|file| file.extension().is_some_and(|e| e == "parquet"));
        ours
    }
}

/// Lists a directory, sorted. Reports one that cannot be read; one that does not exist is empty.
fn entries(disk: &dyn Disk, dir: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let found = disk.list_files(dir).and_then(|files| Ok([files, disk.list_dirs(dir)?].concat()));
    let mut found = found.unwrap_or_else(|e: io::Error| {
        if e.kind() != ErrorKind::NotFound {
            findings.broken(dir, "", format!("cannot be read: {e}"));
        }
        Vec::new()
    });
    found.sort();
    found
}

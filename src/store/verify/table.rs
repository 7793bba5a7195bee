//! One table of the lake: its log, every file the log names, and what else lies beside them.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use super::data_file::{self, DataFile, Ids};
use super::delta_log::{self, Added, Loaded};
use super::report::{Findings, TableChecked};
use crate::domain::{Progress, Result};
use crate::store::disk::Disk;
use crate::store::lake::file::LakeFile;
use crate::store::lake::place::Place;
use crate::store::table::Table;

/// What lies in the lake beside its tables.
pub(super) fn strangers(place: &Place, findings: &mut Findings) {
    let tables = Table::ALL.map(|table| place.table_dir(table));
    let Some(lake) = tables[0].parent() else { return };
    for path in entries(place.disk().as_ref(), lake, findings) {
        if !tables.contains(&path) {
            findings.broken(&path, "", "is no table of the lake");
        }
    }
}

/// A table whose log has been read, and whose files have not.
pub(super) struct TableLog {
    place: Place,
    table: Table,
    dir: PathBuf,
    is_live: bool,
    loaded: Log,
    checked: TableChecked,
}

/// What a log says.
enum Log {
    Tells(Loaded),
    /// Nothing was ever committed to the table.
    Empty,
    Damaged,
}

impl TableLog {
    pub(super) async fn read(
        place: &Place,
        table: Table,
        is_live: bool,
        findings: &mut Findings,
    ) -> TableLog {
        let dir = place.table_dir(table);
        let log = dir.join(delta_log::FOLDER);
        let is_new = !place.is_remote() && !dir.exists() && table != Table::Readings;
        let entries = match is_new {
            // Nothing was ever written to it.
            true => delta_log::Entries::default(),
            false => delta_log::check_entries(place.disk().as_ref(), &dir, is_live, findings),
        };
        let loaded = match delta_log::load(place, table).await {
            _ if is_new => Log::Empty,
            Ok(Some(loaded)) => Log::Tells(loaded),
            Ok(None) if entries.names().is_empty() => Log::Empty,
            Ok(None) => {
                findings.broken(&log, "", "tells of no table");
                Log::Damaged
            }
            Err(e) => {
                findings.broken(&log, "", e.message);
                Log::Damaged
            }
        };
        let checked = TableChecked {
            name: table.name().to_owned(),
            version: match &loaded {
                Log::Tells(loaded) => Some(loaded.version),
                Log::Empty | Log::Damaged => None,
            },
            log_entries: entries.commits.len() as u64,
            log_checkpoints: entries.checkpoints.len() as u64,
            ..TableChecked::default()
        };
        TableLog { place: place.clone(), table, dir, is_live, loaded, checked }
    }

    /// How far the write-ahead log is in the lake, if this is the table that says so and it can be read.
    pub(super) fn position(&self) -> Option<u64> {
        match &self.loaded {
            _ if self.table != Table::Readings => None,
            Log::Tells(loaded) => Some(loaded.position.unwrap_or(0)),
            Log::Empty => Some(0),
            Log::Damaged => None,
        }
    }

    /// Reads every file.
    pub(super) fn check(
        mut self,
        handle: &Handle,
        ids: &mut Ids,
        findings: &mut Findings,
        progress: &Progress,
    ) -> Result<TableChecked> {
        let adds = match std::mem::replace(&mut self.loaded, Log::Empty) {
            Log::Tells(loaded) => Some(loaded.adds),
            Log::Empty => Some(Vec::new()),
            Log::Damaged => None,
        };
        let live: Option<HashSet<PathBuf>> =
            adds.as_ref().map(|adds| adds.iter().map(|add| self.dir.join(&add.path)).collect());
        let beside = self.beside(live.as_ref(), findings);
        let adds = adds.unwrap_or_else(|| beside.iter().filter_map(|path| self.unknown(path)).collect());
        progress.begin(format!("table {}", self.checked.name), adds.iter().map(|add| add.bytes).sum());
        for add in adds {
            let path = self.dir.join(&add.path);
            if self.is_live && self.is_gone(&path) && !self.counts_still(handle, &add.path) {
                // Replaced since the log was read.
                continue;
            }
            let facts = match &add.facts {
                Ok(facts) => Some(facts),
                // Without a log there is nothing to compare with; that it is damaged has been said.
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

    fn is_gone(&self, path: &Path) -> bool {
        self.place.disk().len(path).is_err_and(|e| e.kind() == ErrorKind::NotFound)
    }

    /// Whether a file is part of the table now.
    fn counts_still(&self, handle: &Handle, path: &str) -> bool {
        let now = handle.block_on(delta_log::load(&self.place, self.table));
        now.map_or(true, |now| now.is_some_and(|now| now.adds.iter().any(|add| add.path == path)))
    }

    /// A file nothing is known of.
    fn unknown(&self, path: &Path) -> Option<Added> {
        let bytes = self.place.disk().len(path).unwrap_or(0);
        let path = path.strip_prefix(&self.dir).ok()?.to_str()?.to_owned();
        let facts = LakeFile::from_delta(&path, 0, &HashMap::new());
        Some(Added { path, bytes, facts })
    }

    /// Looks at what lies in the table's folder: strangers are told, files of ours that do not count are answered.
    fn beside(&self, live: Option<&HashSet<PathBuf>>, findings: &mut Findings) -> Vec<PathBuf> {
        let (mut ours, disk) = (Vec::new(), self.place.disk().as_ref());
        for entry in entries(disk, &self.dir, findings) {
            let name = entry.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if name == delta_log::FOLDER {
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

/// What is in a directory, sorted. One that cannot be read is told; one that is not there is empty.
fn entries(disk: &dyn Disk, dir: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let found = disk.list(dir).and_then(|files| Ok([files, disk.folders(dir)?].concat()));
    let mut found = found.unwrap_or_else(|e: io::Error| {
        if e.kind() != ErrorKind::NotFound {
            findings.broken(dir, "", format!("cannot be read: {e}"));
        }
        Vec::new()
    });
    found.sort();
    found
}

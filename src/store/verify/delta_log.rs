//! Read-only access to the Delta log of one table: its entries as files, and the table they describe.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use deltalake_core::{DeltaTable, DeltaTableError};
use serde_json::{Map, Value};

use super::data_file;
use super::report::Findings;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::lake::delta::TxnWatermark;
use crate::store::lake::file::LakeFile;
use crate::store::lake::location::LakeLocation;
use crate::store::table::Table;

/// Directory of the log within a table's directory.
pub const LOG_DIR: &str = "_delta_log";
const LAST_CHECKPOINT_FILE: &str = "_last_checkpoint";

/// A table as described by its log.
pub struct LoadedTable {
    pub version: u64,
    pub adds: Vec<AddedFile>,
    /// Highest seq whose rows are in the lake, in the table that records it.
    pub position: Option<u64>,
}

/// A live file.
pub struct AddedFile {
    /// Path relative to the table.
    pub path: String,
    pub bytes: u64,
    /// Metadata from its tag; an error when another program added the file.
    pub facts: Result<LakeFile>,
}

/// Loads a table like any Delta reader; `None` when nothing was ever committed to it.
///
/// # Errors
/// `Unavailable`, with the reader's error message.
pub async fn load(place: &LakeLocation, table: Table) -> Result<Option<LoadedTable>> {
    let unreadable = |e: DeltaTableError| {
        Error::unavailable(format!("the table `{}` cannot be read: {e}", table.name())).with_source(e)
    };
    let mut opened = DeltaTable::new(place.log_store(table)?);
    match opened.load().await {
        Err(DeltaTableError::NotATable(_)) => return Ok(None),
        loaded => loaded.map_err(unreadable)?,
    }
    let state = opened.snapshot().map_err(unreadable)?;
    let position =
        state.transaction_version(opened.log_store().as_ref(), TxnWatermark::Flushed.app_id()).await;
    let position = position.map_err(unreadable)?;
    let files = state.log_data();
    let added = files.iter().map(|view| {
        #[expect(deprecated, reason = "the only view that carries the tags")]
        let add = view.add_action();
        let facts = LakeFile::from_delta(&add.path, add.size, &add.tags.unwrap_or_default());
        AddedFile { path: add.path, bytes: add.size.unsigned_abs(), facts }
    });
    let adds = added.collect();
    Ok(Some(LoadedTable { version: state.version(), adds, position: position.map(i64::unsigned_abs) }))
}

/// The entries of a log, by the names of its files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LogEntries {
    pub commits: Vec<u64>,
    pub checkpoints: Vec<u64>,
    pub has_newest: bool,
    pub others: Vec<String>,
}

impl LogEntries {
    /// Lists the entries of a table's log.
    pub fn list(disk: &dyn Disk, log: &Path) -> io::Result<LogEntries> {
        let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(LogEntries::named(disk.list_files(log)?.into_iter().filter_map(name).collect()))
    }

    /// Returns the names of all files that belong to the log.
    pub fn names(&self) -> Vec<String> {
        let commits = self.commits.iter().map(|v| format!("{v:020}.json"));
        let checkpoints = self.checkpoints.iter().map(|v| format!("{v:020}.checkpoint.parquet"));
        commits.chain(checkpoints).chain(self.has_newest.then(|| LAST_CHECKPOINT_FILE.to_owned())).collect()
    }

    fn named(names: Vec<String>) -> LogEntries {
        let mut entries = LogEntries::default();
        for name in names {
            let of = |suffix: &str| name.strip_suffix(suffix).filter(|v| v.len() == 20)?.parse::<u64>().ok();
            match (of(".json"), of(".checkpoint.parquet")) {
                (Some(version), _) => entries.commits.push(version),
                (_, Some(version)) => entries.checkpoints.push(version),
                _ if name == LAST_CHECKPOINT_FILE => entries.has_newest = true,
                _ => entries.others.push(name),
            }
        }
        entries
    }

    /// Returns the versions no reader can do without: those missing after the oldest version from which reading can
    /// start.
    fn missing(&self) -> Vec<u64> {
        let Some(newest) = self.commits.iter().chain(&self.checkpoints).max() else { return Vec::new() };
        let oldest = self.commits.iter().chain(&self.checkpoints).min().copied().unwrap_or(0);
        // Without a checkpoint to start from, a log must begin at 0.
        let from = if self.checkpoints.is_empty() { 0 } else { oldest };
        let is_there = |v: &u64| self.commits.contains(v) || (self.checkpoints.contains(v) && *v == oldest);
        (from..=*newest).filter(|v| !is_there(v)).collect()
    }
}

/// Checks the entries one by one. With `is_live`, entries may be removed at the same time.
pub(super) fn check_entries(
    disk: &dyn Disk,
    dir: &Path,
    is_live: bool,
    findings: &mut Findings,
) -> LogEntries {
    let log = dir.join(LOG_DIR);
    let entries = match LogEntries::list(disk, &log) {
        Ok(entries) => entries,
        Err(e) => {
            findings.broken(&log, "", format!("cannot be read: {e}"));
            return LogEntries::default();
        }
    };
    for version in entries.missing() {
        findings.broken(&log.join(format!("{version:020}.json")), "", "is missing");
    }
    for name in &entries.others {
        // No reader uses the files that an interrupted write of the log leaves.
        match name.contains('#') || name.ends_with(".tmp") {
            true => findings.note(&log.join(name), "", "is left from an interrupted write"),
            false => findings.broken(&log.join(name), "", "is no entry of a Delta log"),
        }
    }
    let newest = entries.commits.iter().max().copied();
    for version in &entries.commits {
        let path = log.join(format!("{version:020}.json"));
        let text = match disk.read(&path) {
            Ok(text) => text,
            Err(e) if is_live && e.kind() == ErrorKind::NotFound => continue,
            Err(e) => {
                findings.broken(&path, "", format!("cannot be read: {e}"));
                continue;
            }
        };
        if let Err((line, what)) = check_commit(&text) {
            let newest =
                if Some(*version) == newest { "; it is the newest: the next start removes it" } else { "" };
            findings.broken(&path, format!("line {line}"), format!("{what}{newest}"));
        }
    }
    check_checkpoints(disk, &log, &entries, is_live, findings);
    entries
}

/// Checks that every line is one action of the Delta protocol. The error is the line number and the reason.
fn check_commit(text: &[u8]) -> std::result::Result<(), (usize, String)> {
    let lines =
        text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let mut actions = 0;
    for (i, line) in lines {
        let action = serde_json::from_slice::<Map<String, Value>>(line);
        let action = action.map_err(|e| (i + 1, format!("is not whole: {e}")))?;
        if action.len() != 1 || !action.values().all(Value::is_object) {
            return Err((i + 1, "is no action of the Delta protocol".to_owned()));
        }
        actions += 1;
    }
    if actions == 0 { Err((1, "is empty".to_owned())) } else { Ok(()) }
}

fn check_checkpoints(
    disk: &dyn Disk,
    log: &Path,
    entries: &LogEntries,
    is_live: bool,
    findings: &mut Findings,
) {
    for version in &entries.checkpoints {
        let path = log.join(format!("{version:020}.checkpoint.parquet"));
        match data_file::decode_all(disk, &path) {
            Err(_) if is_live && is_gone(disk, &path) => {}
            Err(e) => findings.broken(&path, e.at, e.what),
            Ok(_) => {}
        }
    }
    if !entries.has_newest {
        return;
    }
    let path = log.join(LAST_CHECKPOINT_FILE);
    let named = disk.read(&path).map_err(|e| e.to_string()).and_then(|text| {
        let hint: Value = serde_json::from_slice(&text).map_err(|e| format!("is not whole: {e}"))?;
        hint["version"].as_u64().ok_or_else(|| "names no version".to_owned())
    });
    match named {
        Err(what) => findings.broken(&path, "", what),
        Ok(version) if is_gone(disk, &checkpoint_path(log, version)) => {
            findings.broken(&path, "", format!("names the checkpoint {version}, which is not there"));
        }
        Ok(_) => {}
    }
}

fn is_gone(disk: &dyn Disk, path: &Path) -> bool {
    disk.len(path).is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

fn checkpoint_path(log: &Path, version: u64) -> PathBuf {
    log.join(format!("{version:020}.checkpoint.parquet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_no_reader_can_do_without_is_missing() {
        // Name, commits, checkpoints, missing versions.
        type Row<'a> = (&'a str, &'a [u64], &'a [u64], &'a [u64]);
        let rows: [Row<'_>; 7] = [
            ("all_there", &[0, 1, 2], &[], &[]),
            ("the_first", &[1, 2], &[], &[0]),
            ("one_between", &[0, 2], &[], &[1]),
            ("old_ones_cleaned_up", &[9, 10, 11], &[9], &[]),
            ("one_after_the_checkpoint", &[9, 11], &[9], &[10]),
            ("begins_with_a_checkpoint_alone", &[10, 11], &[9], &[]),
            ("nothing_at_all", &[], &[], &[]),
        ];
        for (name, commits, checkpoints, expected) in rows {
            let entries = LogEntries {
                commits: commits.into(),
                checkpoints: checkpoints.into(),
                ..LogEntries::default()
            };
            assert_eq!(entries.missing(), expected, "{name}");
        }
    }

    #[test]
    fn a_commit_is_whole_lines_of_one_action_each() {
        let rows: [(&str, &str, Option<usize>); 6] = [
            ("two_actions", "{\"add\":{}}\n{\"txn\":{}}\n", None),
            ("cut_off", "{\"add\":{}}\n{\"txn\":{", Some(2)),
            ("empty", "", Some(1)),
            ("zeros", "\0\0\0", Some(1)),
            ("two_in_a_line", "{\"add\":{},\"txn\":{}}", Some(1)),
            ("no_action", "{\"add\":1}", Some(1)),
        ];
        for (name, text, line) in rows {
            assert_eq!(check_commit(text.as_bytes()).err().map(|(line, _)| line), line, "{name}");
        }
    }
}

//! The lake: sorted Parquet files by day, and the Delta log that says which of them are live.

pub mod batch_rows;
pub mod cache;
pub mod column_encoders;
pub mod column_input;
pub mod conditional_put;
pub mod constant_chunk;
pub mod delta;
mod delta_actions;
pub mod delta_log_cleanup;
pub mod delta_log_validation;
pub mod file;
pub mod file_merge;
pub mod file_writer;
pub mod footers;
pub mod fsync_batch;
pub mod location;
pub mod object_client;
pub mod object_disk;
pub mod orphans;
pub mod os_page_cache;
pub mod ownership;
pub mod page_checksums;
pub mod page_fetch;
pub mod page_pruning;
pub mod page_reader;
pub mod remote_file;
pub mod row_group_writer;
pub mod stream_run;
pub mod table_reader;
pub mod writer_properties;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::domain::time::Day;
use file::LakeFile;

/// The live files at one version of the Delta log. It is immutable, and every query pins one.
#[derive(Debug, Clone, Default)]
pub struct LakeVersion {
    pub version: u64,
    days: BTreeMap<Day, Vec<Arc<LakeFile>>>,
}

impl LakeVersion {
    /// Creates the version of the Delta log with this number from all of its live files.
    pub fn new(version: u64, files: impl IntoIterator<Item = LakeFile>) -> Self {
        let mut lake = LakeVersion { version, days: BTreeMap::new() };
        files.into_iter().for_each(|f| lake.push(f));
        lake
    }

    /// Returns the next version, with files added.
    pub fn with_files(&self, version: u64, files: impl IntoIterator<Item = LakeFile>) -> Self {
        let mut next = self.clone();
        next.version = version;
        files.into_iter().for_each(|f| next.push(f));
        next
    }

    /// Returns the next version, with files replaced by others.
    pub fn replacing(&self, version: u64, gone: &[Arc<LakeFile>], new: Vec<LakeFile>) -> Self {
        let mut next = self.clone();
        next.version = version;
        let gone: HashSet<&str> = gone.iter().map(|file| file.path.as_str()).collect();
        next.days.values_mut().for_each(|files| files.retain(|f| !gone.contains(f.path.as_str())));
        next.days.retain(|_, files| !files.is_empty());
        new.into_iter().for_each(|f| next.push(f));
        next
    }

    fn push(&mut self, file: LakeFile) {
        self.days.entry(file.day).or_default().push(Arc::new(file));
    }

    /// Returns the files by day, in ascending order of days.
    pub fn days(&self) -> &BTreeMap<Day, Vec<Arc<LakeFile>>> {
        &self.days
    }

    /// Returns the files of all days, in ascending order of days.
    pub fn files(&self) -> impl Iterator<Item = &Arc<LakeFile>> {
        self.days.values().flatten()
    }

    /// Makes this version share the objects of files that are also in `other`, because the reference count of a file
    /// decides whether it may be deleted.
    pub fn sharing_files_with(mut self, other: &LakeVersion) -> Self {
        for (day, files) in &mut self.days {
            let known = other.days.get(day).into_iter().flatten();
            for same in known {
                files.iter_mut().filter(|f| f.path == same.path).for_each(|f| *f = same.clone());
            }
        }
        self
    }

    /// Whether all of these files are live.
    pub fn holds<'a>(&self, files: impl IntoIterator<Item = &'a LakeFile>) -> bool {
        let live = self.paths();
        files.into_iter().all(|f| live.contains(f.path.as_str()))
    }

    /// Whether any of these files is live.
    pub fn holds_any(&self, files: &[Arc<LakeFile>]) -> bool {
        let live = self.paths();
        files.iter().any(|f| live.contains(f.path.as_str()))
    }

    /// Returns those of the files that are not live.
    pub fn not_live(&self, mut files: Vec<Arc<LakeFile>>) -> Vec<Arc<LakeFile>> {
        let live = self.paths();
        files.retain(|f| !live.contains(f.path.as_str()));
        files
    }

    fn paths(&self) -> HashSet<&str> {
        self.files().map(|file| file.path.as_str()).collect()
    }

    /// Returns the newest time in any file of each day.
    pub fn newest_by_day(&self) -> BTreeMap<Day, i64> {
        let newest = |files: &Vec<Arc<LakeFile>>| files.iter().map(|f| f.ts.max).max().unwrap_or(i64::MIN);
        self.days.iter().map(|(day, files)| (*day, newest(files))).collect()
    }
}

//! The lake: sorted Parquet files by day, and the Delta log that says which of them count.

pub mod delta;
pub mod encode;
pub mod file;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::time::Day;
use file::LakeFile;

/// The live files at one version of the Delta log. Immutable: a query pins one.
#[derive(Debug, Clone, Default)]
pub struct LakeVersion {
    pub version: u64,
    days: BTreeMap<Day, Vec<Arc<LakeFile>>>,
}

impl LakeVersion {
    pub fn new(version: u64, files: impl IntoIterator<Item = LakeFile>) -> Self {
        let mut lake = LakeVersion { version, days: BTreeMap::new() };
        files.into_iter().for_each(|f| lake.push(f));
        lake
    }

    /// The next version, with files added.
    pub fn with(&self, version: u64, files: impl IntoIterator<Item = LakeFile>) -> Self {
        let mut next = self.clone();
        next.version = version;
        files.into_iter().for_each(|f| next.push(f));
        next
    }

    fn push(&mut self, file: LakeFile) {
        self.days.entry(file.day).or_default().push(Arc::new(file));
    }

    /// Files by day, days ascending.
    pub fn days(&self) -> &BTreeMap<Day, Vec<Arc<LakeFile>>> {
        &self.days
    }

    pub fn files(&self) -> impl Iterator<Item = &Arc<LakeFile>> {
        self.days.values().flatten()
    }

    /// The newest time in any file of each day.
    pub fn newest_by_day(&self) -> BTreeMap<Day, i64> {
        let newest = |files: &Vec<Arc<LakeFile>>| files.iter().map(|f| f.ts.1).max().unwrap_or(i64::MIN);
        self.days.iter().map(|(day, files)| (*day, newest(files))).collect()
    }
}

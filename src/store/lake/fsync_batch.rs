//! Makes many files durable together: first the bytes of all, then their names, then each directory once.
//!
//! A flush of a year writes a file per day. Syncing them one after the other, each with its directory, would be a
//! thousand waits for the disk; in parallel the file system combines them into few.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::file::LakeFile;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, DiskFile};

/// Maximum files held open until they are synced. Bytes the disk has not taken yet are memory.
const MAX_OPEN_FILES: usize = 64;
const MAX_UNSYNCED_BYTES: u64 = 64 << 20;
/// Number of threads that wait for the disk in parallel.
const SYNC_THREADS: usize = 8;

/// A file completely handed to the disk, but neither durable nor under its final name: `FsyncBatch` takes it.
pub struct UnsyncedFile {
    pub(super) disk_file: Box<dyn DiskFile>,
    pub(super) folder: PathBuf,
    pub(super) name: String,
    pub(super) file: LakeFile,
    pub(super) unnamed: UncommittedFile,
}

/// A file on disk that no commit names yet. It is removed when this is dropped before `keep`, so that what failed takes
/// no space from what comes next. An object store has no such files before they are durable, and a request to remove one
/// may have to wait for the store: what was uploaded there in vain is left to the next start.
pub(super) struct UncommittedFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    is_kept: bool,
}

impl UncommittedFile {
    /// Watches over the temporary file of `path`.
    pub fn temporary(disk: &Arc<dyn Disk>, path: &Path) -> Self {
        let temporary = disk.temporary(path);
        Self { disk: disk.clone(), is_kept: temporary == path, path: temporary }
    }

    /// Follows the file to its final name.
    fn renamed(&mut self, path: PathBuf) {
        self.path = path;
    }

    /// Leaves the file on disk.
    fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for UncommittedFile {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        match self.disk.remove(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %self.path.display(), error = %e, "cannot remove an unfinished file of the lake");
            }
            _ => {}
        }
    }
}

/// Files not yet durable. When dropped before `finish`, they are removed again.
pub struct FsyncBatch<'a> {
    disk: &'a dyn Disk,
    open: Vec<UnsyncedFile>,
    open_bytes: u64,
    folders: BTreeSet<PathBuf>,
    done: Vec<(LakeFile, UncommittedFile)>,
}

impl<'a> FsyncBatch<'a> {
    pub fn new(disk: &'a Arc<dyn Disk>) -> Self {
        let disk = disk.as_ref();
        Self { disk, open: Vec::new(), open_bytes: 0, folders: BTreeSet::new(), done: Vec::new() }
    }

    /// Adds a file that is completely written.
    pub fn add(&mut self, part: UnsyncedFile) -> Result<()> {
        self.open_bytes += part.file.bytes;
        self.open.push(part);
        if self.open.len() >= MAX_OPEN_FILES || self.open_bytes >= MAX_UNSYNCED_BYTES {
            self.sync()
        } else {
            Ok(())
        }
    }

    /// Makes all files durable. Returns them in the order in which they were added.
    pub fn finish(mut self) -> Result<Vec<LakeFile>> {
        self.sync()?;
        let disk = self.disk;
        let mut folders = Vec::from_iter(self.folders);
        // Sync the days' directories, and the table's directory for their own entries.
        let tables: BTreeSet<PathBuf> =
            folders.iter().filter_map(|f| f.parent()).map(PathBuf::from).collect();
        folders.extend(tables);
        for_each_parallel(&mut folders, |folder| disk.sync_dir(folder).map_err(|e| unwritable(folder, e)))?;
        let keep = |(file, mut unnamed): (LakeFile, UncommittedFile)| {
            unnamed.keep();
            file
        };
        Ok(self.done.into_iter().map(keep).collect())
    }

    fn sync(&mut self) -> Result<()> {
        let disk = self.disk;
        let mut parts = std::mem::take(&mut self.open);
        self.open_bytes = 0;
        for_each_parallel(&mut parts, |part| part.disk_file.sync().map_err(|e| unwritable(&part.folder, e)))?;
        for UnsyncedFile { folder, name, file, mut unnamed, .. } in parts {
            let path = folder.join(&name);
            disk.rename(&disk.temporary(&path), &path).map_err(|e| unwritable(&folder, e))?;
            unnamed.renamed(path);
            self.folders.insert(folder);
            self.done.push((file, unnamed));
        }
        Ok(())
    }
}

/// Runs `work` on each item on a few threads. Returns the first error.
fn for_each_parallel<T: Send>(items: &mut [T], work: impl Fn(&mut T) -> Result<()> + Sync) -> Result<()> {
    if items.len() < 2 {
        return items.iter_mut().try_for_each(work);
    }
    let share = items.len().div_ceil(SYNC_THREADS);
    thread::scope(|scope| {
        let work = &work;
        let threads =
            items.chunks_mut(share).map(|some| scope.spawn(move || some.iter_mut().try_for_each(work)));
        let threads: Vec<_> = threads.collect();
        let ended = threads.into_iter().map(|t| t.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        ended.collect::<Vec<_>>().into_iter().collect::<Result<()>>()
    })
}

/// The error of a write that failed in a day's directory.
pub(super) fn unwritable(folder: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("cannot write to the lake `{}`: {source}", folder.display()))
        .with_source(source)
}

#[cfg(test)]
#[path = "fsync_batch_tests.rs"]
mod tests;

//! Files that become durable together: the bytes of many at once, then their names, then each folder a single time.
//!
//! A flush of a year writes a file a day. Synced one after the other, with its folder each, that is a thousand waits for
//! the disk; side by side the file system makes few of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;

use super::file::LakeFile;
use super::part::{Part, unwritable};
use crate::domain::Result;
use crate::store::disk::Disk;

/// Files held open until they are synced, and their bytes: what the disk has not taken yet is memory.
const OPEN_FILES: usize = 64;
const OPEN_BYTES: u64 = 64 << 20;
/// How many wait for the disk at once.
const AT_ONCE: usize = 8;

/// Files on their way. Dropped before `finish` they stay behind as what no commit names.
pub struct Batch<'a> {
    disk: &'a dyn Disk,
    open: Vec<Part>,
    open_bytes: u64,
    folders: BTreeSet<PathBuf>,
    done: Vec<LakeFile>,
}

impl<'a> Batch<'a> {
    pub fn new(disk: &'a dyn Disk) -> Self {
        Self { disk, open: Vec::new(), open_bytes: 0, folders: BTreeSet::new(), done: Vec::new() }
    }

    /// Takes over a file that is written.
    pub fn add(&mut self, part: Part) -> Result<()> {
        self.open_bytes += part.file.bytes;
        self.open.push(part);
        if self.open.len() >= OPEN_FILES || self.open_bytes >= OPEN_BYTES { self.sync() } else { Ok(()) }
    }

    /// All files, in the order they were added; they are durable when this returns.
    pub fn finish(mut self) -> Result<Vec<LakeFile>> {
        self.sync()?;
        let disk = self.disk;
        let mut folders = Vec::from_iter(self.folders);
        // Those of the days, and the table's for their own entries.
        let tables: BTreeSet<PathBuf> =
            folders.iter().filter_map(|f| f.parent()).map(PathBuf::from).collect();
        folders.extend(tables);
        side_by_side(&mut folders, |folder| disk.sync_dir(folder).map_err(|e| unwritable(folder, e)))?;
        Ok(self.done)
    }

    fn sync(&mut self) -> Result<()> {
        let disk = self.disk;
        let mut parts = std::mem::take(&mut self.open);
        self.open_bytes = 0;
        side_by_side(&mut parts, |part| part.disk_file.sync().map_err(|e| unwritable(&part.folder, e)))?;
        for part in parts {
            let path = part.folder.join(&part.name);
            disk.rename(&disk.temporary(&path), &path).map_err(|e| unwritable(&part.folder, e))?;
            self.folders.insert(part.folder);
            self.done.push(part.file);
        }
        Ok(())
    }
}

/// Does the same with each, on a few threads; the first error of any.
fn side_by_side<T: Send>(items: &mut [T], work: impl Fn(&mut T) -> Result<()> + Sync) -> Result<()> {
    if items.len() < 2 {
        return items.iter_mut().try_for_each(work);
    }
    let share = items.len().div_ceil(AT_ONCE);
    thread::scope(|scope| {
        let work = &work;
        let threads =
            items.chunks_mut(share).map(|some| scope.spawn(move || some.iter_mut().try_for_each(work)));
        let threads: Vec<_> = threads.collect();
        let ended = threads.into_iter().map(|t| t.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        ended.collect::<Vec<_>>().into_iter().collect::<Result<()>>()
    })
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;

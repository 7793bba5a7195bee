//! A disk that forgets: at a loss of power every byte and every directory entry that was not synced is gone.
//!
//! It works on a real directory, so that files written behind its back (object_store's) obey the same rules. It can
//! fail any step, and after a failed sync it lies as kernels do: later syncs of that file succeed and change nothing.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use basalt::store::disk::{Disk, DiskDir, DiskFile, LocalDisk};
use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::StdRng;
use tempfile::TempDir;

/// Kind of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskOp {
    Create,
    Write,
    Sync,
    SyncDir,
    Truncate,
    /// Writes in place: no free space is needed.
    Overwrite,
    Rename,
    Remove,
    CreateDir,
}

/// A file as the platters have it.
struct DurableFile {
    bytes: Vec<u8>,
    /// A sync of it failed once: whatever is synced later does not get there.
    is_lost: bool,
    /// Keeps the inode number from being used again.
    _pin: File,
}

#[derive(Clone, Copy)]
enum DiskEntry {
    Dir,
    File(u64),
}

#[derive(Default)]
struct DiskState {
    files: HashMap<u64, DurableFile>,
    dirs: HashMap<PathBuf, BTreeMap<OsString, DiskEntry>>,
    /// New paths of renamed files, which can be open still, by the path they were created at.
    renamed: HashMap<PathBuf, PathBuf>,
    steps: usize,
    fail_at: Range<usize>,
    fail_on: Option<(DiskOp, &'static str)>,
    die_at: Option<usize>,
    full_at: Option<usize>,
    failed: Option<(DiskOp, PathBuf)>,
    refusing: Option<io::ErrorKind>,
    is_dead: bool,
}

/// The disk. Clones share it.
#[derive(Clone)]
pub struct LossyDisk {
    path: PathBuf,
    _root: Arc<TempDir>,
    state: Arc<Mutex<DiskState>>,
}

impl LossyDisk {
    /// An empty one. It is a directory below the temporary one, because a store that makes its directory syncs the parent
    /// too: that one holds nothing of other programs.
    pub fn new() -> LossyDisk {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("disk");
        fs::create_dir(&path).unwrap();
        let disk = LossyDisk { path, _root: Arc::new(root), state: Arc::default() };
        disk.state.lock().dirs.insert(disk.path().to_owned(), BTreeMap::new());
        disk
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails `count` steps from the n-th on (0 is the next).
    pub fn fail_steps(&self, n: usize, count: usize) {
        let mut state = self.state.lock();
        let first = state.steps + n;
        state.fail_at = first..first + count;
        state.failed = None;
    }

    /// Fails the next step of a kind whose path contains `part`, once.
    pub fn fail_on(&self, op: DiskOp, part: &'static str) {
        self.state.lock().fail_on = Some((op, part));
    }

    /// Refuses what a full disk (`StorageFull`) or one mounted read-only (`ReadOnlyFilesystem`) refuses, until told
    /// otherwise.
    pub fn refuse(&self, why: Option<io::ErrorKind>) {
        self.state.lock().refusing = why;
    }

    /// The disk is full from the n-th step on (0 is the next), until it is told otherwise.
    pub fn fill_up_after(&self, n: usize) {
        let mut state = self.state.lock();
        state.full_at = Some(state.steps + n);
    }

    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        self.state.lock().refusing == Some(io::ErrorKind::StorageFull)
    }

    /// Returns what a planned failure hit, if it did, and drops a plan that hit nothing.
    pub fn failed(&self) -> Option<(DiskOp, PathBuf)> {
        let mut state = self.state.lock();
        (state.fail_at, state.fail_on) = (0..0, None);
        state.failed.take()
    }

    /// Every step from the n-th on fails: the power is going.
    pub fn power_off_after(&self, n: usize) {
        let mut state = self.state.lock();
        state.die_at = Some(state.steps + n);
    }

    /// The process is gone, the machine runs on: what was written can still be read, synced or not.
    pub fn process_end(&self) -> LossyDisk {
        let mut state = self.state.lock();
        state.is_dead = true;
        let state = DiskState {
            files: std::mem::take(&mut state.files),
            dirs: std::mem::take(&mut state.dirs),
            ..DiskState::default()
        };
        LossyDisk { path: self.path.clone(), _root: self._root.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// The power is gone. What the platters hold is the disk returned; of bytes appended but not synced a prefix may
    /// have got there, or only its length and zeros (ext4 with `data=writeback`, XFS), and a removal not synced may have
    /// happened, as `chance` decides.
    pub fn power_loss(&self, rng: &mut StdRng) -> LossyDisk {
        let mut state = self.state.lock();
        state.is_dead = true;
        let after = LossyDisk::new();
        after.restore(self.path(), after.path(), &state, rng);
        after
    }

    fn restore(&self, from: &Path, to: &Path, before: &DiskState, rng: &mut StdRng) {
        // A directory whose removal is not durable is there again.
        let present = entries(from).unwrap_or_default();
        let is_present = |id: &u64| present.values().any(|e| matches!(e, DiskEntry::File(i) if i == id));
        for (name, entry) in before.dirs.get(from).into_iter().flatten() {
            if let DiskEntry::File(inode) = entry
                && !present.contains_key(name)
                && !is_present(inode)
                && rng.random_bool(0.5)
            {
                continue;
            }
            match entry {
                DiskEntry::Dir => {
                    fs::create_dir(to.join(name)).unwrap();
                    self.restore(&from.join(name), &to.join(name), before, rng);
                }
                DiskEntry::File(inode) => {
                    let file = &before.files[inode];
                    let mut bytes = file.bytes.clone();
                    let is_same = fs::metadata(from.join(name)).is_ok_and(|m| m.ino() == *inode);
                    let written = fs::read(from.join(name)).unwrap_or_default();
                    if is_same && !file.is_lost && rng.random_bool(0.5) && written.starts_with(&bytes) {
                        let (synced, len) = (bytes.len(), rng.random_range(bytes.len()..=written.len()));
                        bytes.extend(&written[synced..len]);
                        if rng.random_bool(0.25) {
                            bytes[synced..].fill(0);
                        }
                    }
                    fs::write(to.join(name), bytes).unwrap();
                    self.keep(&to.join(name)).unwrap();
                }
            }
        }
        let entries = entries(to).unwrap();
        self.state.lock().dirs.insert(to.to_owned(), entries);
    }

    /// Counts a step and decides whether it happens.
    fn step(&self, op: DiskOp, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let number = state.steps;
        state.steps += 1;
        state.is_dead |= state.die_at.is_some_and(|at| number >= at);
        if state.is_dead {
            return Err(io::Error::other("the power is gone"));
        }
        let filled = state.full_at.take_if(|at| number >= *at).map(|_| io::ErrorKind::StorageFull);
        state.refusing = filled.or(state.refusing);
        let writes = [DiskOp::Create, DiskOp::Write, DiskOp::CreateDir].contains(&op);
        let in_place = [DiskOp::Truncate, DiskOp::Overwrite, DiskOp::Rename, DiskOp::Remove];
        let changes = writes || in_place.contains(&op);
        match state.refusing {
            Some(io::ErrorKind::StorageFull) if writes => return Err(io::ErrorKind::StorageFull.into()),
            Some(io::ErrorKind::ReadOnlyFilesystem) if changes => {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            _ => {}
        }
        let is_named =
            state.fail_on.is_some_and(|(o, part)| o == op && path.to_string_lossy().contains(part));
        if is_named || state.fail_at.contains(&number) {
            state.fail_on = None;
            state.failed.get_or_insert_with(|| (op, path.to_owned()));
            return Err(io::Error::other("injected failure"));
        }
        Ok(())
    }

    /// Makes durable what a file holds now.
    fn keep(&self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut state = self.state.lock();
        let known = state.files.entry(file.metadata()?.ino());
        let kept = known.or_insert(DurableFile { bytes: Vec::new(), is_lost: false, _pin: file });
        if !kept.is_lost {
            kept.bytes = bytes;
        }
        Ok(())
    }

    /// The pages a failed sync did not write are dropped, and nobody is told again.
    fn lose(&self, path: &Path) {
        let inode = fs::metadata(path).map(|m| m.ino()).unwrap_or_default();
        let mut state = self.state.lock();
        let is_dead = state.is_dead;
        if let Some(file) = state.files.get_mut(&inode) {
            file.is_lost = !is_dead;
        }
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.know(path)?;
        self.step(DiskOp::Sync, path).inspect_err(|_| self.lose(path))?;
        self.keep(path)
    }

    /// Makes a file known, with nothing of it on the platters yet.
    fn know(&self, path: &Path) -> io::Result<u64> {
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        let empty = DurableFile { bytes: Vec::new(), is_lost: false, _pin: file };
        self.state.lock().files.entry(inode).or_insert(empty);
        Ok(inode)
    }
}

/// The directories and regular files in a directory. A socket or a pipe has no bytes to lose, and cannot be opened.
fn entries(dir: &Path) -> io::Result<BTreeMap<OsString, DiskEntry>> {
    let mut entries = BTreeMap::new();
    for found in fs::read_dir(dir)? {
        let found = found?;
        let kind = found.file_type()?;
        if kind.is_dir() {
            entries.insert(found.file_name(), DiskEntry::Dir);
        } else if kind.is_file() {
            entries.insert(found.file_name(), DiskEntry::File(found.ino()));
        }
    }
    Ok(entries)
}

struct LossyFile {
    disk: LossyDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl Write for LossyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(e) = self.disk.step(DiskOp::Write, &self.path) {
            // Some of it got out before.
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(e);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for LossyFile {
    fn sync(&mut self) -> io::Result<()> {
        let renamed = self.disk.state.lock().renamed.get(&self.path).cloned();
        self.disk.sync(renamed.as_ref().unwrap_or(&self.path))
    }
}

struct LossyDir {
    disk: LossyDisk,
    path: PathBuf,
}

impl DiskDir for LossyDir {
    fn sync(&self) -> io::Result<()> {
        self.disk.sync_dir(&self.path)
    }
}

impl Disk for LossyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step(DiskOp::Create, path)?;
        let file = LocalDisk.create(path)?;
        self.know(path)?;
        self.state.lock().renamed.remove(path);
        Ok(Box::new(LossyFile { disk: self.clone(), path: path.to_owned(), file }))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.sync(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(DiskOp::SyncDir, path)?;
        let entries = entries(path)?;
        for name in entries.iter().filter(|(_, e)| matches!(e, DiskEntry::File(_))).map(|(name, _)| name) {
            self.know(&path.join(name))?;
        }
        self.state.lock().dirs.insert(path.to_owned(), entries);
        Ok(())
    }

    fn open_dir(&self, path: &Path) -> io::Result<Box<dyn DiskDir>> {
        Ok(Box::new(LossyDir { disk: self.clone(), path: path.to_owned() }))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.step(DiskOp::Truncate, path)?;
        LocalDisk.truncate(path, len)?;
        self.keep(path)
    }

    /// Makes durable what is written again, even after a loss, if everything before it is there.
    fn overwrite_from(&self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        let inode = self.know(path)?;
        self.step(DiskOp::Overwrite, path)?;
        LocalDisk.overwrite_from(path, at, bytes)?;
        self.step(DiskOp::Sync, path).inspect_err(|_| self.lose(path))?;
        if let Some(file) = self.state.lock().files.get_mut(&inode) {
            file.is_lost &= (file.bytes.len() as u64) < at;
        }
        self.keep(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(DiskOp::Rename, from)?;
        LocalDisk.rename(from, to)?;
        self.state.lock().renamed.insert(from.to_owned(), to.to_owned());
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(DiskOp::Remove, path)?;
        LocalDisk.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step(DiskOp::CreateDir, path)?;
        LocalDisk.create_dir(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        LocalDisk.read(path)
    }

    fn list_files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        LocalDisk.list_files(path)
    }
}

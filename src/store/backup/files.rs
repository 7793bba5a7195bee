//! File operations of backups. Files are private, hashed as they are written, and durable when a function returns.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::manifest::{self, Manifest};
use crate::domain::{Error, Progress, Result};
use crate::store::disk::{Disk, DiskFile};

const COPY_BLOCK_BYTES: usize = 1 << 20;
/// The message of an error when work on the blocking pool ends early.
pub(super) const ENDED_EARLY: &str = "a backup ended early";

/// Wraps an I/O error with the name of its file.
pub(super) fn failed(verb: &str, path: &Path, e: io::Error) -> Error {
    Error::unavailable(format!("cannot {verb} `{}`: {e}", path.display())).with_source(e)
}

/// Creates a directory and its parents, accessible by their owner only.
pub(super) fn create_dir(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| failed("create", path, e))
}

/// Creates a file that must not exist, accessible by its owner only.
pub(super) fn create_file(disk: &dyn Disk, path: &Path) -> Result<Box<dyn DiskFile>> {
    disk.create_private(path).map_err(|e| failed("create", path, e))
}

/// Makes the content of a file durable, whoever wrote it.
pub(super) fn sync_file(disk: &dyn Disk, path: &Path) -> Result<()> {
    disk.sync_file(path).map_err(|e| failed("make durable", path, e))
}

/// Makes the entries of a directory and of all its subdirectories durable.
pub(super) fn sync_tree(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
        Ok(entries.into_iter().map(|e| e.path()).filter(|path| path.is_dir()).collect())
    };
    for below in read().map_err(|e| failed("read", dir, e))? {
        sync_tree(disk, &below)?;
    }
    sync_dir(disk, dir)
}

pub(super) fn sync_dir(disk: &dyn Disk, dir: &Path) -> Result<()> {
    disk.sync_dir(dir).map_err(|e| failed("make durable", dir, e))
}

/// Hashes everything in `from`, and copies it to `out` when given. Returns the length and the SHA-256.
fn hash(
    mut from: impl Read,
    name: &Path,
    mut out: Option<(&mut Box<dyn DiskFile>, &Path)>,
    progress: &Progress,
) -> Result<(u64, String)> {
    let (mut block, mut hash, mut total) = (vec![0; COPY_BLOCK_BYTES], Sha256::new(), 0);
    loop {
        let read = from.read(&mut block).map_err(|e| failed("read", name, e))?;
        if read == 0 {
            return Ok((total, hex::encode(hash.finalize())));
        }
        hash.update(&block[..read]);
        if let Some((out, name)) = &mut out {
            out.write_all(&block[..read]).map_err(|e| failed("write", name, e))?;
        }
        total += read as u64;
        progress.advance(read as u64)?;
    }
}

/// Hashes a whole file. Returns its length and SHA-256.
pub(super) fn hash_file(path: &Path, progress: &Progress) -> Result<(u64, String)> {
    let file = File::open(path).map_err(|e| failed("read", path, e))?;
    hash(file, path, None, progress)
}

/// Copies the first `bytes` of a file to a new file. The content is durable on return, its directory entry is not.
/// Returns the length and the SHA-256.
pub(super) fn copy(
    disk: &dyn Disk,
    from: &Path,
    to: &Path,
    bytes: u64,
    progress: &Progress,
) -> Result<(u64, String)> {
    let file = File::open(from).map_err(|e| failed("read", from, e))?;
    write(disk, file.take(bytes), to, progress)
}

/// Writes everything in `from` to a new file, with the guarantees of `copy`.
pub(super) fn write(
    disk: &dyn Disk,
    from: impl Read,
    to: &Path,
    progress: &Progress,
) -> Result<(u64, String)> {
    let mut out = create_file(disk, to)?;
    let copied = hash(from, to, Some((&mut out, to)), progress)?;
    out.sync().map_err(|e| failed("make durable", to, e))?;
    Ok(copied)
}

/// Hard-links a file. Returns `false` when hard links are not possible here.
pub(super) fn link(from: &Path, to: &Path) -> Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::StorageFull
            ) =>
        {
            Err(failed("link", from, e))
        }
        // The target is on another file system, on one without links, or the link limit is reached.
        Err(_) => Ok(false),
    }
}

/// A backup directory being written. Dropping it before `finish` removes everything it created.
pub(super) struct BackupDestination {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    was_there: bool,
    is_finished: bool,
}

impl BackupDestination {
    /// Creates the destination: an absolute path that does not exist or is an empty directory, outside of the data
    /// directory.
    pub(super) fn create(disk: Arc<dyn Disk>, dir: &Path, data_dir: &Path) -> Result<BackupDestination> {
        let shown = dir.display();
        if !dir.is_absolute() {
            return Err(Error::field("dest", format!("`{shown}` is not an absolute path")));
        }
        let own = fs::canonicalize(data_dir).map_err(|e| failed("read", data_dir, e))?;
        if resolve(dir).starts_with(&own) {
            return Err(Error::field(
                "dest",
                format!("`{shown}` is inside of the data directory: choose another place"),
            ));
        }
        let was_there = match fs::read_dir(dir) {
            Ok(mut entries) => match entries.next() {
                None => true,
                Some(_) if dir.join(manifest::FILE_NAME).exists() => {
                    return Err(Error::field(
                        "dest",
                        format!("`{shown}` holds a backup already: choose another place"),
                    ));
                }
                Some(_) => {
                    return Err(Error::field(
                        "dest",
                        format!("`{shown}` is not empty: choose another place"),
                    ));
                }
            },
            Err(e) if e.kind() == ErrorKind::NotFound => false,
            Err(e) => return Err(failed("use", dir, e)),
        };
        create_dir(dir)?;
        Ok(BackupDestination { disk, dir: dir.to_owned(), was_there, is_finished: false })
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// Makes everything durable, then writes the manifest, which turns the directory into a backup.
    pub(super) fn finish(mut self, manifest: &Manifest) -> Result<PathBuf> {
        let disk = self.disk.as_ref();
        sync_tree(disk, &self.dir)?;
        let mut text = serde_json::to_string_pretty(manifest).expect("texts and numbers always serialise");
        text.push('\n');
        let (unfinished, path) = (self.dir.join("backup.json.tmp"), self.dir.join(manifest::FILE_NAME));
        let mut file = create_file(disk, &unfinished)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync());
        written.map_err(|e| failed("write", &unfinished, e))?;
        disk.rename(&unfinished, &path).map_err(|e| failed("write", &path, e))?;
        sync_dir(disk, &self.dir)?;
        if let Some(parent) = self.dir.parent() {
            sync_dir(disk, parent)?;
        }
        self.is_finished = true;
        Ok(self.dir.clone())
    }
}

impl Drop for BackupDestination {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // First of all, so that what is left when this fails is not taken for a backup.
        let mark = self.dir.join(manifest::FILE_NAME);
        let unmarked = if mark.exists() { fs::remove_file(&mark) } else { Ok(()) };
        let removed = unmarked.and_then(|()| fs::read_dir(&self.dir)).and_then(|entries| {
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
            }
            if self.was_there { Ok(()) } else { fs::remove_dir(&self.dir) }
        });
        if let Err(e) = removed {
            tracing::warn!(dir = %self.dir.display(), error = %e, "an unfinished backup could not be removed");
        }
    }
}

/// Resolves a path as the file system sees it, even when its last components do not exist yet.
fn resolve(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut there = path;
    loop {
        match (fs::canonicalize(there), there.parent(), there.file_name()) {
            (Ok(found), ..) => return missing.iter().rev().fold(found, |path, name| path.join(name)),
            (Err(_), Some(parent), Some(name)) => {
                missing.push(name);
                there = parent;
            }
            (Err(_), ..) => return path.to_owned(),
        }
    }
}

//! Trait over the store's file I/O, so that a test can lose every byte that was not synced.
//!
//! Queries read the lake through object_store. Everything that must be durable is written through this trait.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};

use super::lake::remote_file::RemoteFile;

/// Durable file operations on a local directory tree.
pub trait Disk: Send + Sync + 'static {
    /// Creates a file that must not exist yet. Neither bytes nor the entry are durable before
    /// `DiskFile::sync` and `sync_dir`.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Creates a file as `create` does, accessible by its owner only where files have owners.
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)
    }

    /// Returns the name under which a file is written before it is renamed to `path`.
    fn temporary(&self, path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".tmp");
        name.into()
    }

    /// Makes an existing file's bytes durable, whichever process wrote them.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Opens a directory whose entries are synced repeatedly. Later syncs cannot fail for lack of a file descriptor,
    /// which would look like a failed sync.
    fn open_dir(&self, path: &Path) -> io::Result<Box<dyn DiskDir>>;

    /// Truncates a file to `len` bytes, durably.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Replaces what a file holds from offset `at` on by `bytes`, in place and durably. Bytes that were there before are
    /// written again: that makes them durable even where an earlier sync of them failed, and takes no free space.
    fn overwrite_from(&self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Renames within the tree, replacing the target; durable after `sync_dir` of the target's directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory whose parent exists; durable after `sync_dir` of the parent.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its parents, durably.
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|_| !path.is_dir()) {
            self.create_dir_all(parent)?;
            match self.create_dir(path) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
        }
        // Sync the parent of an existing directory too: its creator may have failed or died before syncing the entry.
        parent.map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Returns the size of a file in bytes.
    fn len(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|meta| meta.len())
    }

    /// Lists the files (not directories) of a directory, sorted by name.
    fn list_files(&self, path: &Path) -> io::Result<Vec<PathBuf>>;

    /// Lists the subdirectories of a directory, in no particular order.
    fn list_dirs(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        Ok(folders)
    }

    /// Opens a file of the lake or a log segment for reading by ranges.
    fn open(&self, path: &Path) -> io::Result<DiskReader> {
        File::open(path).map(DiskReader::Local)
    }
}

/// A file of the lake, local or remote, as input of the Parquet reader.
pub enum DiskReader {
    Local(File),
    Remote(RemoteFile),
}

impl Length for DiskReader {
    fn len(&self) -> u64 {
        match self {
            DiskReader::Local(file) => Length::len(file),
            DiskReader::Remote(file) => Length::len(file),
        }
    }
}

impl ChunkReader for DiskReader {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(match self {
            DiskReader::Local(file) => Box::new(file.get_read(start)?),
            DiskReader::Remote(file) => Box::new(file.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        match self {
            DiskReader::Local(file) => file.get_bytes(start, length),
            DiskReader::Remote(file) => file.get_bytes(start, length),
        }
    }
}

/// A file being appended to.
pub trait DiskFile: Write + Send {
    /// Returns once every written byte is durable. After an error the file must not be trusted again.
    fn sync(&mut self) -> io::Result<()>;
}

/// An open directory.
pub trait DiskDir: Send {
    /// Same as `Disk::sync_dir`.
    fn sync(&self) -> io::Result<()>;
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl DiskDir for File {
    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Disk for LocalDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn open_dir(&self, path: &Path) -> io::Result<Box<dyn DiskDir>> {
        Ok(Box::new(File::open(path)?))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn overwrite_from(&self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        file.set_len(at + bytes.len() as u64)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn list_files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Replaces a file's content atomically: after a crash it holds either the old or the new content, never a mixture. A
/// failure leaves no temporary file, which could take the space that a full disk needs.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    if temporary.exists() {
        disk.remove(&temporary)?;
    }
    let write = || {
        let mut file = disk.create(&temporary)?;
        file.write_all(bytes)?;
        file.sync()?;
        drop(file);
        disk.rename(&temporary, path)
    };
    if let Err(e) = write() {
        if temporary.exists() {
            disk.remove(&temporary).unwrap_or_else(|e| {
                tracing::warn!(file = %temporary.display(), error = %e, "cannot remove an unfinished file");
            });
        }
        return Err(e);
    }
    match path.parent() {
        Some(dir) => disk.sync_dir(dir),
        None => Ok(()),
    }
}

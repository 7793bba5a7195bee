//! Location of the lake: a directory beside the log, a directory that several processes of this machine share, or a prefix in
//! an object store.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use url::Url;

use super::object_disk::{self, ObjectDisk};
use super::os_page_cache;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::s3::{self, S3Prefix};
use crate::store::table::Table;

/// Use of a lake that others may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LakeAccess {
    /// It reads, and leaves every file as it is.
    Read,
    /// It writes, and repairs what a crash has left.
    Write,
}

/// An opened location of the lake.
#[derive(Clone)]
pub struct LakeLocation {
    /// URL with a trailing slash.
    url: Url,
    /// Root path on `disk`: a directory, or the prefix within the bucket.
    root: PathBuf,
    disk: Arc<dyn Disk>,
    store: Arc<dyn ObjectStore>,
    is_remote: bool,
    is_shared: bool,
    access: LakeAccess,
    /// Lock of a shared directory, held for writing.
    _lock: Option<Arc<File>>,
}

impl std::fmt::Debug for LakeLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({})", self.url)
    }
}

impl LakeLocation {
    /// Opens a directory, creating it when missing. Its files are written through `disk`.
    pub fn local(disk: Arc<dyn Disk>, dir: &Path) -> Result<LakeLocation> {
        let failed = |e: std::io::Error| {
            Error::unavailable(format!("cannot create the lake `{}`: {e}", dir.display())).with_source(e)
        };
        disk.create_dir_all(dir).map_err(failed)?;
        LakeLocation::of_directory(disk, dir)
    }

    /// Opens a lake that several processes may have open: `s3://bucket/prefix`, or `file:///directory` on this machine. A
    /// directory is written through `disk`, by one process at a time. It is created when missing, unless it is opened for reading.
    ///
    /// # Errors
    /// `Invalid` for any other URL; `Conflict` when another process has the directory open for writing; `Unavailable` when it
    /// cannot be used; the errors of [`s3::open`].
    pub fn shared(url: &str, disk: Arc<dyn Disk>, access: LakeAccess) -> Result<LakeLocation> {
        if !url.starts_with("file:") {
            return Ok(LakeLocation { access, ..LakeLocation::s3(url)? });
        }
        let dir = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
        let dir =
            dir.ok_or_else(|| Error::invalid(format!("`{url}` is not of the form file:///directory")))?;
        let (location, lock) = match access {
            LakeAccess::Read => (LakeLocation::of_directory(disk, &dir)?, None),
            LakeAccess::Write => (LakeLocation::local(disk, &dir)?, Some(Arc::new(lock_directory(&dir)?))),
        };
        Ok(LakeLocation { is_shared: true, access, _lock: lock, ..location })
    }

    fn of_directory(disk: Arc<dyn Disk>, dir: &Path) -> Result<LakeLocation> {
        let not_a_path = || Error::invalid(format!("`{}` is not a path of a lake", dir.display()));
        let root = std::path::absolute(dir).map_err(|e| not_a_path().with_source(e))?;
        let url = Url::from_directory_path(&root).map_err(|()| not_a_path())?;
        Ok(LakeLocation {
            url,
            root,
            disk,
            store: Arc::new(LocalFileSystem::new()),
            is_remote: false,
            is_shared: false,
            access: LakeAccess::Write,
            _lock: None,
        })
    }

    fn s3(url: &str) -> Result<LakeLocation> {
        let S3Prefix { url, store } = s3::open(url, RetryConfig::default())?;
        let store: Arc<dyn ObjectStore> = store;
        let disk = ObjectDisk::new(store.clone()).map_err(|e| {
            Error::unavailable("the threads for the object store cannot start").with_source(e)
        })?;
        Ok(LakeLocation {
            root: PathBuf::from(url.path()),
            url,
            disk: Arc::new(disk),
            store,
            is_remote: true,
            is_shared: true,
            access: LakeAccess::Write,
            _lock: None,
        })
    }

    /// Whether the lake is in an object store, where files appear complete and durable without a sync.
    pub fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Whether processes with other data directories may have the lake open.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether this process leaves every file of the lake as it is.
    pub fn is_read_only(&self) -> bool {
        self.access == LakeAccess::Read
    }

    /// Whether there is anything at the location, as far as this is known without a request.
    pub fn may_exist(&self) -> bool {
        self.is_remote || self.root.is_dir()
    }

    /// Whether a table is in no directory, since a reader came before the writer. The kernel takes that for an error.
    pub fn is_missing(&self, table: Table) -> bool {
        !self.is_remote && !self.table_dir(table).is_dir()
    }

    /// Returns the disk that writes and removes files of the lake.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Returns the object store that reads them; its paths are those of `table_dir` without the root.
    pub fn object_store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Reads byte ranges of a file, one result for each range. The path begins with that of `table_dir`.
    ///
    /// # Errors
    /// Errors of the object store, also for a range past the end of the file.
    pub async fn read(&self, path: &Path, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        let at_hand = if self.is_remote { None } else { os_page_cache::read_cached(path, ranges) };
        match at_hand {
            Some(bytes) => Ok(bytes),
            None => self.store.get_ranges(&object_store::path::Path::from_absolute_path(path)?, ranges).await,
        }
    }

    /// Returns the URL under which the object store is registered: scheme and bucket.
    pub fn store_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path("/");
        url
    }

    /// Returns the root as a path of the object store.
    pub fn object_root(&self) -> Result<object_store::path::Path> {
        object_store::path::Path::from_url_path(self.url.path())
            .map_err(|e| Error::invalid(format!("`{}` is not a path of a lake", self.url)).with_source(e))
    }

    /// Returns a table's directory as a path on `disk`.
    pub fn table_dir(&self, table: Table) -> PathBuf {
        self.root.join(table.name())
    }

    /// Lists the files of a table with their sizes in bytes. Their paths begin with that of `table_dir`.
    ///
    /// # Errors
    /// `Unavailable` when the store does not list them.
    pub async fn list_sizes(&self, table: Table) -> Result<HashMap<PathBuf, u64>> {
        let listed = self.store.list(Some(&object_disk::object_key(&self.table_dir(table))));
        let sizes = listed.map_ok(|meta| (Path::new("/").join(meta.location.as_ref()), meta.size));
        let unlisted =
            |e: object_store::Error| Error::unavailable(format!("`{self}` cannot be listed")).with_source(e);
        sizes.try_collect().await.map_err(unlisted)
    }

    /// Returns a table's directory as shown to users.
    pub fn describe(&self, table: Table) -> String {
        match self.is_remote {
            true => format!("{}{}", self.url, table.name()),
            false => self.table_dir(table).display().to_string(),
        }
    }

    /// Returns the Delta log store of a table, for the kernel.
    pub fn log_store(&self, table: Table) -> Result<LogStoreRef> {
        let url = self.url.join(&format!("{}/", table.name()));
        let url = url.map_err(|e| Error::internal("a table's name does not fit a URL").with_source(e))?;
        let prefix = object_store::path::Path::from_url_path(url.path())
            .map_err(|e| Error::invalid(format!("`{url}` is not a path of a lake")).with_source(e))?;
        let prefixed = Arc::new(PrefixStore::new(self.store.clone(), prefix));
        Ok(default_logstore(prefixed, self.store.clone(), &url, &StorageConfig::default()))
    }
}

/// Locks a directory for writing; the system frees it however the process ends. The commits of two writers would conflict, but
/// both would replace entries of the log to make them durable.
fn lock_directory(dir: &Path) -> Result<File> {
    let failed = |e: std::io::Error| {
        Error::unavailable(format!("cannot lock the lake `{}`: {e}", dir.display())).with_source(e)
    };
    let file = File::open(dir).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(Error::conflict(format!(
            "another server writes to the lake `{}`: stop it, or give this one another directory as `lake.url`",
            dir.display()
        ))),
        Err(error) => Err(failed(error.into())),
    }
}

impl std::fmt::Display for LakeLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.is_remote {
            true => write!(f, "{}", self.url),
            false => write!(f, "{}", self.root.display()),
        }
    }
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;

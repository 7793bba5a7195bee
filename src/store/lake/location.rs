//! Location of the lake: a directory beside the log, or a prefix in an object store.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use super::object_disk::ObjectDisk;
use super::os_page_cache;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::s3::{self, S3Prefix};
use crate::store::table::Table;

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
        let root = std::path::absolute(dir).map_err(failed)?;
        let url = Url::from_directory_path(&root)
            .map_err(|()| Error::invalid(format!("`{}` is not a path of a lake", root.display())))?;
        Ok(LakeLocation { url, root, disk, store: Arc::new(LocalFileSystem::new()), is_remote: false })
    }

    /// Opens `s3://bucket/prefix`.
    ///
    /// # Errors
    /// As [`s3::open`].
    pub fn s3(url: &str) -> Result<LakeLocation> {
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
        })
    }

    /// Whether the lake is in an object store, where files appear complete and durable without a sync.
    pub fn is_remote(&self) -> bool {
        self.is_remote
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

impl std::fmt::Display for LakeLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.is_remote {
            true => write!(f, "{}", self.url),
            false => write!(f, "{}", self.root.display()),
        }
    }
}

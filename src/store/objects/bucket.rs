//! The bucket of objects: a prefix under which each is named by its id, and which one server uses.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::part_upload::{PART_BYTES, PartUpload, local, next_part};
use super::reader::RemoteObject;
use super::{MULTIPART, id_of};
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::lake::object_disk::{ObjectDisk, object_key};
use crate::store::s3::{self, S3Prefix};

/// Files that are sent at the same time; each has a part of 8 MiB in memory.
const MAX_TRANSFERS: usize = 4;
/// A request that fails is repeated, while a client waits for its answer.
const MAX_RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// A prefix of a bucket. Its functions block the calling thread.
pub struct ObjectBucket {
    disk: Arc<ObjectDisk>,
    /// The prefix, as a path.
    root: PathBuf,
    parts: Arc<dyn MultipartStore>,
    transfers: Arc<Semaphore>,
}

impl fmt::Debug for ObjectBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectBucket({})", self.root.display())
    }
}

impl ObjectBucket {
    /// Opens `s3://bucket/prefix`. No request is sent.
    ///
    /// # Errors
    /// `Invalid` for any other URL; `Unavailable` when the usual `AWS_*` variables are not sufficient.
    pub(super) fn s3(url: &str) -> Result<Self> {
        let retry =
            RetryConfig { max_retries: MAX_RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        let S3Prefix { url, store } = s3::open(url, retry)?;
        Self::new(store, PathBuf::from(url.path()))
            .map_err(|e| Error::unavailable("the threads for the object store cannot start").with_source(e))
    }

    /// The objects below `root` in a store.
    pub(super) fn new<S: ObjectStore + MultipartStore>(store: Arc<S>, root: PathBuf) -> io::Result<Self> {
        let disk = Arc::new(ObjectDisk::new(store.clone())?);
        Ok(Self { disk, root, parts: store, transfers: Arc::new(Semaphore::new(MAX_TRANSFERS)) })
    }

    /// Returns the disk that reads the objects; their paths are those of [`ObjectBucket::paths`].
    pub(in crate::store) fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    /// Returns the ids of all objects with their paths. Objects with other names are left out.
    pub(in crate::store) fn paths(&self) -> io::Result<Vec<(Uuid, PathBuf)>> {
        let found = self.disk.list_files(&self.root)?.into_iter();
        let finished = found.filter(|path| path.extension().is_none());
        Ok(finished.filter_map(|path| id_of(&path)).map(|id| (id, self.path(id))).collect())
    }

    pub(super) fn ids(&self) -> io::Result<Vec<Uuid>> {
        Ok(self.paths()?.into_iter().map(|(id, _)| id).collect())
    }

    pub(super) fn object(&self, id: Uuid) -> RemoteObject {
        RemoteObject::new(self.disk.client().store().clone(), object_key(&self.path(id)))
    }

    /// Sends a file. On return it is there as a whole, or, after an error, most likely not at all.
    pub(super) fn put(&self, id: Uuid, file: &Path) -> io::Result<()> {
        let upload = self.part_upload(id, file.with_extension(MULTIPART));
        let (store, file) = (self.disk.client().store().clone(), file.to_owned());
        let transfers = Arc::clone(&self.transfers);
        self.disk.client().block_on(async move {
            // It is never closed.
            let _permit = transfers.acquire().await;
            upload.abort_recorded().await?;
            let mut file = tokio::fs::File::open(&file).await.map_err(local)?;
            let first = next_part(&mut file).await?;
            if first.len() < PART_BYTES {
                return store.put(upload.key(), first.into()).await.map(drop);
            }
            upload.run(first, &mut file).await
        })
    }

    /// Has the bucket forget the parts of an upload that did not end, and removes its record.
    pub(super) fn abort(&self, id: Uuid, record: &Path) -> io::Result<()> {
        let upload = self.part_upload(id, record.to_owned());
        self.disk.client().block_on(async move { upload.abort_recorded().await })
    }

    pub(super) fn remove(&self, id: Uuid) -> io::Result<()> {
        match self.disk.remove(&self.path(id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn part_upload(&self, id: Uuid, record: PathBuf) -> PartUpload {
        PartUpload::new(self.parts.clone(), object_key(&self.path(id)), record)
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.root.join(id.to_string())
    }
}

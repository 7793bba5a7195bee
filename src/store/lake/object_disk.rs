//! `Disk` over an object store. Objects appear complete and durable when their upload ends, so nothing needs syncing or
//! a temporary name.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::buffered::BufWriter;
use object_store::{ObjectStore, ObjectStoreExt, path};
use tokio::io::AsyncWriteExt;

use super::object_client::ObjectStoreClient;
use super::remote_file::RemoteFile;
use crate::store::disk::{Disk, DiskDir, DiskFile, DiskReader};

/// Uploads smaller than this are one request; larger ones are sent in parts of this size. Bytes.
const UPLOAD_PART_BYTES: usize = 8 << 20;

/// A disk whose objects are named by the components of a path.
pub struct ObjectDisk {
    client: ObjectStoreClient,
}

impl ObjectDisk {
    /// Starts the threads that talk to the object store.
    pub fn new(store: Arc<dyn ObjectStore>) -> io::Result<Self> {
        Ok(Self { client: ObjectStoreClient::new(store)? })
    }

    /// Returns the client that talks to the object store.
    pub fn client(&self) -> &ObjectStoreClient {
        &self.client
    }

    fn list_with<T: Send + 'static>(
        &self,
        dir: &Path,
        pick: fn(object_store::ListResult) -> T,
    ) -> io::Result<T> {
        let (store, prefix) = (self.client.store().clone(), object_key(dir));
        self.client.block_on(async move { store.list_with_delimiter(Some(&prefix)).await.map(pick) })
    }
}

/// Returns the object key of a path: its components without the root.
pub fn object_key(path: &Path) -> path::Path {
    let parts = path.components().filter_map(|c| match c {
        std::path::Component::Normal(part) => part.to_str(),
        _ => None,
    });
    path::Path::from_iter(parts)
}

fn name(key: &path::Path) -> PathBuf {
    Path::new("/").join(key.as_ref())
}

impl Disk for ObjectDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let writer =
            BufWriter::with_capacity(self.client.store().clone(), object_key(path), UPLOAD_PART_BYTES);
        Ok(Box::new(ObjectUpload { client: self.client.clone(), writer: Some(writer), buffer: Vec::new() }))
    }

    fn temporary(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn open_dir(&self, _: &Path) -> io::Result<Box<dyn DiskDir>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "an object store has no directories"))
    }

    fn truncate(&self, _: &Path, _: u64) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "an object cannot be cut"))
    }

    fn overwrite_from(&self, _: &Path, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "an object cannot be written to in place"))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from == to {
            return Ok(());
        }
        let (store, from, to) = (self.client.store().clone(), object_key(from), object_key(to));
        self.client.block_on(async move { store.rename(&from, &to).await })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (store, key) = (self.client.store().clone(), object_key(path));
        self.client.block_on(async move { store.delete(&key).await })
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let (store, key) = (self.client.store().clone(), object_key(path));
        self.client.block_on(async move { store.get(&key).await?.bytes().await }).map(Into::into)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let (store, key) = (self.client.store().clone(), object_key(path));
        self.client.block_on(async move { store.head(&key).await }).map(|meta| meta.size)
    }

    fn list_files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = self.list_with(path, |found| found.objects)?;
        files.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(files.iter().map(|object| name(&object.location)).collect())
    }

    fn list_dirs(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let folders = self.list_with(path, |found| found.common_prefixes)?;
        Ok(folders.iter().map(name).collect())
    }

    fn open(&self, path: &Path) -> io::Result<DiskReader> {
        let len = self.len(path)?;
        Ok(DiskReader::Remote(RemoteFile::new(self.client.clone(), object_key(path), len)))
    }
}

/// An object being uploaded; it exists once `sync` has returned.
struct ObjectUpload {
    client: ObjectStoreClient,
    writer: Option<BufWriter>,
    buffer: Vec<u8>,
}

impl ObjectUpload {
    fn send(&mut self, is_last: bool) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.buffer);
        let mut writer = self.writer.take().ok_or_else(|| io::Error::other("an upload has failed before"))?;
        let work = async move {
            let sent = match writer.write_all(&bytes).await {
                Ok(()) if is_last => writer.shutdown().await,
                sent => sent,
            };
            sent.map(|()| writer)
                .map_err(|e| object_store::Error::Generic { store: "upload", source: e.into() })
        };
        self.writer = Some(self.client.block_on(work)?);
        Ok(())
    }
}

impl Write for ObjectUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= UPLOAD_PART_BYTES {
            self.send(false)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for ObjectUpload {
    fn sync(&mut self) -> io::Result<()> {
        self.send(true)
    }
}

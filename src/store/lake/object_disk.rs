//! `Disk` over an object store. Objects appear complete and durable when their upload ends, so nothing needs syncing or
//! a temporary name.

use std::future::Future;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use object_store::buffered::BufWriter;
use object_store::{ObjectStore, ObjectStoreExt, path};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use crate::store::disk::{Disk, DiskDir, DiskFile, DiskReader};

/// Uploads smaller than this are one request; larger ones are sent in parts of this size. Bytes.
const UPLOAD_PART_BYTES: usize = 8 << 20;
/// Bytes fetched per request when a reader does not say how many it needs.
const READ_CHUNK_BYTES: u64 = 256 << 10;

/// A disk whose objects are named by the components of a path.
pub struct ObjectDisk {
    requests: ObjectStoreClient,
}

/// Runs requests on threads of its own; the caller blocks without a runtime, as it does for a disk.
#[derive(Clone)]
struct ObjectStoreClient {
    store: Arc<dyn ObjectStore>,
    runtime: Arc<BackgroundRuntime>,
}

/// A runtime that may be dropped anywhere, also within async code.
struct BackgroundRuntime(Option<Runtime>);

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl ObjectStoreClient {
    fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (done, answer) = std::sync::mpsc::sync_channel(1);
        let runtime = self.runtime.0.as_ref().expect("the runtime lives as long as its owner");
        runtime.spawn(async move {
            let _ = done.send(work.await);
        });
        let answer = answer.recv().map_err(|_| io::Error::other("a request to the object store was dropped"));
        answer?.map_err(|e| match e {
            object_store::Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, e),
            other => io::Error::other(other),
        })
    }
}

impl ObjectDisk {
    /// Starts the threads that talk to the object store.
    pub fn new(store: Arc<dyn ObjectStore>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("basalt-objects")
            .enable_all()
            .build()?;
        Ok(Self {
            requests: ObjectStoreClient { store, runtime: Arc::new(BackgroundRuntime(Some(runtime))) },
        })
    }

    fn list_with<T: Send + 'static>(
        &self,
        dir: &Path,
        pick: fn(object_store::ListResult) -> T,
    ) -> io::Result<T> {
        let (store, prefix) = (self.requests.store.clone(), object_key(dir));
        self.requests.block_on(async move { store.list_with_delimiter(Some(&prefix)).await.map(pick) })
    }
}

/// Returns the object key of a path: its components without the root.
fn object_key(path: &Path) -> path::Path {
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
            BufWriter::with_capacity(self.requests.store.clone(), object_key(path), UPLOAD_PART_BYTES);
        Ok(Box::new(ObjectUpload {
            requests: self.requests.clone(),
            writer: Some(writer),
            buffer: Vec::new(),
        }))
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

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from == to {
            return Ok(());
        }
        let (store, from, to) = (self.requests.store.clone(), object_key(from), object_key(to));
        self.requests.block_on(async move { store.rename(&from, &to).await })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (store, key) = (self.requests.store.clone(), object_key(path));
        self.requests.block_on(async move { store.delete(&key).await })
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let (store, key) = (self.requests.store.clone(), object_key(path));
        self.requests.block_on(async move { store.get(&key).await?.bytes().await }).map(Into::into)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let (store, key) = (self.requests.store.clone(), object_key(path));
        self.requests.block_on(async move { store.head(&key).await }).map(|meta| meta.size)
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
        Ok(DiskReader::Remote(RemoteFile { requests: self.requests.clone(), key: object_key(path), len }))
    }
}

/// An object being uploaded; it exists once `sync` has returned.
struct ObjectUpload {
    requests: ObjectStoreClient,
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
        self.writer = Some(self.requests.block_on(work)?);
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

/// An object read by ranges.
#[derive(Clone)]
pub struct RemoteFile {
    requests: ObjectStoreClient,
    key: path::Path,
    len: u64,
}

impl RemoteFile {
    fn range(&self, start: u64, len: u64) -> io::Result<Bytes> {
        let (store, key) = (self.requests.store.clone(), self.key.clone());
        let range = start..(start + len).min(self.len);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.requests.block_on(async move { store.get_range(&key, range).await })
    }
}

impl Length for RemoteFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for RemoteFile {
    type T = RemoteReader;

    fn get_read(&self, start: u64) -> parquet::errors::Result<RemoteReader> {
        Ok(RemoteReader { file: self.clone(), at: start, bytes: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let bytes = self.range(start, length as u64).map_err(|e| ParquetError::External(e.into()))?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("`{}` ends at {}", self.key, self.len)));
        }
        Ok(bytes)
    }
}

/// Sequential reader from an offset on, one chunk at a time.
pub struct RemoteReader {
    file: RemoteFile,
    at: u64,
    bytes: Bytes,
}

impl Read for RemoteReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            self.bytes = self.file.range(self.at, READ_CHUNK_BYTES)?;
            self.at += self.bytes.len() as u64;
        }
        let count = out.len().min(self.bytes.len());
        self.bytes.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

//! An object of an object store as input of the Parquet reader.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use object_store::ObjectStoreExt;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::object_client::ObjectStoreClient;

/// Bytes fetched per request when a reader does not say how many it needs.
const READ_CHUNK_BYTES: u64 = 256 << 10;

/// An object read by ranges.
#[derive(Clone)]
pub struct RemoteFile {
    client: ObjectStoreClient,
    key: object_store::path::Path,
    len: u64,
}

impl RemoteFile {
    /// A file of `len` bytes.
    pub fn new(client: ObjectStoreClient, key: object_store::path::Path, len: u64) -> Self {
        Self { client, key, len }
    }

    fn range(&self, start: u64, len: u64) -> io::Result<Bytes> {
        let (store, key) = (self.client.store().clone(), self.key.clone());
        let range = start..(start + len).min(self.len);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.client.block_on(async move { store.get_range(&key, range).await })
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

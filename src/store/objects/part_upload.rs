//! One multipart upload. Its id is in a file from its beginning to its end, so that the parts which a
//! crash leaves in the bucket, invisible and billed, are removed.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error, MultipartId, Result};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Size of every part but the last one, bytes. Smaller files are sent with one request.
pub const PART_BYTES: usize = 8 << 20;

/// The upload of one object.
pub struct PartUpload {
    parts: Arc<dyn MultipartStore>,
    key: Path,
    /// The file with its id.
    record: PathBuf,
}

impl PartUpload {
    /// An upload that is recorded in a file.
    pub fn new(parts: Arc<dyn MultipartStore>, key: Path, record: PathBuf) -> Self {
        Self { parts, key, record }
    }

    /// Name of the object.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Sends the first part and the rest of the file. After an error the bucket has nothing of it, or the record stays.
    pub async fn run(&self, first: Vec<u8>, rest: &mut File) -> Result<()> {
        let id = self.parts.create_multipart(&self.key).await?;
        let sent = self.send(&id, first, rest).await;
        match &sent {
            Ok(()) => self.forget().await?,
            Err(_) => {
                if let Err(error) = self.abort(&id).await {
                    tracing::warn!(%error, key = %self.key, "parts of an upload stay until the next maintenance");
                }
            }
        }
        sent
    }

    /// Has the bucket forget the parts of the upload that the record names, if there is one.
    pub async fn abort_recorded(&self) -> Result<()> {
        match tokio::fs::read_to_string(&self.record).await {
            // A crash came before the id was written.
            Ok(id) if id.is_empty() => self.forget().await,
            Ok(id) => self.abort(&id).await,
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(local(error)),
        }
    }

    async fn send(&self, id: &MultipartId, first: Vec<u8>, rest: &mut File) -> Result<()> {
        self.write_record(id).await.map_err(local)?;
        let (mut sent, mut next) = (Vec::new(), first);
        while !next.is_empty() {
            let part = self.parts.put_part(&self.key, id, sent.len(), next.into()).await?;
            sent.push(part);
            next = next_part(rest).await?;
        }
        self.parts.complete_multipart(&self.key, id, sent).await.map(drop)
    }

    async fn write_record(&self, id: &MultipartId) -> std::io::Result<()> {
        let mut record = File::create(&self.record).await?;
        record.write_all(id.as_bytes()).await?;
        record.sync_all().await
    }

    async fn abort(&self, id: &MultipartId) -> Result<()> {
        match self.parts.abort_multipart(&self.key, id).await {
            // One that the bucket does not know has ended.
            Ok(()) | Err(Error::NotFound { .. }) => self.forget().await,
            Err(error) => Err(error),
        }
    }

    async fn forget(&self) -> Result<()> {
        match tokio::fs::remove_file(&self.record).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(local(error)),
            _ => Ok(()),
        }
    }
}

/// Reads the next part of a file; an empty one at its end.
pub async fn next_part(file: &mut File) -> Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(PART_BYTES as u64).read_to_end(&mut part).await.map_err(local)?;
    Ok(part)
}

/// Wraps an error of a local file.
pub fn local(error: std::io::Error) -> Error {
    Error::Generic { store: "local file", source: Box::new(error) }
}

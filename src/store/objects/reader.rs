//! Reading the content of an object in ranges, as a stream.

use std::fs::File;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

/// Bytes that are fetched of a bucket with one request. A slow reader holds so many in memory, and no connection of the bucket.
const READ_BYTES: u64 = 256 << 10;

/// The content of an object.
#[derive(Debug)]
pub enum ObjectReader {
    Local(File),
    Remote(RemoteObject),
}

/// An object of a bucket.
#[derive(Debug, Clone)]
pub struct RemoteObject {
    store: Arc<dyn ObjectStore>,
    key: Path,
}

impl ObjectReader {
    /// Reads a range of bytes, the first of them before it returns where they are fetched from elsewhere.
    ///
    /// # Errors
    /// Any I/O error; so may the stream.
    pub async fn stream(self, range: Range<u64>) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        match self {
            ObjectReader::Local(file) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(SeekFrom::Start(range.start)).await?;
                Ok(ReaderStream::new(file.take(range.end.saturating_sub(range.start))).boxed())
            }
            ObjectReader::Remote(object) => object.stream(range).await,
        }
    }
}

impl RemoteObject {
    pub(super) fn new(store: Arc<dyn ObjectStore>, key: Path) -> Self {
        Self { store, key }
    }

    async fn stream(self, range: Range<u64>) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let Some((first, rest)) = self.next(range).await? else { return Ok(stream::empty().boxed()) };
        let later = stream::try_unfold((self, rest), |(object, rest)| async move {
            let next = object.next(rest).await?;
            Ok(next.map(|(bytes, rest)| (bytes, (object, rest))))
        });
        Ok(stream::once(async move { Ok(first) }).chain(later).boxed())
    }

    /// Fetches the beginning of a range; returns it with the rest of the range, `None` for an empty one.
    async fn next(&self, range: Range<u64>) -> io::Result<Option<(Bytes, Range<u64>)>> {
        if range.is_empty() {
            return Ok(None);
        }
        let end = range.end.min(range.start.saturating_add(READ_BYTES));
        let bytes = self.store.get_range(&self.key, range.start..end).await.map_err(io::Error::other)?;
        if bytes.len() as u64 != end - range.start {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((bytes, end..range.end)))
    }
}

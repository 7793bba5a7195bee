//! The content of an object on its way to a caller, wherever it is kept.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;

use crate::domain::{Error, Result};
use crate::store::objects::reader::ObjectReader;

/// The content of an object that a caller may fetch.
#[derive(Debug)]
pub struct ObjectContent(ObjectReader);

impl ObjectContent {
    pub(in crate::app) fn new(reader: ObjectReader) -> Self {
        Self(reader)
    }

    /// Reads a range of bytes.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read. An error of the stream ends it early.
    pub async fn stream(self, range: Range<u64>) -> Result<BoxStream<'static, io::Result<Bytes>>> {
        let unreadable = |e| Error::unavailable("the content of an object cannot be read").with_source(e);
        self.0.stream(range).await.map_err(unreadable)
    }
}

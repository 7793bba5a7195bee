//! Reading one lake file. Bounds choose row groups and pages from the kept footer, so that what a query does not ask
//! for is neither fetched nor decoded; what is decoded is cut to the bounds of stream_id and ts exactly.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, MetadataFetch};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::bounds::Bounds;
use super::by_key;
use super::layout::Layout;
use crate::domain::Error;
use crate::query::byte_size;
use crate::query::log::Meter;
use crate::store::lake::batch_rows::batch_rows;
use crate::store::lake::cache;
use crate::store::lake::chunks::Chunks;
use crate::store::lake::file::LakeFile;
use crate::store::lake::footers;
use crate::store::lake::pages::{self, Group};
use crate::store::lake::place::Place;
use crate::store::snapshot::Snapshot;
use crate::store::table::Table;

/// A batch of this size is not worth counting: numbers, and texts as instruments have them.
const UNCOUNTED_BYTES: usize = 1 << 20;
/// Fewer rows than this are not worth a second task.
const ROWS_OF_A_TASK: usize = 32 * 1024;

/// What is read of each file.
#[derive(Clone)]
pub struct Reading {
    pub snapshot: Arc<Snapshot>,
    pub bounds: Arc<Bounds>,
    /// Indices into `schema::readings()`; stream_id is among them.
    pub columns: Vec<usize>,
    /// Bytes decoded at a time, about.
    pub batch_bytes: u64,
    pub meter: Arc<Meter>,
}

/// A part of a file: of the row groups with wanted rows every `of`-th, from the `nth` on.
#[derive(Clone)]
pub struct Part {
    pub file: Arc<LakeFile>,
    pub nth: usize,
    pub of: usize,
}

impl Part {
    pub fn whole(file: Arc<LakeFile>) -> Self {
        Self { file, nth: 0, of: 1 }
    }

    fn groups(&self, all: Vec<Group>) -> Vec<Group> {
        let selected: usize = all.iter().map(Group::selected).sum();
        if selected <= ROWS_OF_A_TASK {
            return if self.nth == 0 { all } else { Vec::new() };
        }
        all.into_iter().skip(self.nth).step_by(self.of).collect()
    }
}

impl Reading {
    /// The wanted rows of a part of a file, in the order of the file.
    ///
    /// # Errors
    /// `Unavailable`, naming the file, when it cannot be read.
    pub async fn open(
        self,
        part: Part,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let path = part.file.path.clone();
        let memory = MemoryConsumer::new("LakeRows").register(context.memory_pool());
        let rows = self.rows(part).await.map_err(|e| unreadable(&path, e))?;
        let rows = rows.map_err(move |e| unreadable(&path, e));
        Ok(rows.map(move |batch| counted(batch?, &memory)).boxed())
    }

    async fn rows(self, part: Part) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let object = self.object(&part.file);
        let footer = self.footer(&part.file, &object).await?;
        let groups = part.groups(pages::select(footer.metadata(), &*self.bounds));
        if groups.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let bounds = self.bounds;
        let layout = Layout::new(&self.columns, !bounds.covers(part.file.ts));
        let batch_rows = batch_rows(footer.metadata(), &groups, &layout.decoded, self.batch_bytes);
        let few = Chunks::few(&part.file.path, &footer, &groups, &layout.decoded, &self.snapshot.cache);
        let batches = match few {
            Some(chunks) => {
                self.meter.read_bytes(chunks.bytes());
                let bytes = object.fetch(chunks.missing()).await?;
                let pages = chunks.fetched(bytes)?;
                match layout.cuts(&bounds) {
                    true => stream::iter(by_key::read(pages, layout, bounds, batch_rows)).boxed(),
                    false => {
                        stream::iter(pages.read(batch_rows)?).map(move |batch| layout.show(&batch?)).boxed()
                    }
                }
            }
            None => {
                let mask = ProjectionMask::roots(footer.parquet_schema(), layout.decoded.iter().copied());
                let file = OpenFile { object, metadata: footer.metadata().clone(), meter: self.meter };
                let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(file, footer)
                    .with_projection(mask)
                    .with_row_groups(groups.iter().map(|g| g.index).collect())
                    .with_batch_size(batch_rows);
                if let Some(selection) = pages::selection(&groups) {
                    builder = builder.with_row_selection(selection);
                }
                builder.build()?.map(move |batch| layout.cut(batch?, &bounds)).boxed()
            }
        };
        Ok(batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0)).boxed())
    }

    fn object(&self, file: &LakeFile) -> Object {
        Object { place: self.snapshot.place.clone(), path: self.snapshot.lake_dir.join(&file.path) }
    }

    async fn footer(&self, file: &LakeFile, object: &Object) -> Result<ArrowReaderMetadata> {
        let cache = &self.snapshot.cache;
        if let Some(known) = cache.footer(&file.path) {
            return Ok(known);
        }
        let options = cache::options(Table::Readings);
        let footer = match footers::range(file) {
            Some(range) => footers::parse(file, object.fetch_one(range).await?, options)?,
            None => {
                let reader = ParquetMetaDataReader::new()
                    .with_column_index_policy(options.column_index_policy())
                    .with_offset_index_policy(options.offset_index_policy());
                let metadata = reader.load_and_finish(object, file.bytes).await?;
                ArrowReaderMetadata::try_new(Arc::new(metadata), options)?
            }
        };
        cache.put_footer(&file.path, &footer);
        Ok(footer)
    }
}

/// Where a file is.
struct Object {
    place: Place,
    path: PathBuf,
}

impl Object {
    async fn fetch(&self, ranges: &[Range<u64>]) -> parquet::errors::Result<Vec<Bytes>> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        self.place.read(&self.path, ranges).await.map_err(|e| ParquetError::External(Box::new(e)))
    }

    async fn fetch_one(&self, range: Range<u64>) -> parquet::errors::Result<Bytes> {
        let bytes = self.fetch(&[range]).await?;
        bytes
            .into_iter()
            .next()
            .ok_or_else(|| ParquetError::EOF("a range of a file without bytes".to_owned()))
    }
}

/// Of a footer: what a query reads is told without, as another one may have read it.
impl MetadataFetch for &Object {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.fetch_one(range).boxed()
    }
}

/// A file whose footer is known.
struct OpenFile {
    object: Object,
    metadata: Arc<ParquetMetaData>,
    meter: Arc<Meter>,
}

impl AsyncFileReader for OpenFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.meter.read_bytes(range.end - range.start);
        self.object.fetch_one(range).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.meter.read_bytes(ranges.iter().map(|r| r.end - r.start).sum());
        async move { self.object.fetch(&ranges).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        std::future::ready(Ok(self.metadata.clone())).boxed()
    }
}

/// Counts a batch in a query's share for as long as the next one is not asked for.
fn counted(batch: RecordBatch, memory: &MemoryReservation) -> Result<RecordBatch> {
    let bytes = byte_size::of_slice(&batch)?;
    memory.try_resize(if bytes > UNCOUNTED_BYTES { bytes } else { 0 })?;
    Ok(batch)
}

fn unreadable(path: &str, e: DataFusionError) -> DataFusionError {
    let error = Error::unavailable(format!("`{path}` of the lake cannot be read")).because(e);
    DataFusionError::External(Box::new(error))
}

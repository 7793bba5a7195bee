//! Reads one lake file. Bounds select row groups and pages from the cached footer, so that data outside them is neither
//! fetched nor decoded; decoded rows are then cut exactly to the bounds of stream_id and ts.

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
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, MetadataFetch};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::bounds::Bounds;
use super::late_materialization;
use super::projection::FileProjection;
use super::row_group_reader::{ReadAhead, RowGroupReader};
use crate::domain::Error;
use crate::query::byte_size;
use crate::query::log::ScanMetrics;
use crate::store::lake::batch_rows::step_rows;
use crate::store::lake::cache;
use crate::store::lake::file::LakeFile;
use crate::store::lake::footers;
use crate::store::lake::location::LakeLocation;
use crate::store::lake::page_fetch::PageFetch;
use crate::store::lake::page_pruning::{self, RowGroupSelection};
use crate::store::lake::table_reader::row_group_bounds;
use crate::store::snapshot::Snapshot;
use crate::store::table::Table;

/// Batches up to this size are not accounted for: numbers, and texts of a length usual for instruments.
const MIN_ACCOUNTED_BYTES: usize = 1 << 20;
/// Most rows of a batch of columns without texts. What a batch costs of its own is shared by its rows; those of three columns
/// still fit into the second cache of a processor.
const MAX_NUMBER_ROWS: usize = 16 * 1024;
/// Fewer rows than this do not justify another task.
const MIN_ROWS_PER_TASK: usize = 32 * 1024;

/// Parameters for reading each file.
#[derive(Clone)]
pub struct FileScan {
    pub snapshot: Arc<Snapshot>,
    pub bounds: Arc<Bounds>,
    /// Indices into `schema::readings()`; stream_id is among them.
    pub columns: Vec<usize>,
    /// Approximate bytes decoded at a time.
    pub batch_bytes: u64,
    /// Most bytes of a file of a distant store that are fetched at once, as stored.
    pub ahead_bytes: usize,
    pub metrics: Arc<ScanMetrics>,
}

/// A partition of a file: of the row groups with selected rows in one share of the file, every `count`-th from number `index` on.
#[derive(Clone)]
pub struct FilePartition {
    pub file: Arc<LakeFile>,
    /// The part of the file that this node reads.
    pub share: FileShare,
    pub index: usize,
    pub count: usize,
}

/// One of `count` parts of a file, adjacent row groups each: a node reads ranges that are near each other in one request, and
/// with them what is between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileShare {
    pub index: usize,
    pub count: usize,
}

impl FileShare {
    /// The whole file.
    pub const WHOLE: FileShare = FileShare { index: 0, count: 1 };

    /// Returns which of `all` things are in this part; the parts together have each once.
    pub fn range(self, all: usize) -> Range<usize> {
        all * self.index / self.count..all * (self.index + 1) / self.count
    }
}

impl FilePartition {
    /// All of a file as one partition, read on one node.
    pub fn whole(file: Arc<LakeFile>) -> Self {
        Self { file, share: FileShare::WHOLE, index: 0, count: 1 }
    }

    /// Divides a whole file among `count` nodes. Shares differ by a row group, and few rows are in one: which node has the most is
    /// another one for another file.
    pub fn share_out(file: Arc<LakeFile>, count: usize) -> impl Iterator<Item = FilePartition> {
        let first = crc32fast::hash(file.path.as_bytes()) as usize;
        let share = move |nth: usize| FileShare { index: first.wrapping_add(nth) % count, count };
        (0..count).map(move |nth| Self { share: share(nth), ..Self::whole(file.clone()) })
    }

    /// Divides what a node reads into `count` partitions.
    pub fn divide(self, count: usize) -> impl Iterator<Item = FilePartition> {
        (0..count).map(move |index| Self { index, count, ..self.clone() })
    }

    fn groups(&self, all: Vec<RowGroupSelection>) -> Vec<RowGroupSelection> {
        let selected: usize = all.iter().map(RowGroupSelection::selected).sum();
        if selected <= MIN_ROWS_PER_TASK {
            let is_first = self.share.index == 0 && self.index == 0;
            return if is_first { all } else { Vec::new() };
        }
        let own = self.share.range(all.len());
        let own = all.into_iter().skip(own.start).take(own.len());
        own.skip(self.index).step_by(self.count).collect()
    }
}

impl FileScan {
    /// Streams the selected rows of a partition of a file, in file order.
    ///
    /// # Errors
    /// `Unavailable`, naming the file, when it cannot be read.
    pub async fn open(
        self,
        part: FilePartition,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let path = part.file.path.clone();
        let memory = MemoryConsumer::new("LakeRows").register(context.memory_pool());
        let ahead = ReadAhead::new(context.memory_pool(), self.ahead_bytes);
        let rows = self.rows(part, ahead).await.map_err(|e| unreadable(&path, e))?;
        let rows = rows.map_err(move |e| unreadable(&path, e));
        Ok(rows.map(move |batch| account_batch(batch?, &memory)).boxed())
    }

    async fn rows(
        self,
        part: FilePartition,
        ahead: ReadAhead,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let object = self.object(&part.file);
        let footer = self.footer(&part.file, &object).await?;
        let groups = part.groups(page_pruning::select_row_groups(footer.metadata(), &*self.bounds));
        if groups.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let bounds = self.bounds;
        let layout = FileProjection::new(&self.columns, !bounds.ts.covers(part.file.ts));
        let is_wanted = have_one_stream_each(footer.metadata(), &groups);
        let layout = if is_wanted { layout.of_wanted_streams() } else { layout };
        let (metadata, columns) = (footer.metadata(), &layout.decoded);
        let batch_rows = step_rows(MAX_NUMBER_ROWS, metadata, &groups, columns, self.batch_bytes);
        let step_rows =
            step_rows(late_materialization::MAX_STEP_ROWS, metadata, &groups, columns, self.batch_bytes);
        let few =
            PageFetch::if_small(&part.file.path, &footer, &groups, &layout.decoded, &self.snapshot.cache);
        let batches = match few {
            Some(chunks) => {
                self.metrics.add_bytes(chunks.bytes());
                let bytes = object.fetch(chunks.missing()).await?;
                let pages = chunks.into_pages(bytes)?;
                match layout.needs_filter(&bounds) {
                    true => {
                        stream::iter(late_materialization::read(pages, layout, bounds, step_rows)).boxed()
                    }
                    false => {
                        // Of chosen streams as many rows as where the others of their pages are cut off.
                        let rows = if bounds.streams.is_some() { step_rows } else { batch_rows };
                        stream::iter(pages.read(rows)?).map(move |batch| layout.project(&batch?)).boxed()
                    }
                }
            }
            None => {
                let mask = ProjectionMask::roots(footer.parquet_schema(), layout.decoded.iter().copied());
                let at_once = match self.snapshot.location.is_remote() {
                    true => ahead.reserve(metadata, &groups, columns),
                    false => 1,
                };
                let file =
                    LakeFileReader { object, metadata: footer.metadata().clone(), metrics: self.metrics };
                let reader = RowGroupReader { file, footer, columns: mask, batch_rows };
                let rows = reader.read(groups, at_once, ahead);
                rows.map(move |batch| layout.filter_and_project(batch?, &bounds)).boxed()
            }
        };
        Ok(batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0)).boxed())
    }

    fn object(&self, file: &LakeFile) -> LakeObject {
        LakeObject { place: self.snapshot.location.clone(), path: self.snapshot.lake_dir.join(&file.path) }
    }

    async fn footer(&self, file: &LakeFile, object: &LakeObject) -> Result<ArrowReaderMetadata> {
        let cache = &self.snapshot.cache;
        if let Some(known) = cache.footer(&file.path) {
            return Ok(known);
        }
        let options = cache::footer_options(Table::Readings);
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

/// Whether each of the selected row groups has rows of one stream, by its footer. A group is selected only where one of its streams is
/// wanted, so all rows of these groups are of wanted streams.
fn have_one_stream_each(file: &ParquetMetaData, groups: &[RowGroupSelection]) -> bool {
    groups.iter().all(|group| {
        let ids = row_group_bounds(file.row_group(group.index)).ids;
        ids.min == ids.max
    })
}

/// Location of a file.
#[derive(Clone)]
struct LakeObject {
    place: LakeLocation,
    path: PathBuf,
}

impl LakeObject {
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

/// Fetches a footer. Its bytes are not counted for the query, since the footer may already be cached for another one.
impl MetadataFetch for &LakeObject {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.fetch_one(range).boxed()
    }
}

/// Reader of a file whose footer is loaded.
#[derive(Clone)]
struct LakeFileReader {
    object: LakeObject,
    metadata: Arc<ParquetMetaData>,
    metrics: Arc<ScanMetrics>,
}

impl AsyncFileReader for LakeFileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.metrics.add_bytes(range.end - range.start);
        self.object.fetch_one(range).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.metrics.add_bytes(ranges.iter().map(|r| r.end - r.start).sum());
        async move { self.object.fetch(&ranges).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        std::future::ready(Ok(self.metadata.clone())).boxed()
    }
}

/// Reserves the memory of a batch in the query's pool until the next batch is read.
fn account_batch(batch: RecordBatch, memory: &MemoryReservation) -> Result<RecordBatch> {
    let bytes = byte_size::of_slice(&batch)?;
    memory.try_resize(if bytes > MIN_ACCOUNTED_BYTES { bytes } else { 0 })?;
    Ok(batch)
}

fn unreadable(path: &str, e: DataFusionError) -> DataFusionError {
    let error = Error::unavailable(format!("`{path}` of the lake cannot be read")).with_source(e);
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{ArrayRef, Int32Array, Int64Array};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::*;
    use crate::domain::min_max::MinMax;
    use crate::domain::time::Day;
    use crate::store::schema::STREAM_ID;

    fn file() -> Arc<LakeFile> {
        Arc::new(LakeFile {
            path: "date=2026-04-28/part-1.parquet".to_owned(),
            day: Day(0),
            rows: 0,
            bytes: 0,
            streams: MinMax::new(0, 0),
            ts: MinMax::new(0, 0),
            seq: MinMax::new(0, 0),
            is_late: false,
            crc32: None,
            longest_text: None,
            footer: None,
        })
    }

    /// Numbers of the row groups that each partition of each node reads.
    fn groups(nodes: usize, partitions: usize, rows: &[usize]) -> Vec<Vec<Vec<usize>>> {
        let selections = || -> Vec<RowGroupSelection> {
            let selection = |(index, rows): (usize, &usize)| RowGroupSelection {
                index,
                rows: *rows,
                ranges: std::iter::once(0..*rows).collect(),
            };
            rows.iter().enumerate().map(selection).collect()
        };
        let of = |part: FilePartition| part.groups(selections()).iter().map(|group| group.index).collect();
        let mut shares: Vec<FilePartition> = FilePartition::share_out(file(), nodes).collect();
        shares.sort_by_key(|part| part.share.index);
        shares.into_iter().map(|share| share.divide(partitions).map(of).collect()).collect()
    }

    #[test]
    fn nodes_read_adjacent_row_groups_and_their_partitions_every_other() {
        let large = [MIN_ROWS_PER_TASK; 7];
        assert_eq!(groups(1, 1, &large), [[[0, 1, 2, 3, 4, 5, 6]]]);
        assert_eq!(groups(1, 2, &large), [[vec![0, 2, 4, 6], vec![1, 3, 5]]]);
        assert_eq!(groups(2, 2, &large), [[vec![0, 2], vec![1]], [vec![3, 5], vec![4, 6]]]);
        let one = [2 * MIN_ROWS_PER_TASK];
        assert_eq!(groups(2, 1, &one), [[vec![]], [vec![0]]]);
        let few = [MIN_ROWS_PER_TASK / 2; 2];
        assert_eq!(groups(2, 2, &few), [[vec![0, 1], vec![]], [vec![], vec![]]], "one task is enough");
    }

    /// The footer of a file with these rows, two in each row group.
    fn footer_of(streams: &[i32]) -> ArrowReaderMetadata {
        let ids: ArrayRef = Arc::new(Int32Array::from_iter_values(streams.iter().copied()));
        let times: ArrayRef = Arc::new(Int64Array::from_iter_values(0..streams.len() as i64));
        let batch = RecordBatch::try_from_iter([("stream_id", ids), ("ts", times)]).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        ArrowReaderMetadata::load(&Bytes::from(bytes), ArrowReaderOptions::new()).unwrap()
    }

    #[test]
    fn row_groups_of_one_stream_each_are_read_without_a_look_at_it() {
        let footer = footer_of(&[1, 1, 1, 2, 2, 2]);
        let is_of_one_each = |chosen: &[usize]| {
            let selection = |index: &usize| RowGroupSelection {
                index: *index,
                rows: 2,
                ranges: std::iter::once(0..2).collect(),
            };
            have_one_stream_each(footer.metadata(), &chosen.iter().map(selection).collect::<Vec<_>>())
        };
        assert!(is_of_one_each(&[0, 2]));
        assert!(!is_of_one_each(&[0, 1, 2]), "the second one has two");

        let bounds = Bounds { streams: Some(BTreeSet::from([1])), ..Bounds::default() };
        let layout = |cuts_ts| FileProjection::new(&[STREAM_ID], cuts_ts);
        assert!(layout(false).needs_filter(&bounds));
        assert!(!layout(false).of_wanted_streams().needs_filter(&bounds));
        assert!(layout(true).of_wanted_streams().needs_filter(&bounds), "rows of other times are cut");
    }
}

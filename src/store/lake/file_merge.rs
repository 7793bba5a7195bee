//! K-way merge of sorted files of a table, block by block: memory holds one batch of each file, never a whole file.

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::file::LakeFile;
use super::table_reader::{ReadFilter, TableReader, unreadable};
use crate::domain::Result;
use crate::store::memtable::run::{self, Run};
use crate::store::schema;
use crate::store::table::Table;
use crate::store::upsert_rows::{self, UpsertKey, UpsertRows};

/// Rows of one table that are sorted and unique by key, and can be split into blocks.
pub trait SortedRows: Clone + Sized {
    type Key: Ord + Clone;

    fn from_batch(table: Table, batch: &RecordBatch) -> Result<Self>;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn last_key(&self) -> Option<Self::Key>;
    /// Splits the rows into those up to and including `key`, and those after it.
    fn split_after(&self, key: &Self::Key) -> (Self, Self);
    /// Merges several parts, given oldest first; of equal keys the later row wins.
    fn merge(parts: &[Self]) -> Option<Self>;
}

impl SortedRows for Run {
    type Key = (i32, i64);

    fn from_batch(_: Table, batch: &RecordBatch) -> Result<Self> {
        schema::run_from_batch(batch)
    }

    fn len(&self) -> usize {
        Run::len(self)
    }

    fn last_key(&self) -> Option<Self::Key> {
        Run::last_key(self)
    }

    fn split_after(&self, key: &Self::Key) -> (Self, Self) {
        let after = (key.0, key.1.saturating_add(1));
        let taken = self.slice_between((i32::MIN, i64::MIN), after);
        let rest = self.slice(taken.len(), self.len() - taken.len());
        (taken, rest)
    }

    fn merge(parts: &[Self]) -> Option<Self> {
        run::merge(parts)
    }
}

impl SortedRows for UpsertRows {
    type Key = (i32, i64, String);

    fn from_batch(table: Table, batch: &RecordBatch) -> Result<Self> {
        UpsertRows::from_sorted_batch(table, batch.clone())
    }

    fn len(&self) -> usize {
        UpsertRows::len(self)
    }

    fn last_key(&self) -> Option<Self::Key> {
        let UpsertKey { id, ts, label } = self.key(UpsertRows::len(self).checked_sub(1)?);
        Some((id, ts, label.to_owned()))
    }

    fn split_after(&self, (id, ts, label): &Self::Key) -> (Self, Self) {
        let count = self.count_up_to(UpsertKey { id: *id, ts: *ts, label });
        (self.slice(0, count), self.slice(count, UpsertRows::len(self) - count))
    }

    fn merge(parts: &[Self]) -> Option<Self> {
        upsert_rows::merge(parts)
    }
}

/// A merge in progress over several inputs.
pub struct FileMerge<R: SortedRows> {
    inputs: Vec<FileMergeInput<R>>,
}

struct FileMergeInput<R> {
    /// `None` for rows in memory.
    reader: Option<ParquetRecordBatchReader>,
    /// Rows read but not yet returned.
    rows: Option<R>,
    table: Table,
    path: String,
}

impl<R: SortedRows> FileMerge<R> {
    /// Opens files of a table's directory, given in write order.
    pub fn open<'a>(
        source: &TableReader,
        files: impl IntoIterator<Item = &'a LakeFile>,
        wanted: &ReadFilter,
    ) -> Result<Self> {
        let mut inputs = Vec::new();
        for file in files {
            if let Some(reader) = source.open(file, wanted)? {
                let (table, path) = (source.table, file.path.clone());
                inputs.push(FileMergeInput { reader: Some(reader), rows: None, table, path });
            }
        }
        Ok(Self { inputs })
    }

    /// Adds rows in memory, which were written after all inputs so far.
    pub fn with_rows(mut self, table: Table, rows: R) -> Self {
        self.inputs.push(FileMergeInput { reader: None, rows: Some(rows), table, path: String::new() });
        self
    }

    /// Returns the next rows in order, or `None` at the end. A block reaches up to the least of the inputs' last read
    /// keys, because no unread row can precede that key.
    pub fn next_block(&mut self) -> Result<Option<R>> {
        for input in &mut self.inputs {
            input.fill()?;
        }
        self.inputs.retain(|input| input.rows.is_some());
        let last = |input: &FileMergeInput<R>| input.rows.as_ref().and_then(R::last_key);
        let Some(bound) = self.inputs.iter().filter_map(last).min() else { return Ok(None) };
        let parts: Vec<R> = self.inputs.iter_mut().map(|input| input.take_up_to(&bound)).collect();
        Ok(R::merge(&parts))
    }
}

impl<R: SortedRows> FileMergeInput<R> {
    /// Reads the next batch when `rows` is empty; `rows` is `None` at the end of the file.
    fn fill(&mut self) -> Result<()> {
        while self.rows.as_ref().is_none_or(SortedRows::is_empty) {
            let Some(batch) = self.reader.as_mut().and_then(Iterator::next) else {
                self.rows = None;
                return Ok(());
            };
            self.rows = Some(R::from_batch(self.table, &batch.map_err(|e| unreadable(&self.path, e))?)?);
        }
        Ok(())
    }

    fn take_up_to(&mut self, key: &R::Key) -> R {
        let rows = self.rows.take().expect("only filled inputs are taken from");
        let (taken, rest) = rows.split_after(key);
        self.rows = Some(rest);
        taken
    }
}

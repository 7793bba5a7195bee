//! Reading sorted files of a table side by side, a block at a time: memory holds one batch of each, never a file.

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::file::LakeFile;
use super::source::{Source, Wanted, unreadable};
use crate::domain::Result;
use crate::store::keyed::{self, KeyedRows};
use crate::store::memtable::run::{self, Run};
use crate::store::schema;
use crate::store::table::Table;

/// Rows of one table, sorted by key and one a key, that blocks are cut from.
pub trait Sorted: Clone + Sized {
    type Key: Ord + Clone;

    fn read(table: Table, batch: &RecordBatch) -> Result<Self>;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn last_key(&self) -> Option<Self::Key>;
    /// The rows up to and with `key`, and those after it.
    fn split_after(&self, key: &Self::Key) -> (Self, Self);
    /// One of several, given oldest first: of equal keys the later.
    fn merge(parts: &[Self]) -> Option<Self>;
}

impl Sorted for Run {
    type Key = (i32, i64);

    fn read(_: Table, batch: &RecordBatch) -> Result<Self> {
        schema::run(batch)
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

impl Sorted for KeyedRows {
    type Key = (i32, i64, String);

    fn read(table: Table, batch: &RecordBatch) -> Result<Self> {
        KeyedRows::read(table, batch.clone())
    }

    fn len(&self) -> usize {
        KeyedRows::len(self)
    }

    fn last_key(&self) -> Option<Self::Key> {
        let (id, ts, label) = self.key(KeyedRows::len(self).checked_sub(1)?);
        Some((id, ts, label.to_owned()))
    }

    fn split_after(&self, (id, ts, label): &Self::Key) -> (Self, Self) {
        let count = self.count_up_to((*id, *ts, label));
        (self.slice(0, count), self.slice(count, KeyedRows::len(self) - count))
    }

    fn merge(parts: &[Self]) -> Option<Self> {
        keyed::merge(parts)
    }
}

/// Files being read from the front together.
pub struct Blocks<R: Sorted> {
    inputs: Vec<Input<R>>,
}

struct Input<R> {
    /// `None` for rows of memory.
    reader: Option<ParquetRecordBatchReader>,
    /// Rows read and not yet handed on.
    rows: Option<R>,
    table: Table,
    path: String,
}

impl<R: Sorted> Blocks<R> {
    /// Opens files of a table's folder, given in the order of writes.
    pub fn open<'a>(
        source: &Source,
        files: impl IntoIterator<Item = &'a LakeFile>,
        wanted: &Wanted,
    ) -> Result<Self> {
        let mut inputs = Vec::new();
        for file in files {
            if let Some(reader) = source.open(file, wanted)? {
                let (table, path) = (source.table, file.path.clone());
                inputs.push(Input { reader: Some(reader), rows: None, table, path });
            }
        }
        Ok(Self { inputs })
    }

    /// Adds rows of memory, written after those there are.
    pub fn with_rows(mut self, table: Table, rows: R) -> Self {
        self.inputs.push(Input { reader: None, rows: Some(rows), table, path: String::new() });
        self
    }

    /// The next rows in order, or `None` at the end: everything up to the least of the inputs' last read keys, since
    /// no unread row can come before that.
    pub fn next_block(&mut self) -> Result<Option<R>> {
        for input in &mut self.inputs {
            input.fill()?;
        }
        self.inputs.retain(|input| input.rows.is_some());
        let last = |input: &Input<R>| input.rows.as_ref().and_then(R::last_key);
        let Some(bound) = self.inputs.iter().filter_map(last).min() else { return Ok(None) };
        let parts: Vec<R> = self.inputs.iter_mut().map(|input| input.take_up_to(&bound)).collect();
        Ok(R::merge(&parts))
    }
}

impl<R: Sorted> Input<R> {
    /// Makes `rows` something, unless the file is at its end.
    fn fill(&mut self) -> Result<()> {
        while self.rows.as_ref().is_none_or(Sorted::is_empty) {
            let Some(batch) = self.reader.as_mut().and_then(Iterator::next) else {
                self.rows = None;
                return Ok(());
            };
            self.rows = Some(R::read(self.table, &batch.map_err(|e| unreadable(&self.path, e))?)?);
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

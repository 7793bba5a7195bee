//! Reading sorted files of a table side by side, a block at a time: memory holds one batch of each, never a file.

use std::path::Path;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::file::LakeFile;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, LakeReader};
use crate::store::keyed::{self, KeyedRows};
use crate::store::memtable::run::{self, Run};
use crate::store::schema;
use crate::store::table::Table;

const BATCH_ROWS: usize = 8192;

/// Rows of one table, sorted by key and one a key, that blocks are cut from.
pub trait Sorted: Clone + Sized {
    type Key: Ord + Clone;

    fn read(table: Table, batch: &RecordBatch) -> Result<Self>;
    fn is_empty(&self) -> bool;
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

    fn is_empty(&self) -> bool {
        Run::is_empty(self)
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
        KeyedRows::new(table, batch.clone())
    }

    fn is_empty(&self) -> bool {
        KeyedRows::is_empty(self)
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

/// Which rows are wanted; row groups without any are not read. More rows may come.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Inclusive, of the first column.
    pub ids: (i32, i32),
    /// Inclusive, microseconds.
    pub ts: (i64, i64),
}

impl Wanted {
    pub const ALL: Wanted = Wanted { ids: (i32::MIN, i32::MAX), ts: (i64::MIN, i64::MAX) };

    fn may_hold(&self, group: &RowGroupMetaData) -> bool {
        let Wanted { ids, ts } = bounds(group);
        ids.0 <= self.ids.1 && self.ids.0 <= ids.1 && ts.0 <= self.ts.1 && self.ts.0 <= ts.1
    }
}

/// Ids and times that hold every row of a row group; all of them where its footer does not tell.
pub fn bounds(group: &RowGroupMetaData) -> Wanted {
    let ids = match group.column(0).statistics() {
        Some(Statistics::Int32(s)) => s.min_opt().copied().zip(s.max_opt().copied()),
        _ => None,
    };
    let ts = match group.column(1).statistics() {
        Some(Statistics::Int64(s)) => s.min_opt().copied().zip(s.max_opt().copied()),
        _ => None,
    };
    Wanted { ids: ids.unwrap_or(Wanted::ALL.ids), ts: ts.unwrap_or(Wanted::ALL.ts) }
}

/// Opens a file of a table's folder.
pub fn open(
    (disk, dir): (&dyn Disk, &Path),
    file: &LakeFile,
) -> Result<ParquetRecordBatchReaderBuilder<LakeReader>> {
    let opened = disk.open(&dir.join(&file.path)).map_err(|e| unreadable(&file.path, e))?;
    ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|e| unreadable(&file.path, e))
}

/// Files being read from the front together.
pub struct Blocks<R: Sorted> {
    inputs: Vec<Input<R>>,
}

struct Input<R> {
    reader: ParquetRecordBatchReader,
    /// Rows read and not yet handed on.
    rows: Option<R>,
    table: Table,
    path: String,
}

impl<R: Sorted> Blocks<R> {
    /// Opens files of a table's folder, given in the order of writes.
    pub fn open<'a>(
        (disk, dir): (&dyn Disk, &Path),
        table: Table,
        files: impl IntoIterator<Item = &'a LakeFile>,
        wanted: Wanted,
    ) -> Result<Self> {
        let open = |file: &LakeFile| Input::open((disk, dir), table, file, wanted);
        Ok(Self { inputs: files.into_iter().map(open).collect::<Result<_>>()? })
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
    fn open((disk, dir): (&dyn Disk, &Path), table: Table, file: &LakeFile, wanted: Wanted) -> Result<Self> {
        let path = file.path.clone();
        let builder = open((disk, dir), file)?;
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| wanted.may_hold(group)).map(|(i, _)| i).collect();
        let reader = builder.with_row_groups(groups).with_batch_size(BATCH_ROWS).build();
        Ok(Self { reader: reader.map_err(|e| unreadable(&path, e))?, rows: None, table, path })
    }

    /// Makes `rows` something, unless the file is at its end.
    fn fill(&mut self) -> Result<()> {
        while self.rows.as_ref().is_none_or(Sorted::is_empty) {
            let Some(batch) = self.reader.next() else {
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

/// What is said of a file that cannot be read.
pub fn unreadable(path: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("`{path}` of the lake cannot be read: {source}")).because(source)
}

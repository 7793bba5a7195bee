//! Upsert rows of `statistics` and `messages`: batches sorted by (id, ts, third part of the key), one row per key.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, interleave_record_batch, take_record_batch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};

use super::table::Table;
use crate::domain::time::Day;
use crate::domain::{Error, Micros, Result};

/// Key of a row. Keys are ordered by their fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpsertKey<'a> {
    /// Id of the stream or device.
    pub id: i32,
    /// Microseconds.
    pub ts: i64,
    /// Origin of a row of `statistics`, uuid of one of `messages`.
    pub label: &'a str,
}

/// Sorted rows of a keyed table.
#[derive(Debug, Clone, PartialEq)]
pub struct UpsertRows {
    table: Table,
    batch: RecordBatch,
}

impl UpsertRows {
    /// Sorts rows; of equal keys the later row is kept.
    ///
    /// # Errors
    /// `Unavailable` when the columns are not those of the table.
    pub fn new(table: Table, batch: RecordBatch) -> Result<Self> {
        let columns: Option<Vec<ArrayRef>> =
            table.schema().fields().iter().map(|f| batch.column_by_name(f.name()).cloned()).collect();
        let batch = columns.and_then(|columns| RecordBatch::try_new(table.schema(), columns).ok());
        let rows = Self { table, batch: batch.ok_or_else(|| unexpected_columns_error(table))? };
        let is_sorted = (1..rows.len()).all(|i| rows.key(i - 1) < rows.key(i));
        if is_sorted {
            return Ok(rows);
        }
        Ok(merge(std::slice::from_ref(&rows)).expect("one run was given"))
    }

    /// Wraps rows of a file, which are sorted and unique by key. Columns may be missing, except those of the key.
    ///
    /// # Errors
    /// `Unavailable` when the columns are not those of the table.
    pub fn from_sorted_batch(table: Table, batch: RecordBatch) -> Result<Self> {
        let schema = table.schema();
        let fields = batch.schema_ref().fields();
        let known: Option<Vec<usize>> = fields.iter().map(|f| schema.index_of(f.name()).ok()).collect();
        let known = known.filter(|known| known.starts_with(&[0, 1, 2]));
        let projected = known.and_then(|known| schema.project(&known).ok()).map(Arc::new);
        let batch = projected.and_then(|schema| RecordBatch::try_new(schema, batch.columns().to_vec()).ok());
        Ok(Self { table, batch: batch.ok_or_else(|| unexpected_columns_error(table))? })
    }

    /// Returns the table that the rows belong to.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Returns all columns of `Table::schema`, unless the rows were read with fewer.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Returns the number of rows, which is that of keys.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there is no row, as in a slice of ids that have none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the key of a row, from the first three columns. Panics when there are fewer rows.
    pub fn key(&self, row: usize) -> UpsertKey<'_> {
        let id = self.batch.column(0).as_primitive::<Int32Type>().value(row);
        let ts = self.batch.column(1).as_primitive::<TimestampMicrosecondType>().value(row);
        UpsertKey { id, ts, label: self.batch.column(2).as_string::<i32>().value(row) }
    }

    /// Returns the id of each row's stream or device, ascending.
    pub fn ids(&self) -> &[i32] {
        self.batch.column(0).as_primitive::<Int32Type>().values()
    }

    fn times(&self) -> &[i64] {
        self.batch.column(1).as_primitive::<TimestampMicrosecondType>().values()
    }

    /// Returns the seq of a row: the number of the request that wrote it.
    pub fn seq(&self, row: usize) -> i64 {
        self.batch.column(self.batch.num_columns() - 1).as_primitive::<Int64Type>().value(row)
    }

    /// Returns `len` rows from row `start` on, sharing the buffers. Panics when there are fewer.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        Self { table: self.table, batch: self.batch.slice(start, len) }
    }

    /// Returns the rows of streams or devices with ids in a range.
    pub fn slice_of_ids(&self, ids: RangeInclusive<i32>) -> Self {
        let start = self.ids().partition_point(|id| id < ids.start());
        let end = self.ids().partition_point(|id| id <= ids.end());
        self.slice(start, end.saturating_sub(start))
    }

    /// Returns the number of rows with a key of at most `key`.
    pub fn count_up_to(&self, key: UpsertKey<'_>) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let mid = low + (high - low) / 2;
            if self.key(mid) <= key { low = mid + 1 } else { high = mid }
        }
        low
    }

    /// Returns the rows with their seq replaced.
    pub fn with_seq(&self, seq: u64) -> Self {
        let mut columns = self.batch.columns().to_vec();
        let last = columns.len() - 1;
        columns[last] = Arc::new(Int64Array::from_value(seq as i64, self.len()));
        let batch = RecordBatch::try_new(self.table.schema(), columns).expect("only numbers of seq changed");
        Self { table: self.table, batch }
    }

    /// Returns only the given columns of `Table::schema`, in ascending order and including the key.
    pub fn project(&self, columns: &[usize]) -> Self {
        let batch = self.batch.project(columns).expect("columns are indices of the table's");
        Self { table: self.table, batch }
    }

    /// Returns the rows for which `keep` holds.
    pub fn select(&self, keep: impl Fn(&UpsertRows, usize) -> bool) -> Self {
        let rows: Vec<u32> = (0..self.len() as u32).filter(|row| keep(self, *row as usize)).collect();
        if rows.len() == self.len() { self.clone() } else { self.take(rows) }
    }

    /// Returns the rows of ranges, which are ascending and do not touch.
    pub fn take_ranges(&self, ranges: Vec<Range<usize>>) -> Self {
        if ranges.first().is_some_and(|rows| rows.len() == self.len()) {
            return self.clone();
        }
        self.take(ranges.into_iter().flatten().map(|row| row as u32).collect())
    }

    /// Returns the rows selected by a mask of the same length.
    pub fn filter(&self, mask: &BooleanArray) -> Self {
        let batch = filter_record_batch(&self.batch, mask).expect("the mask is as long as the rows");
        Self { table: self.table, batch }
    }

    fn take(&self, rows: Vec<u32>) -> Self {
        let batch =
            take_record_batch(&self.batch, &UInt32Array::from(rows)).expect("row numbers are of this batch");
        Self { table: self.table, batch }
    }

    /// Splits the rows by UTC day; each part stays sorted.
    pub fn by_day(&self) -> Vec<(Day, UpsertRows)> {
        let mut rows: BTreeMap<Day, Vec<u32>> = BTreeMap::new();
        for (row, ts) in (0_u32..).zip(self.times()) {
            rows.entry(Micros(*ts).day()).or_default().push(row);
        }
        rows.into_iter().map(|(day, rows)| (day, self.take(rows))).collect()
    }

    /// Returns the memory used, bytes.
    pub fn size_bytes(&self) -> usize {
        self.batch.get_array_memory_size()
    }
}

/// Merges several runs of one table, given oldest first. Of equal keys the row of the later run wins.
pub fn merge(runs: &[UpsertRows]) -> Option<UpsertRows> {
    let table = runs.first()?.table;
    let mut places: Vec<(usize, usize)> =
        runs.iter().enumerate().flat_map(|(run, rows)| (0..rows.len()).map(move |row| (run, row))).collect();
    let key = |(run, row): (usize, usize)| runs[run].key(row);
    // The sort is stable, so equal keys stay in write order.
    places.sort_by(|a, b| key(*a).cmp(&key(*b)));
    let mut kept: Vec<(usize, usize)> = Vec::with_capacity(places.len());
    for place in places {
        match kept.last_mut() {
            Some(last) if key(*last) == key(place) => *last = place,
            _ => kept.push(place),
        }
    }
    let batches: Vec<&RecordBatch> = runs.iter().map(|run| &run.batch).collect();
    let batch = match kept.is_empty() {
        true => RecordBatch::new_empty(runs[0].batch.schema()),
        false => interleave_record_batch(&batches, &kept).expect("places are of these runs of one table"),
    };
    Some(UpsertRows { table, batch })
}

fn unexpected_columns_error(table: Table) -> Error {
    Error::unavailable(format!("rows of {} have other columns than the table", table.name()))
}

#[cfg(test)]
#[path = "upsert_rows_tests.rs"]
mod tests;

//! Scan of `statistics`, its hours and `messages`: files and memory of a day, with the last write of each key.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::prelude::{Expr, col};

use super::bounds::{self, Bounds};
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::store::lake::file::{LakeFile, sort_by_write_order};
use crate::store::lake::file_merge::FileMerge;
use crate::store::lake::table_reader::{self, ReadFilter, TableReader};
use crate::store::snapshot::Snapshot;
use crate::store::table::Table;
use crate::store::upsert_rows::{self, UpsertRows};

/// Bytes decoded at a time from each file: many files of a day may be merged, and this memory is not accounted for.
const MAX_BATCH_BYTES: u64 = 1 << 20;

/// Whether a filter compares only ts and the column `id` with constants.
pub fn is_key_comparison(filter: &Expr, id: &str) -> bool {
    let is_known = |column: &&Column| column.name == id || column.name == "ts";
    filter.column_refs().iter().all(is_known) && bounds::is_key_comparison(&as_stream_id(filter, id))
}

/// Returns the bounds of ts and of the column `id`, with `id` in the place of `stream_id`.
pub fn bounds(filters: &[Expr], id: &str) -> Bounds {
    let filters: Vec<Expr> = filters.iter().map(|filter| as_stream_id(filter, id)).collect();
    Bounds::from_filters(&filters)
}

fn as_stream_id(filter: &Expr, id: &str) -> Expr {
    let renamed = filter.clone().transform(|e| match &e {
        Expr::Column(column) if column.name == id => Ok(Transformed::yes(col("stream_id"))),
        _ => Ok(Transformed::no(e)),
    });
    renamed.map_or_else(|_| filter.clone(), |renamed| renamed.data)
}

/// A scan of an upsert table of a snapshot. Reading blocks the thread, so it must run on a blocking one.
#[derive(Debug, Clone)]
pub struct UpsertScan {
    pub snapshot: Arc<Snapshot>,
    pub table: Table,
    /// Indices into `Table::schema`, ascending, including those of the key (the first three).
    pub columns: Vec<usize>,
}

impl UpsertScan {
    /// Returns the days that can contain rows within the time bounds.
    pub fn days(&self, ts: MinMax<i64>) -> Vec<Day> {
        let rows = &self.snapshot.upsert_tables[self.table];
        let mut days: Vec<Day> = rows.lake.days().keys().chain(rows.memory.keys()).copied().collect();
        days.sort_unstable();
        days.dedup();
        let is_within = |day: &Day| {
            let start = day.start().0;
            start <= ts.max && start + MICROS_PER_DAY > ts.min
        };
        days.retain(is_within);
        days
    }

    /// Passes the matching rows of a day to `give`, one per key, until it returns false. Returns whether `give`
    /// accepted all.
    pub fn read_day(
        &self,
        day: Day,
        wanted: &ReadFilter,
        give: &mut dyn FnMut(UpsertRows) -> Result<bool>,
    ) -> Result<bool> {
        let sources = self.sources(day, wanted);
        if !sources.overlap {
            for file in &sources.files {
                if !self.file(file, wanted, give)? {
                    return Ok(false);
                }
            }
            return match sources.memory {
                Some(rows) => give(rows),
                None => Ok(true),
            };
        }
        let files = sources.files.iter().map(AsRef::as_ref);
        let mut blocks: FileMerge<UpsertRows> = FileMerge::open(&self.source(), files, wanted)?;
        if let Some(rows) = sources.memory {
            blocks = blocks.with_rows(self.table, rows);
        }
        while let Some(block) = blocks.next_block()? {
            if !self.emit_matching(block, wanted, give)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(
        &self,
        file: &LakeFile,
        wanted: &ReadFilter,
        give: &mut dyn FnMut(UpsertRows) -> Result<bool>,
    ) -> Result<bool> {
        let Some(reader) = self.source().open(file, wanted)? else { return Ok(true) };
        for batch in reader {
            let batch = batch.map_err(|e| table_reader::unreadable(&file.path, e))?;
            if !self.emit_matching(UpsertRows::from_sorted_batch(self.table, batch)?, wanted, give)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn source(&self) -> TableReader {
        let rows = &self.snapshot.upsert_tables[self.table];
        TableReader {
            disk: self.snapshot.location.disk().clone(),
            dir: rows.lake_dir.clone(),
            table: self.table,
            columns: Some(self.columns.clone()),
            cache: Some(self.snapshot.cache.clone()),
            keeps_pages: true,
            batch_bytes: MAX_BATCH_BYTES,
        }
    }

    fn sources(&self, day: Day, wanted: &ReadFilter) -> UpsertSources {
        let rows = &self.snapshot.upsert_tables[self.table];
        let files = rows.lake.days().get(&day).into_iter().flatten();
        let mut files: Vec<Arc<LakeFile>> =
            files.filter(|f| wanted.file_survives_pruning(f)).cloned().collect();
        sort_by_write_order(&mut files);
        let runs = rows.memory.get(&day).into_iter().flatten();
        let runs: Vec<UpsertRows> =
            runs.filter_map(|run| self.retain_unexpired(run.project(&self.columns), wanted)).collect();
        let memory = upsert_rows::merge(&runs);
        let is_late = memory.is_some() || files.iter().any(|f| f.is_late);
        UpsertSources { overlap: is_late && files.len() + usize::from(memory.is_some()) > 1, files, memory }
    }
}

impl UpsertScan {
    fn emit_matching(
        &self,
        rows: UpsertRows,
        wanted: &ReadFilter,
        give: &mut dyn FnMut(UpsertRows) -> Result<bool>,
    ) -> Result<bool> {
        match self.retain_unexpired(rows, wanted) {
            Some(rows) => give(rows),
            None => Ok(true),
        }
    }

    /// Returns the matching rows that have not expired; `None` when there are none.
    fn retain_unexpired(&self, rows: UpsertRows, wanted: &ReadFilter) -> Option<UpsertRows> {
        let rows = retain_matching(rows, wanted)?;
        let bounds = &self.snapshot.retention_bounds;
        let since = match self.table {
            Table::Messages => &bounds.messages_from,
            Table::Readings | Table::Statistics | Table::HourlyStatistics => &bounds.statistics_from,
        };
        if since.is_empty() {
            return Some(rows);
        }
        let is_kept = |rows: &UpsertRows, i: usize| {
            let key = rows.key(i);
            key.ts >= since.start_of(key.id)
        };
        Some(rows.select(is_kept)).filter(|rows| !rows.is_empty())
    }
}

/// The files and rows in memory of a day.
struct UpsertSources {
    /// In write order.
    files: Vec<Arc<LakeFile>>,
    memory: Option<UpsertRows>,
    /// Whether a key can occur in more than one of them.
    overlap: bool,
}

/// Returns the matching rows; `None` when there are none.
fn retain_matching(rows: UpsertRows, wanted: &ReadFilter) -> Option<UpsertRows> {
    let ids = rows.batch().column(0).as_primitive::<Int32Type>().values();
    let times = rows.batch().column(1).as_primitive::<TimestampMicrosecondType>().values();
    let mut last = None;
    let mut is_wanted = |id: i32| match last {
        Some((known, is)) if known == id => is,
        _ => {
            let is = wanted.ids.as_ref().is_none_or(|ids| ids.binary_search(&id).is_ok());
            last = Some((id, is));
            is
        }
    };
    let mut mask: Vec<bool> =
        ids.iter().zip(times).map(|(id, ts)| is_wanted(*id) && wanted.ts.contains(*ts)).collect();
    if let Some(label) = wanted.label {
        mask.iter_mut().enumerate().for_each(|(row, keep)| *keep = *keep && rows.key(row).label == label);
    }
    let kept = mask.iter().filter(|keep| **keep).count();
    match kept {
        0 => None,
        all if all == mask.len() => Some(rows),
        _ => Some(rows.filter(&BooleanArray::from(mask))),
    }
}

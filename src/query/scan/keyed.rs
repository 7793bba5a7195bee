//! Reading `statistics` and `messages`: files and memory of a day, the last write of each key.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::prelude::{Expr, col};

use super::bounds::{self, Bounds};
use crate::domain::Result;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::store::keyed::{self, KeyedRows};
use crate::store::lake::blocks::Blocks;
use crate::store::lake::file::{LakeFile, order_by_writes};
use crate::store::lake::source::{self, Source, Wanted};
use crate::store::snapshot::Snapshot;
use crate::store::table::Table;

/// Bytes decoded at a time of each file: many of a day may be merged, and what is decoded of them is in nobody's account.
const BATCH_BYTES: u64 = 1 << 20;

/// Whether a filter compares only ts and the column `id` with constants.
pub fn is_plain(filter: &Expr, id: &str) -> bool {
    let is_known = |column: &&Column| column.name == id || column.name == "ts";
    filter.column_refs().iter().all(is_known) && bounds::is_plain(&as_stream_id(filter, id))
}

/// The bounds that filters put on ts and on the column `id`, as if that were `stream_id`.
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

/// A keyed table of a snapshot. Reading blocks: it is for threads that may.
#[derive(Debug, Clone)]
pub struct KeyedScan {
    pub snapshot: Arc<Snapshot>,
    pub table: Table,
    /// Indices into `Table::schema`, ascending, those of the key (the first three) among them.
    pub columns: Vec<usize>,
}

impl KeyedScan {
    /// The days that can hold rows with times within bounds, both inclusive.
    pub fn days(&self, (from, to): (i64, i64)) -> Vec<Day> {
        let rows = &self.snapshot.keyed[self.table];
        let mut days: Vec<Day> = rows.lake.days().keys().chain(rows.memory.keys()).copied().collect();
        days.sort_unstable();
        days.dedup();
        let is_within = |day: &Day| {
            let start = day.start().0;
            start <= to && start + MICROS_PER_DAY > from
        };
        days.retain(is_within);
        days
    }

    /// Hands on the wanted rows of a day, one a key, until `give` returns false. Whether that is so is returned.
    pub fn day(
        &self,
        day: Day,
        wanted: &Wanted,
        give: &mut dyn FnMut(KeyedRows) -> Result<bool>,
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
        let mut blocks: Blocks<KeyedRows> = Blocks::open(&self.source(), files, wanted)?;
        if let Some(rows) = sources.memory {
            blocks = blocks.with_rows(self.table, rows);
        }
        while let Some(block) = blocks.next_block()? {
            if !self.give_cut(block, wanted, give)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(
        &self,
        file: &LakeFile,
        wanted: &Wanted,
        give: &mut dyn FnMut(KeyedRows) -> Result<bool>,
    ) -> Result<bool> {
        let Some(reader) = self.source().open(file, wanted)? else { return Ok(true) };
        for batch in reader {
            let batch = batch.map_err(|e| source::unreadable(&file.path, e))?;
            if !self.give_cut(KeyedRows::read(self.table, batch)?, wanted, give)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn source(&self) -> Source {
        let rows = &self.snapshot.keyed[self.table];
        Source {
            disk: self.snapshot.place.disk().clone(),
            dir: rows.lake_dir.clone(),
            table: self.table,
            columns: Some(self.columns.clone()),
            cache: Some(self.snapshot.cache.clone()),
            keeps_pages: true,
            batch_bytes: BATCH_BYTES,
        }
    }

    fn sources(&self, day: Day, wanted: &Wanted) -> Sources {
        let rows = &self.snapshot.keyed[self.table];
        let files = rows.lake.days().get(&day).into_iter().flatten();
        let mut files: Vec<Arc<LakeFile>> = files.filter(|f| wanted.may_be_in(f)).cloned().collect();
        order_by_writes(&mut files);
        let runs = rows.memory.get(&day).into_iter().flatten();
        let runs: Vec<KeyedRows> =
            runs.filter_map(|run| self.cut(run.project(&self.columns), wanted)).collect();
        let memory = keyed::merge(&runs);
        let is_late = memory.is_some() || files.iter().any(|f| f.is_late);
        Sources { overlap: is_late && files.len() + usize::from(memory.is_some()) > 1, files, memory }
    }
}

impl KeyedScan {
    fn give_cut(
        &self,
        rows: KeyedRows,
        wanted: &Wanted,
        give: &mut dyn FnMut(KeyedRows) -> Result<bool>,
    ) -> Result<bool> {
        match self.cut(rows, wanted) {
            Some(rows) => give(rows),
            None => Ok(true),
        }
    }

    /// The wanted ones of rows that have not expired; `None` when there are none.
    fn cut(&self, rows: KeyedRows, wanted: &Wanted) -> Option<KeyedRows> {
        let rows = cut(rows, wanted)?;
        let since = &self.snapshot.kept.statistics;
        if self.table != Table::Statistics || since.is_empty() {
            return Some(rows);
        }
        let is_kept = |rows: &KeyedRows, i: usize| {
            let (id, ts, _) = rows.key(i);
            ts >= since.of(id)
        };
        Some(rows.select(is_kept)).filter(|rows| !rows.is_empty())
    }
}

/// What a day holds.
struct Sources {
    /// In the order of writes.
    files: Vec<Arc<LakeFile>>,
    memory: Option<KeyedRows>,
    /// Whether a key can be in more than one of them.
    overlap: bool,
}

/// The wanted ones of rows; `None` when there are none.
fn cut(rows: KeyedRows, wanted: &Wanted) -> Option<KeyedRows> {
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
    let (from, to) = wanted.ts;
    let mut mask: Vec<bool> =
        ids.iter().zip(times).map(|(id, ts)| is_wanted(*id) && from <= *ts && *ts <= to).collect();
    if let Some(label) = wanted.label {
        mask.iter_mut().enumerate().for_each(|(row, keep)| *keep = *keep && rows.key(row).2 == label);
    }
    let kept = mask.iter().filter(|keep| **keep).count();
    match kept {
        0 => None,
        all if all == mask.len() => Some(rows),
        _ => Some(rows.filter(&BooleanArray::from(mask))),
    }
}

//! Writes frozen rows as sorted files that become durable together.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::domain::Result;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::lake::file::LakeFile;
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::lake::fsync_batch::FsyncBatch;
use crate::store::memtable::chunked_merge::ChunkedMerge;
use crate::store::memtable::run::Run;
use crate::store::state::FrozenMemtable;
use crate::store::statistics::invalidations::Invalidations;
use crate::store::table::{PerTable, Table};
use crate::store::table_set::TableSet;
use crate::store::upsert_rows;

/// Files that a flush has written and not yet committed.
#[derive(Default)]
pub struct FlushedFiles {
    pub readings: Vec<LakeFile>,
    pub upserts: PerTable<Vec<LakeFile>>,
    pub touched: Invalidations,
}

impl FlushedFiles {
    /// Writes the files; they are durable on return.
    pub fn write(tables: &TableSet, frozen: &FrozenMemtable) -> Result<FlushedFiles> {
        let mut files = FlushedFiles::default();
        files.readings = files.write_readings(tables, frozen)?;
        for table in Table::UPSERT {
            files.upserts[table] = write_upserts(tables, frozen, table)?;
        }
        Ok(files)
    }

    /// Writes per day one file of on-time rows and one of late rows. A chunk of a day is in memory twice, never a whole
    /// day.
    fn write_readings(&mut self, tables: &TableSet, frozen: &FrozenMemtable) -> Result<Vec<LakeFile>> {
        let (disk, dir) = (tables.disk(), tables.dir(Table::Readings));
        let mut batch = FsyncBatch::new(disk);
        for (day, runs) in &frozen.days {
            let mut parts = [false, true].map(|is_late| DayFileWriter { is_late, writer: None });
            for piece in ChunkedMerge::new(runs.clone()) {
                self.touched.add_run(&piece);
                for (part, rows) in parts.iter_mut().zip(split_late(frozen, *day, piece)) {
                    part.add((disk, dir), *day, &rows)?;
                }
            }
            for writer in parts.into_iter().filter_map(|part| part.writer) {
                batch.add(writer.close()?)?;
            }
        }
        batch.finish()
    }
}

/// Writer of a day's readings, which creates the file with its first row.
struct DayFileWriter {
    is_late: bool,
    writer: Option<DataFileWriter>,
}

impl DayFileWriter {
    fn add(&mut self, (disk, dir): (&Arc<dyn Disk>, &Path), day: Day, rows: &Run) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(DataFileWriter::create(disk, dir, Table::Readings, day, self.is_late)?),
        };
        writer.write_run(rows)
    }
}

/// Splits the rows of a day into on-time and late ones. A stream's rows are in time order, so its late rows come first.
fn split_late(frozen: &FrozenMemtable, day: Day, all: Run) -> [Run; 2] {
    let (mut on_time, mut late) = (Vec::new(), Vec::new());
    let mut start = 0;
    while let Some(stream) = all.stream.get(start).copied() {
        let end = start + all.stream[start..].partition_point(|other| *other == stream);
        let newest = frozen.watermarks.newest(day, stream);
        let first =
            start + all.ts[start..end].partition_point(|ts| newest.is_some_and(|newest| *ts <= newest));
        late.push(start..first);
        on_time.push(first..end);
        start = end;
    }
    if late.iter().all(Range::is_empty) {
        let none = all.slice(0, 0);
        return [all, none];
    }
    [all.take_ranges(on_time), all.take_ranges(late)]
}

fn write_upserts(tables: &TableSet, frozen: &FrozenMemtable, table: Table) -> Result<Vec<LakeFile>> {
    let (disk, dir, lake) = (tables.disk(), tables.dir(table), tables.lake(table));
    let mut batch = FsyncBatch::new(disk);
    for (day, runs) in &frozen.upserts[table] {
        let Some(rows) = upsert_rows::merge(runs) else { continue };
        // The keys may be in the lake too when the day has files there.
        let is_late = lake.days().contains_key(day);
        let mut part = DataFileWriter::create(disk, dir, table, *day, is_late)?;
        part.write(rows.batch())?;
        batch.add(part.close()?)?;
    }
    batch.finish()
}

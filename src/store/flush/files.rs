//! The frozen rows as sorted files, durable together.

use std::ops::Range;
use std::path::Path;

use crate::domain::Result;
use crate::domain::time::Day;
use crate::store::disk::Disk;
use crate::store::keyed;
use crate::store::lake::batch::Batch;
use crate::store::lake::file::LakeFile;
use crate::store::lake::part::PartWriter;
use crate::store::memtable::pieces::Pieces;
use crate::store::memtable::run::Run;
use crate::store::state::{Frozen, Shared};
use crate::store::statistics::touched::Touched;
use crate::store::table::{PerTable, Table};

/// What a flush has written and nobody knows of yet.
#[derive(Default)]
pub struct Files {
    pub readings: Vec<LakeFile>,
    pub keyed: PerTable<Vec<LakeFile>>,
    pub touched: Touched,
}

impl Files {
    /// The files are durable when this returns.
    pub fn write(shared: &Shared, frozen: &Frozen) -> Result<Files> {
        let mut files = Files::default();
        files.readings = files.write_readings(shared, frozen)?;
        for table in Table::KEYED {
            files.keyed[table] = keyed_files(shared, frozen, table)?;
        }
        Ok(files)
    }

    /// Per day one file of rows that are on time and one of late ones. Memory holds a piece of a day a second time, never
    /// a day.
    fn write_readings(&mut self, shared: &Shared, frozen: &Frozen) -> Result<Vec<LakeFile>> {
        let disk = shared.place().disk().as_ref();
        let dir = shared.lake_dir(Table::Readings);
        let mut batch = Batch::new(disk);
        for (day, runs) in &frozen.days {
            let mut parts = [false, true].map(|is_late| DayPart { is_late, writer: None });
            for piece in Pieces::of(runs.clone()) {
                self.touched.add_run(&piece);
                for (part, rows) in parts.iter_mut().zip(split(frozen, *day, piece)) {
                    part.add((disk, &dir), *day, &rows)?;
                }
            }
            for writer in parts.into_iter().filter_map(|part| part.writer) {
                batch.add(writer.end()?)?;
            }
        }
        batch.finish()
    }
}

/// A file of a day's readings, begun by its first row.
struct DayPart<'a> {
    is_late: bool,
    writer: Option<PartWriter<'a>>,
}

impl<'a> DayPart<'a> {
    fn add(&mut self, (disk, dir): (&'a dyn Disk, &Path), day: Day, rows: &Run) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(PartWriter::create(disk, dir, Table::Readings, day, self.is_late)?),
        };
        writer.write_run(rows)
    }
}

/// Rows on time, and late ones. A stream's rows are in the order of time, so that the late ones come first.
fn split(frozen: &Frozen, day: Day, all: Run) -> [Run; 2] {
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
    [all.pick(on_time), all.pick(late)]
}

fn keyed_files(shared: &Shared, frozen: &Frozen, table: Table) -> Result<Vec<LakeFile>> {
    let disk = shared.place().disk().as_ref();
    let (dir, lake) = (shared.lake_dir(table), shared.lake(table));
    let mut batch = Batch::new(disk);
    for (day, runs) in &frozen.keyed[table] {
        let Some(rows) = keyed::merge(runs) else { continue };
        // A day that has rows may have these keys too.
        let is_late = lake.days().contains_key(day);
        let mut part = PartWriter::create(disk, &dir, table, *day, is_late)?;
        part.write(rows.batch())?;
        batch.add(part.end()?)?;
    }
    batch.finish()
}

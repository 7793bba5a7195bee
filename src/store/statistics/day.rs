//! The windows of one day, computed from its files in one pass and written as files of `statistics`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::compute::Summary;
use super::ranges::Ranges;
use super::rows::{self, Window};
use crate::domain::Result;
use crate::domain::time::Day;
use crate::domain::window::Windows;
use crate::store::disk::Disk;
use crate::store::lake::blocks::Blocks;
use crate::store::lake::file::LakeFile;
use crate::store::lake::part::{Part, PartWriter};
use crate::store::lake::source::{Source, Wanted};
use crate::store::memtable::run::Run;
use crate::store::pace::Pace;
use crate::store::table::Table;

/// Windows held before they are written.
const BATCH_WINDOWS: usize = 8192;

/// What to compute.
pub struct Plan {
    pub day: Day,
    /// The files of the day's readings that hold rows of any of the windows, in the order of writes.
    pub files: Vec<Arc<LakeFile>>,
    /// The windows wanted of each stream; of a stream that is not here none.
    pub wanted: HashMap<i32, (Windows, Ranges)>,
    /// The newest window already in the day's files of statistics: what is not after it may be computed again.
    pub newest_known: Option<i64>,
    pub seq: u64,
}

impl Plan {
    /// Times that hold every wanted window, and the streams that have one.
    fn bounds(&self) -> Option<Wanted> {
        let spans = self.wanted.values().filter_map(|(_, ranges)| ranges.span());
        let ts = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        let mut ids: Vec<i32> = self.wanted.keys().copied().collect();
        ids.sort_unstable();
        Some(Wanted { ids: Some(ids.into()), ts: (ts.0, ts.1 - 1), label: None })
    }

    /// Computes and writes; the files are neither durable when this returns nor part of the table. `from` reads
    /// readings, `to` is the folder of statistics.
    pub fn run(&self, from: &Source, to: &Path, pace: &mut Pace) -> Result<Vec<Part>> {
        let Some(bounds) = self.bounds() else { return Ok(Vec::new()) };
        let mut blocks: Blocks<Run> = Blocks::open(from, self.files.iter().map(AsRef::as_ref), &bounds)?;
        let disk = from.disk.as_ref();
        let mut output = Output { plan: self, disk, dir: to, fresh: None, late: None, windows: Vec::new() };
        let mut open = Open::default();
        while let Some(block) = blocks.next_block()? {
            self.add(&block, &mut open, &mut output)?;
            pace.rest();
        }
        open.close(&mut output)?;
        output.end()
    }

    /// Takes rows into windows; rows come by stream and time.
    fn add(&self, rows: &Run, open: &mut Open, output: &mut Output) -> Result<()> {
        let mut start = 0;
        while start < rows.len() {
            let stream = rows.stream[start];
            let end = start + rows.stream[start..].partition_point(|s| *s == stream);
            if let Some((windows, ranges)) = self.wanted.get(&stream) {
                let mut i = start;
                while i < end {
                    let ts = rows.ts[i];
                    if open.stream != stream || !(open.start..open.end).contains(&ts) {
                        open.close(output)?;
                        let Some(next) = ranges.next_from(ts) else { break };
                        if next > ts {
                            i += rows.ts[i..end].partition_point(|ts| *ts < next);
                            continue;
                        }
                        open.begin(stream, windows.around(ts));
                    }
                    open.rows += 1;
                    if !rows.value[i].is_nan() {
                        open.values.push(rows.value[i]);
                    }
                    i += 1;
                }
            }
            start = end;
        }
        Ok(())
    }
}

/// The window being filled; none while it has no rows.
#[derive(Default)]
struct Open {
    stream: i32,
    start: i64,
    end: i64,
    rows: u64,
    values: Vec<f64>,
}

impl Open {
    fn begin(&mut self, stream: i32, (start, end): (i64, i64)) {
        (self.stream, self.start, self.end, self.rows) = (stream, start, end, 0);
        self.values.clear();
    }

    fn close(&mut self, output: &mut Output) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let summary = Summary::of(&mut self.values);
        let rows = std::mem::take(&mut self.rows);
        let length = self.end - self.start;
        output.push(Window { stream: self.stream, start: self.start, length, rows, summary })
    }
}

/// Windows on their way to files: those newer than all known ones apart from those that may replace one.
struct Output<'a> {
    plan: &'a Plan,
    disk: &'a dyn Disk,
    dir: &'a Path,
    fresh: Option<PartWriter<'a>>,
    late: Option<PartWriter<'a>>,
    windows: Vec<Window>,
}

impl Output<'_> {
    fn push(&mut self, window: Window) -> Result<()> {
        self.windows.push(window);
        if self.windows.len() >= BATCH_WINDOWS { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let is_late = |w: &Window| self.plan.newest_known.is_some_and(|newest| w.start <= newest);
        let (late, fresh): (Vec<Window>, Vec<Window>) = self.windows.drain(..).partition(is_late);
        let (disk, dir, day, seq) = (self.disk, self.dir, self.plan.day, self.plan.seq);
        for (windows, part, is_late) in [(fresh, &mut self.fresh, false), (late, &mut self.late, true)] {
            if windows.is_empty() {
                continue;
            }
            let part = match part {
                Some(part) => part,
                none => none.insert(PartWriter::create(disk, dir, Table::Statistics, day, is_late)?),
            };
            part.write(&rows::computed(&windows, seq))?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Vec<Part>> {
        self.write()?;
        [self.fresh, self.late].into_iter().flatten().map(PartWriter::end).collect()
    }
}

//! The windows of one day, computed from its files in one pass and written as files of `statistics`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::compute::Summary;
use super::points::Points;
use super::ranges::Ranges;
use super::rows::{self, Window};
use crate::domain::Result;
use crate::domain::time::Day;
use crate::domain::window::Windows;
use crate::store::disk::Disk;
use crate::store::lake::blocks::{Blocks, Sorted};
use crate::store::lake::file::LakeFile;
use crate::store::lake::part::{Part, PartWriter};
use crate::store::lake::source::{Source, Wanted};
use crate::store::pace::Pace;
use crate::store::table::Table;

/// Windows held before they are written.
const BATCH_WINDOWS: usize = 8192;

/// Windows to compute of each stream that has any, as whole ones.
pub type WantedWindows = HashMap<i32, (Windows, Ranges)>;

/// What to compute.
pub struct Plan {
    pub day: Day,
    /// The files of the day's readings that hold rows of any of the windows, in the order of writes.
    pub files: Vec<Arc<LakeFile>>,
    /// The windows wanted of each stream; of a stream that is not here none.
    pub wanted: WantedWindows,
    /// The newest window already in the day's files of statistics: what is not after it may be computed again.
    pub newest_known: Option<i64>,
    pub seq: u64,
}

impl Plan {
    /// Times that hold every wanted window, and the streams that have one.
    fn bounds(&self) -> Option<Wanted> {
        let ts = span(&self.wanted)?;
        let mut ids: Vec<i32> = self.wanted.keys().copied().collect();
        ids.sort_unstable();
        Some(Wanted { ids: Some(ids.into()), ts: (ts.0, ts.1 - 1), label: None })
    }

    /// Computes and writes; the files are neither durable when this returns nor part of the table. `from` reads
    /// readings, `to` is the folder of statistics.
    pub fn run(&self, from: &Source, to: &Path, pace: &mut Pace) -> Result<Vec<Part>> {
        let Some(bounds) = self.bounds() else { return Ok(Vec::new()) };
        let mut blocks: Blocks<Points> = Blocks::open(from, self.files.iter().map(AsRef::as_ref), &bounds)?;
        let disk = from.disk.as_ref();
        let output = Output { plan: self, disk, dir: to, fresh: None, late: None, windows: Vec::new() };
        let mut filling = Filling { output, stream: 0, window: (0, 0), rows: 0, values: Vec::new() };
        while let Some(block) = blocks.next_block()? {
            filling.add(&block)?;
            pace.rest();
        }
        filling.close()?;
        filling.output.end()
    }
}

/// Times that hold every one of the windows, the end not included.
pub fn span(wanted: &WantedWindows) -> Option<(i64, i64)> {
    let spans = wanted.values().filter_map(|(_, ranges)| ranges.span());
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The window being filled, which has no rows before the first. Rows come by stream and time.
struct Filling<'a> {
    output: Output<'a>,
    stream: i32,
    /// Microseconds, the end not included.
    window: (i64, i64),
    rows: u64,
    values: Vec<f64>,
}

impl Filling<'_> {
    fn add(&mut self, rows: &Points) -> Result<()> {
        let mut start = 0;
        while start < rows.len() {
            let stream = rows.stream[start];
            let end = start + rows.stream[start..].partition_point(|s| *s == stream);
            self.add_stream(stream, &rows.ts[start..end], &rows.value[start..end])?;
            start = end;
        }
        Ok(())
    }

    fn add_stream(&mut self, stream: i32, ts: &[i64], values: &[f64]) -> Result<()> {
        let Some((windows, wanted)) = self.output.plan.wanted.get(&stream) else { return Ok(()) };
        let mut row = 0;
        while let Some(next) = ts.get(row).copied() {
            if self.stream != stream || next >= self.window.1 {
                self.close()?;
                let Some(from) = wanted.next_from(next) else { break };
                if from > next {
                    row += ts[row..].partition_point(|ts| *ts < from);
                    continue;
                }
                (self.stream, self.window) = (stream, windows.around(next));
            }
            let end = row + ts[row..].partition_point(|ts| *ts < self.window.1);
            self.rows += (end - row) as u64;
            self.values.extend(values[row..end].iter().filter(|value| !value.is_nan()));
            row = end;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let summary = Summary::of(&mut self.values);
        self.values.clear();
        let rows = std::mem::take(&mut self.rows);
        let (start, end) = self.window;
        self.output.push(Window { stream: self.stream, start, length: end - start, rows, summary })
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

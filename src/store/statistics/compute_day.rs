//! Computes the windows of one day from its files in one pass, and writes them as files of `statistics`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::points::ValuePoints;
use super::rows::WindowRow;
use super::time_ranges::TimeRanges;
use super::window_summary::WindowSummary;
use super::window_writer::{WindowTarget, WindowWriter};
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::domain::window::Windows;
use crate::store::lake::file::LakeFile;
use crate::store::lake::file_merge::{FileMerge, SortedRows};
use crate::store::lake::fsync_batch::UnsyncedFile;
use crate::store::lake::table_reader::{ReadFilter, TableReader};
use crate::store::table::Table;
use crate::store::throttle::CpuThrottle;

/// Windows to compute for each stream, as ranges of whole windows.
pub type WindowsToCompute = HashMap<i32, (Windows, TimeRanges)>;

/// The statistics to compute for a day.
pub struct DayPlan {
    pub day: Day,
    /// The day's files of readings with rows in any of the windows, in write order.
    pub files: Vec<Arc<LakeFile>>,
    /// Windows to compute for each stream; none for streams not listed.
    pub wanted: WindowsToCompute,
    /// The newest window in the day's files of statistics. Windows up to it may replace existing rows.
    pub newest_known: Option<i64>,
    pub seq: u64,
}

impl DayPlan {
    /// Returns the time range of all wanted windows, and the streams that have any.
    fn bounds(&self) -> Option<ReadFilter> {
        let ts = span(&self.wanted)?;
        let mut ids: Vec<i32> = self.wanted.keys().copied().collect();
        ids.sort_unstable();
        Some(ReadFilter { ids: Some(ids.into()), ts: MinMax::new(ts.0, ts.1 - 1), label: None })
    }

    /// Computes and writes the windows. The files are neither durable on return nor part of the table. `from` reads
    /// readings, `to` is the directory of statistics.
    pub fn run(&self, from: &TableReader, to: &Path, pace: &mut CpuThrottle) -> Result<Vec<UnsyncedFile>> {
        let Some(bounds) = self.bounds() else { return Ok(Vec::new()) };
        let mut blocks: FileMerge<ValuePoints> =
            FileMerge::open(from, self.files.iter().map(AsRef::as_ref), &bounds)?;
        let target = WindowTarget {
            disk: &from.disk,
            dir: to,
            table: Table::Statistics,
            day: self.day,
            newest_known: self.newest_known,
            seq: self.seq,
        };
        let (output, wanted) = (WindowWriter::new(target), &self.wanted);
        let mut filling =
            WindowAccumulator { output, wanted, stream: 0, window: (0, 0), rows: 0, values: Vec::new() };
        while let Some(block) = blocks.next_block()? {
            filling.add(&block)?;
            pace.sleep_if_due();
        }
        filling.close()?;
        filling.output.close()
    }
}

/// Returns the time range of all windows, the end exclusive.
pub fn span(wanted: &WindowsToCompute) -> Option<(i64, i64)> {
    let spans = wanted.values().filter_map(|(_, ranges)| ranges.span());
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The current window; there is none before the first row. Rows arrive by stream and time.
struct WindowAccumulator<'a> {
    output: WindowWriter<'a>,
    wanted: &'a WindowsToCompute,
    stream: i32,
    /// Microseconds, the end exclusive.
    window: (i64, i64),
    rows: u64,
    values: Vec<f64>,
}

impl WindowAccumulator<'_> {
    fn add(&mut self, rows: &ValuePoints) -> Result<()> {
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
        let Some((windows, wanted)) = self.wanted.get(&stream) else { return Ok(()) };
        let mut row = 0;
        while let Some(next) = ts.get(row).copied() {
            if self.stream != stream || next >= self.window.1 {
                self.close()?;
                let Some(from) = wanted.next_from(next) else { break };
                if from > next {
                    row += ts[row..].partition_point(|ts| *ts < from);
                    continue;
                }
                (self.stream, self.window) = (stream, windows.window_containing(next));
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
        let summary = WindowSummary::of(&mut self.values);
        self.values.clear();
        let rows = std::mem::take(&mut self.rows);
        let (start, end) = self.window;
        self.output.push(WindowRow { stream: self.stream, start, length: end - start, rows, summary })
    }
}

//! Combines the windows of one day to hours, and writes them as files of the hourly statistics.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array};
use arrow::datatypes::{Float64Type, Int64Type};

use super::hours;
use super::rows::WindowRow;
use super::time_ranges::TimeRanges;
use super::window_summary::WindowSummary;
use super::window_writer::{WindowTarget, WindowWriter};
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::summation::{MeanState, RmsState};
use crate::domain::time::{Day, MICROS_PER_HOUR};
use crate::store::lake::file::LakeFile;
use crate::store::lake::file_merge::FileMerge;
use crate::store::lake::fsync_batch::UnsyncedFile;
use crate::store::lake::table_reader::{ReadFilter, TableReader};
use crate::store::table::ORIGIN_COMPUTED;
use crate::store::throttle::CpuThrottle;
use crate::store::upsert_rows::{UpsertKey, UpsertRows};

/// Columns of `Table::Statistics` to read: the key, count, mean, rms, min, max and rows.
pub const COLUMNS: [usize; 9] = [0, 1, 2, 4, 5, 6, 8, 9, 12];

/// The hours to compute for a day.
pub struct HourlyDayPlan {
    pub day: Day,
    /// The day's files of statistics, in write order.
    pub files: Vec<Arc<LakeFile>>,
    /// Whole hours within the day, for each stream; none for streams not listed.
    pub wanted: HashMap<i32, TimeRanges>,
}

impl HourlyDayPlan {
    /// Computes and writes the hours. The files are neither durable on return nor part of the table. `from` reads
    /// `COLUMNS` of statistics.
    pub fn run(
        &self,
        from: &TableReader,
        target: WindowTarget<'_>,
        pace: &mut CpuThrottle,
    ) -> Result<Vec<UnsyncedFile>> {
        let spans = self.wanted.values().filter_map(TimeRanges::span);
        let Some((start, end)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
            return Ok(Vec::new());
        };
        let mut ids: Vec<i32> = self.wanted.keys().copied().collect();
        ids.sort_unstable();
        let ts = MinMax::new(start, end - 1);
        let bounds = ReadFilter { ids: Some(ids.into()), ts, label: Some(ORIGIN_COMPUTED) };
        let files = self.files.iter().map(AsRef::as_ref).filter(|f| bounds.file_survives_pruning(f));
        let mut blocks: FileMerge<UpsertRows> = FileMerge::open(from, files, &bounds)?;
        let output = WindowWriter::new(target);
        let mut hours = HourAccumulator { output, wanted: &self.wanted, open: OpenHour::default() };
        while let Some(block) = blocks.next_block()? {
            hours.add(&block)?;
            pace.sleep_if_due();
        }
        hours.close()?;
        hours.output.close()
    }
}

/// The current hour; it has no rows before the first window.
#[derive(Default)]
struct OpenHour {
    stream: i32,
    start: i64,
    rows: u64,
    means: MeanState,
    squares: RmsState,
    /// Smallest and largest value; `None` without values.
    extent: Option<(f64, f64)>,
}

/// Adds up the windows of each hour. Windows arrive by stream and time.
struct HourAccumulator<'a> {
    output: WindowWriter<'a>,
    wanted: &'a HashMap<i32, TimeRanges>,
    open: OpenHour,
}

impl HourAccumulator<'_> {
    /// Adds computed rows; rows that clients posted are left out.
    fn add(&mut self, rows: &UpsertRows) -> Result<()> {
        let batch = rows.batch();
        let integers = |at: usize| batch.column(at).as_primitive::<Int64Type>().values();
        let numbers = |at: usize| batch.column(at).as_primitive::<Float64Type>();
        let (counts, readings) = (integers(3), integers(8));
        let [mean, rms, min, max]: [&Float64Array; 4] = std::array::from_fn(|at| numbers(4 + at));
        let wanted = self.wanted;
        let mut of_stream: Option<(i32, Option<&TimeRanges>)> = None;
        for i in 0..rows.len() {
            let UpsertKey { id, ts, label } = rows.key(i);
            let ranges = match of_stream {
                Some((known, ranges)) if known == id => ranges,
                _ => of_stream.insert((id, wanted.get(&id))).1,
            };
            if label != ORIGIN_COMPUTED || !ranges.is_some_and(|ranges| ranges.contains(ts)) {
                continue;
            }
            let start = hours::start_of_hour(ts);
            if (id, start) != (self.open.stream, self.open.start) {
                self.close()?;
                self.open = OpenHour { stream: id, start, ..OpenHour::default() };
            }
            // A window with a row has at least one reading.
            self.open.rows += readings[i].max(1) as u64;
            if counts[i] > 0 && mean.is_valid(i) {
                let count = counts[i] as u64;
                self.open.means.add_many(mean.value(i), count);
                self.open.squares.add_many(rms.value(i), count);
                let (low, high) = self.open.extent.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
                self.open.extent = Some((low.min(min.value(i)), high.max(max.value(i))));
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let hour = std::mem::take(&mut self.open);
        if hour.rows == 0 {
            return Ok(());
        }
        let OpenHour { stream, start, rows, .. } = hour;
        self.output.push(WindowRow { stream, start, length: MICROS_PER_HOUR, rows, summary: hour.summary() })
    }
}

impl OpenHour {
    fn summary(&self) -> Option<WindowSummary> {
        let (min, max) = self.extent?;
        // Rounding may step outside of the values.
        let mean = self.means.mean()?.clamp(min, max);
        let rms = self.squares.rms()?;
        Some(WindowSummary { count: self.means.count, mean, rms, min, max, quantiles: None })
    }
}

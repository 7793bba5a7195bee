//! Projection of a file: which columns are decoded, filtered on and returned.

use arrow::array::RecordBatch;
use datafusion::error::Result;

use super::bounds::Bounds;
use super::row_ranges;
use crate::store::schema::{STREAM_ID, TS};

/// The columns decoded from a file, those that decide which rows match, and those returned.
pub struct FileProjection {
    /// Indices into `schema::readings()`, ascending: stream_id first, then ts if rows are filtered by it.
    pub decoded: Vec<usize>,
    /// Whether some rows of the file are outside the time bounds.
    cuts_ts: bool,
    /// Whether some rows that are decoded may be of other streams than those of the bounds.
    cuts_streams: bool,
    /// Indices into `decoded`.
    shown: Vec<usize>,
}

impl FileProjection {
    /// `columns` are those to return; stream_id must be among them.
    pub fn new(columns: &[usize], cuts_ts: bool) -> Self {
        let key = [STREAM_ID].into_iter().chain(cuts_ts.then_some(TS));
        let mut decoded: Vec<usize> = columns.iter().copied().chain(key).collect();
        // The order of the file.
        decoded.sort_unstable();
        decoded.dedup();
        let place = |column| decoded.iter().position(|d| *d == column).expect("every column is decoded");
        let shown = columns.iter().map(|column| place(*column)).collect();
        Self { cuts_ts, cuts_streams: true, shown, decoded }
    }

    /// Leaves out the look at stream_id: every row that is decoded is of a stream of the bounds.
    pub fn of_wanted_streams(self) -> Self {
        Self { cuts_streams: false, ..self }
    }

    /// Whether decoded rows can be outside the bounds.
    pub fn needs_filter(&self, bounds: &Bounds) -> bool {
        (self.cuts_streams && bounds.streams.is_some()) || self.cuts_ts
    }

    /// Returns the columns that decide which rows match, and the others.
    pub fn key_and_rest(&self) -> (&[usize], &[usize]) {
        self.decoded.split_at(1 + usize::from(self.cuts_ts))
    }

    /// Returns the index of ts among the decoded columns, if rows are filtered by it.
    pub fn ts_index(&self) -> Option<usize> {
        self.cuts_ts.then_some(TS)
    }

    /// Removes decoded rows outside the bounds and projects the rest to the returned columns.
    pub fn filter_and_project(&self, batch: RecordBatch, bounds: &Bounds) -> Result<RecordBatch> {
        let batch = match self.needs_filter(bounds) {
            true => row_ranges::retain_within(batch, self.ts_index(), bounds)?,
            false => batch,
        };
        self.project(&batch)
    }

    /// Projects to the returned columns.
    pub fn project(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.shown.iter().copied().eq(0..batch.num_columns()) {
            return Ok(batch.clone());
        }
        Ok(batch.project(&self.shown)?)
    }
}

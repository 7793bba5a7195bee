//! Where columns lie in what is decoded of a file.

use arrow::array::RecordBatch;
use datafusion::error::Result;

use super::bounds::Bounds;
use super::cut;
use crate::store::schema::{STREAM_ID, TS};

/// What is decoded of a file, what of it says which rows are wanted, and what is shown.
pub struct Layout {
    /// Indices into `schema::readings()`, ascending: stream_id first, then ts where rows are cut by it.
    pub decoded: Vec<usize>,
    /// Whether some rows of the file are outside the bounds of ts.
    cuts_ts: bool,
    /// Indices into `decoded`.
    shown: Vec<usize>,
}

impl Layout {
    /// `columns` are those to be shown; stream_id is among them.
    pub fn new(columns: &[usize], cuts_ts: bool) -> Self {
        let key = [STREAM_ID].into_iter().chain(cuts_ts.then_some(TS));
        let mut decoded: Vec<usize> = columns.iter().copied().chain(key).collect();
        // As the file has them.
        decoded.sort_unstable();
        decoded.dedup();
        let place = |column| decoded.iter().position(|d| *d == column).expect("every column is decoded");
        let shown = columns.iter().map(|column| place(*column)).collect();
        Self { cuts_ts, shown, decoded }
    }

    /// Whether decoded rows can be outside of bounds.
    pub fn cuts(&self, bounds: &Bounds) -> bool {
        bounds.streams.is_some() || self.cuts_ts
    }

    /// The columns that say which rows are wanted, and the others.
    pub fn key_and_rest(&self) -> (&[usize], &[usize]) {
        self.decoded.split_at(1 + usize::from(self.cuts_ts))
    }

    /// Where ts lies in what is decoded, if rows are cut by it.
    pub fn ts(&self) -> Option<usize> {
        self.cuts_ts.then_some(TS)
    }

    /// The wanted rows of what was decoded, as they are shown.
    pub fn cut(&self, batch: RecordBatch, bounds: &Bounds) -> Result<RecordBatch> {
        let batch = match self.cuts(bounds) {
            true => cut::cut(batch, self.ts(), bounds)?,
            false => batch,
        };
        self.show(&batch)
    }

    /// The columns to be shown.
    pub fn show(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        Ok(batch.project(&self.shown)?)
    }
}

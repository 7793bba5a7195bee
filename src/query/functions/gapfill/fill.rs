//! Fills the gaps of one group: input rows and the rows between them, in batches.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array,
    new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{Float64Type, SchemaRef, TimestampMicrosecondType};
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use datafusion::physical_plan::PhysicalExpr;

use crate::query::functions::buckets::Buckets;

/// A planned `locf(of)` or, linearly, `interpolate(of)`.
#[derive(Debug, Clone)]
pub struct PlannedFill {
    pub is_line: bool,
    pub of: Arc<dyn PhysicalExpr>,
}

/// Roles of the input's columns; the output has all of them, then the fills.
#[derive(Debug, Clone)]
pub struct GapFillLayout {
    pub bucket: usize,
    pub groups: Vec<usize>,
    pub fills: Vec<PlannedFill>,
    pub schema: SchemaRef,
}

/// The range to fill: buckets that begin before `until`, from the one that contains `from`.
#[derive(Debug, Clone)]
pub struct FillRange {
    pub buckets: Buckets,
    pub from: i64,
    pub until: i64,
}

impl FillRange {
    /// Returns the first bucket of the range.
    fn first(&self) -> Result<Option<i64>> {
        if self.from >= self.until {
            return Ok(None);
        }
        let start = self.buckets.around(self.from)?.0;
        Ok(Some(start))
    }

    /// Returns the next bucket of the range.
    fn after(&self, start: i64) -> Result<Option<i64>> {
        let next = self.buckets.around(start)?.1;
        Ok((next < self.until).then_some(next))
    }
}

/// A group whose output is being produced.
#[derive(Debug)]
pub struct GroupFiller {
    rows: RecordBatch,
    times: TimestampMicrosecondArray,
    fills: Vec<FillState>,
    /// The next input row and the next bucket of the range.
    row: usize,
    bucket: Option<i64>,
}

/// The values of a fill and their positions.
#[derive(Debug)]
struct FillState {
    is_line: bool,
    values: ArrayRef,
    /// For each row, the first row at or after it with a value.
    next: Vec<Option<u32>>,
    /// The latest returned row that had a value.
    last: Option<u32>,
}

/// The rows of one output batch: the time of each, and the input row at or after it.
#[derive(Debug, Default)]
struct Piece {
    times: Vec<i64>,
    rows: Vec<u32>,
    is_row: Vec<bool>,
}

impl GroupFiller {
    /// `rows` are all rows of one group, by time; they may be empty if only the bucket is grouped by.
    pub fn new(rows: RecordBatch, layout: &GapFillLayout, range: &FillRange) -> Result<Self> {
        let times = rows.column(layout.bucket).as_primitive::<TimestampMicrosecondType>().clone();
        let fill = |fill: &PlannedFill| {
            let values = fill.of.evaluate(&rows)?.into_array(rows.num_rows())?;
            Ok(FillState::new(fill.is_line, values))
        };
        let fills = layout.fills.iter().map(fill).collect::<Result<_>>()?;
        Ok(Self { times, fills, row: 0, bucket: range.first()?, rows })
    }

    /// Returns the next output rows, at most `limit`; `None` at the end of the group.
    pub fn next(
        &mut self,
        limit: usize,
        layout: &GapFillLayout,
        range: &FillRange,
    ) -> Result<Option<RecordBatch>> {
        let piece = self.piece(limit, range)?;
        if piece.times.is_empty() {
            return Ok(None);
        }
        let sources: UInt32Array =
            piece.rows.iter().zip(&piece.is_row).map(|(row, is)| is.then_some(*row)).collect();
        let zeros = UInt32Array::from(vec![0; piece.times.len()]);
        let mut columns = Vec::with_capacity(layout.schema.fields().len());
        for (i, column) in self.rows.columns().iter().enumerate() {
            columns.push(if i == layout.bucket {
                let times = TimestampMicrosecondArray::from(piece.times.clone());
                Arc::new(times.with_timezone_opt(self.times.timezone())) as ArrayRef
            } else if layout.groups.contains(&i) {
                take(column, &zeros, None)?
            } else {
                pick(column, &sources)?
            });
        }
        let (times, mut fills) = (&self.times, std::mem::take(&mut self.fills));
        for fill in &mut fills {
            columns.push(if fill.is_line { fill.line(&piece, times)? } else { fill.carry(&piece)? });
        }
        self.fills = fills;
        Ok(Some(RecordBatch::try_new(layout.schema.clone(), columns)?))
    }

    /// Merges rows and buckets. Rows outside the range would be retained too, though WHERE excludes them.
    fn piece(&mut self, limit: usize, range: &FillRange) -> Result<Piece> {
        let mut piece = Piece::default();
        while piece.times.len() < limit {
            let row = (self.row < self.times.len()).then(|| self.times.value(self.row));
            let (time, is_row) = match (row, self.bucket) {
                (Some(time), Some(bucket)) if time <= bucket => (time, true),
                (Some(time), None) => (time, true),
                (_, Some(bucket)) => (bucket, false),
                (None, None) => break,
            };
            if self.bucket == Some(time) {
                self.bucket = range.after(time)?;
            }
            let row = u32::try_from(self.row)
                .map_err(|_| internal_datafusion_err!("a group of more than 2^32 rows"))?;
            piece.times.push(time);
            piece.rows.push(row);
            piece.is_row.push(is_row);
            self.row += usize::from(is_row);
        }
        Ok(piece)
    }
}

impl FillState {
    fn new(is_line: bool, values: ArrayRef) -> Self {
        let mut next = vec![None; values.len()];
        let mut coming = None;
        for row in (0..values.len()).rev() {
            if values.is_valid(row) {
                coming = Some(row as u32);
            }
            next[row] = coming;
        }
        Self { is_line, values, next, last: None }
    }

    fn has_value(&self, piece: &Piece, i: usize) -> bool {
        piece.is_row[i] && self.values.is_valid(piece.rows[i] as usize)
    }

    /// Returns the last value that was not NULL.
    fn carry(&mut self, piece: &Piece) -> Result<ArrayRef> {
        let mut sources = Vec::with_capacity(piece.times.len());
        for i in 0..piece.times.len() {
            if self.has_value(piece, i) {
                self.last = Some(piece.rows[i]);
            }
            sources.push(self.last);
        }
        pick(&self.values, &UInt32Array::from(sources))
    }

    /// Interpolates from the last value to the next; NULL before the first and after the last.
    fn line(&mut self, piece: &Piece, times: &TimestampMicrosecondArray) -> Result<ArrayRef> {
        let values = self.values.as_primitive::<Float64Type>().clone();
        let point = |row: u32| (times.value(row as usize), values.value(row as usize));
        let mut filled = Vec::with_capacity(piece.times.len());
        for (i, time) in piece.times.iter().enumerate() {
            let row = piece.rows[i];
            filled.push(if self.has_value(piece, i) {
                self.last = Some(row);
                Some(values.value(row as usize))
            } else {
                let next = self.next.get(row as usize).copied().flatten();
                self.last.zip(next).map(|(last, next)| between(point(last), point(next), *time))
            });
        }
        Ok(Arc::new(Float64Array::from(filled)))
    }
}

/// Interpolates linearly between two points at `time`.
fn between(from: (i64, f64), to: (i64, f64), time: i64) -> f64 {
    let share = (time - from.0) as f64 / (to.0 - from.0) as f64;
    // Not `from + share * (to - from)`: the difference of two large values may overflow.
    from.1 * (1.0 - share) + to.1 * share
}

/// Calls `take`, which fails without any row to take from.
fn pick(column: &ArrayRef, rows: &UInt32Array) -> Result<ArrayRef> {
    if rows.null_count() == rows.len() {
        return Ok(new_null_array(column.data_type(), rows.len()));
    }
    Ok(take(column, rows, None)?)
}

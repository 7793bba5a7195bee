//! Cuts batches to bounds: rows are sorted by (stream_id, ts), so the matching rows of a batch are a few ranges.

use std::ops::Range;

use arrow::array::{AsArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;

use super::bounds::Bounds;
use crate::domain::min_max::MinMax;

/// Returns the rows of `batch` within the bounds of stream_id, its first column, and of ts, the column at the given
/// index; without `ts` every row is within the time bounds. The result shares the batch's memory unless several ranges
/// remain.
pub fn retain_within(batch: RecordBatch, ts: Option<usize>, bounds: &Bounds) -> Result<RecordBatch> {
    let kept = matching_ranges(&batch, ts, bounds);
    take_ranges(batch, &kept)
}

/// Returns the matching row ranges: ascending, disjoint and not empty.
pub fn matching_ranges(batch: &RecordBatch, ts: Option<usize>, bounds: &Bounds) -> Vec<Range<usize>> {
    let streams = batch.column(0).as_primitive::<Int32Type>().values();
    let times = ts.map(|ts| batch.column(ts).as_primitive::<TimestampMicrosecondType>().values().as_ref());
    ranges(streams, times, bounds)
}

/// Returns the rows of ascending ranges.
pub fn take_ranges(batch: RecordBatch, kept: &[Range<usize>]) -> Result<RecordBatch> {
    match kept {
        [] => Ok(batch.slice(0, 0)),
        [one] if one.len() == batch.num_rows() => Ok(batch),
        [one] => Ok(batch.slice(one.start, one.len())),
        several => {
            let mut mask = BooleanBufferBuilder::new(batch.num_rows());
            for range in several {
                mask.append_n(range.start - mask.len(), false);
                mask.append_n(range.len(), true);
            }
            mask.append_n(batch.num_rows() - mask.len(), false);
            Ok(filter_record_batch(&batch, &mask.finish().into())?)
        }
    }
}

fn ranges(streams: &[i32], times: Option<&[i64]>, bounds: &Bounds) -> Vec<Range<usize>> {
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while let Some(stream) = streams.get(start) {
        let end = start + streams[start..].partition_point(|s| s <= stream);
        if bounds.has_stream(*stream) {
            let MinMax { min: from, max: to } = bounds.ts;
            let range = times.map_or(start..end, |times| {
                let times = &times[start..end];
                let low = times.partition_point(|ts| *ts < from);
                start + low..start + low + times[low..].partition_point(|ts| *ts <= to)
            });
            match kept.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ if range.is_empty() => {}
                _ => kept.push(range),
            }
        }
        start = end;
    }
    kept
}

#[cfg(test)]
#[path = "row_ranges_tests.rs"]
mod tests;

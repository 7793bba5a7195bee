//! Batches cut to bounds: rows are sorted by (stream_id, ts), so what is wanted of a batch is a few ranges of it.

use std::ops::Range;

use arrow::array::{AsArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;

use super::bounds::Bounds;

/// The rows of `batch` within the bounds of stream_id, its first column, and ts, whose place is given; no `ts` says that
/// every row is within its bounds. Sharing the batch's memory unless several ranges remain.
pub fn cut(batch: RecordBatch, ts: Option<usize>, bounds: &Bounds) -> Result<RecordBatch> {
    let kept = wanted(&batch, ts, bounds);
    keep(batch, &kept)
}

/// Which rows those are: ascending, apart from each other, none empty.
pub fn wanted(batch: &RecordBatch, ts: Option<usize>, bounds: &Bounds) -> Vec<Range<usize>> {
    let streams = batch.column(0).as_primitive::<Int32Type>().values();
    let times = ts.map(|ts| batch.column(ts).as_primitive::<TimestampMicrosecondType>().values().as_ref());
    ranges(streams, times, bounds)
}

/// The rows in ascending ranges.
pub fn keep(batch: RecordBatch, kept: &[Range<usize>]) -> Result<RecordBatch> {
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
            let (from, to) = bounds.ts;
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
#[path = "cut_tests.rs"]
mod tests;

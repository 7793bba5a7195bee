//! Splits an export into chunks that fit in memory: small streams together, a large stream by time.

use std::pin::Pin;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use futures::TryStreamExt;

use crate::cli::target::CommandTarget;
use crate::domain::{Error, Kind, Micros, Result};

/// Approximate memory limit of one chunk's rows.
const MAX_CHUNK_BYTES: u64 = 8 << 20;
/// Estimated size of a row without text.
const ESTIMATED_ROW_BYTES: u64 = 40;
/// Maximum number of streams per chunk: their ids are in its query.
const MAX_CHUNK_STREAMS: usize = 1000;
/// Units by which a stream is split; the first unit that gives small enough chunks is used.
const UNITS: [&str; 4] = ["day", "hour", "minute", "second"];

/// Time range of an export: start inclusive, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportRange {
    pub from: Option<Micros>,
    pub to: Option<Micros>,
}

/// Rows that are fetched together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportChunk {
    /// Ascending ids.
    streams: Vec<i32>,
    range: ExportRange,
    /// Number of rows when the export was planned.
    pub rows: u64,
}

impl ExportChunk {
    /// Returns the SQL query that fetches the chunk's rows, ordered by stream and time.
    pub fn query(&self) -> String {
        let condition = where_clause(&self.streams, self.range);
        format!("SELECT stream_id, ts, value, text, quality FROM readings{condition} ORDER BY stream_id, ts")
    }
}

/// Returns the chunks of an export, in order.
pub async fn plan_chunks(
    target: &CommandTarget,
    streams: &[i32],
    range: ExportRange,
) -> Result<Vec<ExportChunk>> {
    check_streams_exist(target, streams).await?;
    let condition = where_clause(streams, range);
    let counted = run_query(
        target,
        &format!(
            "SELECT stream_id, count(*) AS n, CAST(coalesce(sum(octet_length(text)), 0) AS BIGINT) AS bytes \
             FROM readings{condition} GROUP BY stream_id ORDER BY stream_id"
        ),
    )
    .await?;
    let (mut parts, mut together) =
        (Vec::new(), PendingChunk { range, streams: Vec::new(), rows: 0, bytes: 0 });
    for batch in counted {
        let (ids, sizes) = (column(&batch, 0, &DataType::Int32)?, read_sizes(&batch)?);
        for (row, size) in sizes.into_iter().enumerate() {
            let stream = ids.as_primitive::<Int32Type>().value(row);
            if size.bytes > MAX_CHUNK_BYTES {
                parts.extend(together.take_chunk());
                parts.extend(split_by_time(target, stream, range, 0).await?);
                continue;
            }
            if together.bytes + size.bytes > MAX_CHUNK_BYTES || together.streams.len() == MAX_CHUNK_STREAMS {
                parts.extend(together.take_chunk());
            }
            together.streams.push(stream);
            together.rows += size.rows;
            together.bytes += size.bytes;
        }
    }
    parts.extend(together.take_chunk());
    Ok(parts)
}

/// Refuses unknown streams: the export of a missing stream must not look like that of an empty one.
async fn check_streams_exist(target: &CommandTarget, streams: &[i32]) -> Result<()> {
    if streams.is_empty() {
        return Ok(());
    }
    let list = list(streams);
    let known = match run_query(target, &format!("SELECT id FROM streams WHERE id IN ({list})")).await {
        Ok(known) => known,
        // The key may read values but not streams.
        Err(error) if error.kind == Kind::Forbidden => return Ok(()),
        Err(error) => return Err(error),
    };
    for stream in streams {
        let is_there = |batch: &RecordBatch| {
            batch.column(0).as_primitive_opt::<Int32Type>().is_some_and(|ids| ids.values().contains(stream))
        };
        if !known.iter().any(is_there) {
            return Err(Error::field("stream", format!("there is no stream {stream}")));
        }
    }
    Ok(())
}

/// Small streams collected for one chunk.
struct PendingChunk {
    range: ExportRange,
    streams: Vec<i32>,
    rows: u64,
    bytes: u64,
}

impl PendingChunk {
    fn take_chunk(&mut self) -> Option<ExportChunk> {
        let streams = std::mem::take(&mut self.streams);
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        (!streams.is_empty()).then_some(ExportChunk { streams, range: self.range, rows })
    }
}

/// Splits one stream at whole units of time; a unit that is itself too large is split by the next smaller unit.
fn split_by_time(
    target: &CommandTarget,
    stream: i32,
    range: ExportRange,
    unit: usize,
) -> Pin<Box<dyn Future<Output = Result<Vec<ExportChunk>>> + Send + '_>> {
    Box::pin(async move {
        let counted = run_query(
            target,
            &format!(
                "SELECT date_trunc('{}', ts) AS start, count(*) AS n, \
                 CAST(coalesce(sum(octet_length(text)), 0) AS BIGINT) AS bytes \
                 FROM readings{} GROUP BY 1 ORDER BY 1",
                UNITS[unit],
                where_clause(&[stream], range)
            ),
        )
        .await?;
        let mut units = Vec::new();
        for batch in &counted {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            let starts = column(batch, 0, &micros)?;
            let starts = starts.as_primitive::<TimestampMicrosecondType>();
            units.extend(starts.values().iter().map(|ts| Micros(*ts)).zip(read_sizes(batch)?));
        }
        let mut parts = Vec::new();
        for window in group_into_windows(range, &units) {
            match window.is_too_large && unit + 1 < UNITS.len() {
                true => parts.extend(split_by_time(target, stream, window.range, unit + 1).await?),
                false => {
                    parts.push(ExportChunk { streams: vec![stream], range: window.range, rows: window.rows })
                }
            }
        }
        Ok(parts)
    })
}

/// Adjacent units that are exported together.
#[derive(Debug, PartialEq, Eq)]
struct ExportWindow {
    range: ExportRange,
    rows: u64,
    /// Whether it is a single unit that is still too large.
    is_too_large: bool,
}

#[derive(Debug, Clone, Copy)]
struct ReadingsSize {
    rows: u64,
    bytes: u64,
}

/// Returns windows that cover the range without gaps, so that rows written meanwhile between known units are included.
fn group_into_windows(range: ExportRange, units: &[(Micros, ReadingsSize)]) -> Vec<ExportWindow> {
    let mut found: Vec<(ExportWindow, u64)> = Vec::new();
    for (start, size) in units {
        match found.last_mut() {
            Some((window, bytes)) if *bytes + size.bytes <= MAX_CHUNK_BYTES => {
                window.rows += size.rows;
                *bytes += size.bytes;
            }
            last => {
                let from = match last {
                    Some((before, _)) => {
                        before.range.to = Some(*start);
                        Some(*start)
                    }
                    None => range.from,
                };
                let range = ExportRange { from, to: range.to };
                let is_too_large = size.bytes > MAX_CHUNK_BYTES;
                found.push((ExportWindow { range, rows: size.rows, is_too_large }, size.bytes));
            }
        }
    }
    found.into_iter().map(|(window, _)| window).collect()
}

fn where_clause(streams: &[i32], range: ExportRange) -> String {
    let streams = (!streams.is_empty()).then(|| format!("stream_id IN ({})", list(streams)));
    let from = range.from.map(|ts| format!("ts >= '{ts}'"));
    let to = range.to.map(|ts| format!("ts < '{ts}'"));
    let all: Vec<_> = [streams, from, to].into_iter().flatten().collect();
    if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
}

fn list(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}

async fn run_query(target: &CommandTarget, query: &str) -> Result<Vec<RecordBatch>> {
    target.sql(query).await?.batches.try_collect().await
}

/// Reads rows and bytes of text from the second and third column.
fn read_sizes(batch: &RecordBatch) -> Result<Vec<ReadingsSize>> {
    let (rows, bytes) = (column(batch, 1, &DataType::Int64)?, column(batch, 2, &DataType::Int64)?);
    let (rows, bytes) = (rows.as_primitive::<Int64Type>(), bytes.as_primitive::<Int64Type>());
    let size = |row: usize| {
        let (rows, text) = (rows.value(row).unsigned_abs(), bytes.value(row).unsigned_abs());
        ReadingsSize { rows, bytes: rows.saturating_mul(ESTIMATED_ROW_BYTES).saturating_add(text) }
    };
    Ok((0..batch.num_rows()).map(size).collect())
}

fn column(batch: &RecordBatch, index: usize, kind: &DataType) -> Result<ArrayRef> {
    let column = batch.columns().get(index).filter(|column| column.null_count() == 0);
    let column = column.ok_or_else(|| Error::internal("row counts have unexpected columns"))?;
    cast(column, kind).map_err(|e| Error::internal("row counts have unexpected columns").with_source(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: ExportRange = ExportRange { from: None, to: None };

    fn windows_of(range: ExportRange, mib: &[(i64, u64)]) -> Vec<(Option<i64>, Option<i64>, bool)> {
        let units: Vec<_> =
            mib.iter().map(|(at, mib)| (Micros(*at), ReadingsSize { rows: 1, bytes: mib << 20 })).collect();
        let shown = |w: ExportWindow| (w.range.from.map(|t| t.0), w.range.to.map(|t| t.0), w.is_too_large);
        group_into_windows(range, &units).into_iter().map(shown).collect()
    }

    #[test]
    fn windows_cover_their_range_and_are_no_larger_than_a_part_unless_one_unit_is() {
        let some = |from, to| ExportRange { from: Some(Micros(from)), to: Some(Micros(to)) };
        type Row<'a> = (&'a str, ExportRange, &'a [(i64, u64)], &'a [(Option<i64>, Option<i64>, bool)]);
        let rows: [Row<'_>; 5] = [
            ("nothing", WHOLE, &[], &[]),
            ("all_in_one", some(5, 99), &[(10, 1), (20, 7)], &[(Some(5), Some(99), false)]),
            (
                "cut_where_it_is_full",
                WHOLE,
                &[(10, 5), (20, 5), (30, 3)],
                &[(None, Some(20), false), (Some(20), None, false)],
            ),
            (
                "one_unit_too_large",
                some(5, 99),
                &[(10, 1), (20, 9), (30, 1)],
                &[(Some(5), Some(20), false), (Some(20), Some(30), true), (Some(30), Some(99), false)],
            ),
            (
                "the_first_too_large",
                WHOLE,
                &[(10, 9), (20, 1)],
                &[(None, Some(20), true), (Some(20), None, false)],
            ),
        ];
        for (name, range, units, expected) in rows {
            assert_eq!(windows_of(range, units), expected, "{name}");
        }
    }

    #[test]
    fn a_question_says_streams_and_times() {
        let part = ExportChunk {
            streams: vec![3, 5],
            range: ExportRange { from: Some(Micros(0)), to: Some(Micros(1_500_000)) },
            rows: 0,
        };
        assert_eq!(
            part.query(),
            "SELECT stream_id, ts, value, text, quality FROM readings WHERE stream_id IN (3, 5) \
             AND ts >= '1970-01-01T00:00:00Z' AND ts < '1970-01-01T00:00:01.500000Z' ORDER BY stream_id, ts"
        );
    }
}

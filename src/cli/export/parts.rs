//! An export cut into parts: small streams together, a large one by time, none larger than may be held in memory.

use std::pin::Pin;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use futures::TryStreamExt;

use crate::cli::door::Door;
use crate::domain::{Error, Kind, Micros, Result};

/// What the rows of one part take in memory, about.
const PART_BYTES: u64 = 8 << 20;
/// Of a row without text.
const ROW_BYTES: u64 = 40;
/// Streams of one part: their ids are in its question.
const PART_STREAMS: usize = 1000;
/// A stream is cut at whole ones of the first of these that is small enough.
const UNITS: [&str; 4] = ["day", "hour", "minute", "second"];

/// From a time on, up to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: Option<Micros>,
    pub to: Option<Micros>,
}

/// Rows that are fetched together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Ascending.
    streams: Vec<i32>,
    range: Range,
    /// As they were counted.
    pub rows: u64,
}

impl Part {
    pub fn query(&self) -> String {
        let condition = condition(&self.streams, self.range);
        format!("SELECT stream_id, ts, value, text, quality FROM readings{condition} ORDER BY stream_id, ts")
    }
}

/// The parts of an export, in its order.
pub async fn plan(door: &Door, streams: &[i32], range: Range) -> Result<Vec<Part>> {
    must_exist(door, streams).await?;
    let condition = condition(streams, range);
    let counted = ask(
        door,
        &format!(
            "SELECT stream_id, count(*) AS n, CAST(coalesce(sum(octet_length(text)), 0) AS BIGINT) AS bytes \
             FROM readings{condition} GROUP BY stream_id ORDER BY stream_id"
        ),
    )
    .await?;
    let (mut parts, mut together) = (Vec::new(), Together { range, streams: Vec::new(), rows: 0, bytes: 0 });
    for batch in counted {
        let (ids, sizes) = (column(&batch, 0, &DataType::Int32)?, sizes(&batch)?);
        for (row, size) in sizes.into_iter().enumerate() {
            let stream = ids.as_primitive::<Int32Type>().value(row);
            if size.bytes > PART_BYTES {
                parts.extend(together.take());
                parts.extend(cut(door, stream, range, 0).await?);
                continue;
            }
            if together.bytes + size.bytes > PART_BYTES || together.streams.len() == PART_STREAMS {
                parts.extend(together.take());
            }
            together.streams.push(stream);
            together.rows += size.rows;
            together.bytes += size.bytes;
        }
    }
    parts.extend(together.take());
    Ok(parts)
}

/// Refuses streams that are not there: an export of nothing must not look like one of something.
async fn must_exist(door: &Door, streams: &[i32]) -> Result<()> {
    if streams.is_empty() {
        return Ok(());
    }
    let list = list(streams);
    let known = match ask(door, &format!("SELECT id FROM streams WHERE id IN ({list})")).await {
        Ok(known) => known,
        // A key that may read values and not streams.
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

/// Small streams on their way into one part.
struct Together {
    range: Range,
    streams: Vec<i32>,
    rows: u64,
    bytes: u64,
}

impl Together {
    fn take(&mut self) -> Option<Part> {
        let streams = std::mem::take(&mut self.streams);
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        (!streams.is_empty()).then_some(Part { streams, range: self.range, rows })
    }
}

/// The parts of one stream, cut at whole units of time; a unit that is too large itself, at whole ones of the next.
fn cut(
    door: &Door,
    stream: i32,
    range: Range,
    unit: usize,
) -> Pin<Box<dyn Future<Output = Result<Vec<Part>>> + Send + '_>> {
    Box::pin(async move {
        let counted = ask(
            door,
            &format!(
                "SELECT date_trunc('{}', ts) AS start, count(*) AS n, \
                 CAST(coalesce(sum(octet_length(text)), 0) AS BIGINT) AS bytes \
                 FROM readings{} GROUP BY 1 ORDER BY 1",
                UNITS[unit],
                condition(&[stream], range)
            ),
        )
        .await?;
        let mut units = Vec::new();
        for batch in &counted {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            let starts = column(batch, 0, &micros)?;
            let starts = starts.as_primitive::<TimestampMicrosecondType>();
            units.extend(starts.values().iter().map(|ts| Micros(*ts)).zip(sizes(batch)?));
        }
        let mut parts = Vec::new();
        for window in windows(range, &units) {
            match window.is_too_large && unit + 1 < UNITS.len() {
                true => parts.extend(cut(door, stream, window.range, unit + 1).await?),
                false => parts.push(Part { streams: vec![stream], range: window.range, rows: window.rows }),
            }
        }
        Ok(parts)
    })
}

/// Neighbouring units that go together.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    range: Range,
    rows: u64,
    /// It is one unit, and still too large.
    is_too_large: bool,
}

#[derive(Debug, Clone, Copy)]
struct Size {
    rows: u64,
    bytes: u64,
}

/// Windows that leave no gap in a range: what is written meanwhile, between units that had rows, falls into one too.
fn windows(range: Range, units: &[(Micros, Size)]) -> Vec<Window> {
    let mut found: Vec<(Window, u64)> = Vec::new();
    for (start, size) in units {
        match found.last_mut() {
            Some((window, bytes)) if *bytes + size.bytes <= PART_BYTES => {
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
                let range = Range { from, to: range.to };
                let is_too_large = size.bytes > PART_BYTES;
                found.push((Window { range, rows: size.rows, is_too_large }, size.bytes));
            }
        }
    }
    found.into_iter().map(|(window, _)| window).collect()
}

fn condition(streams: &[i32], range: Range) -> String {
    let streams = (!streams.is_empty()).then(|| format!("stream_id IN ({})", list(streams)));
    let from = range.from.map(|ts| format!("ts >= '{ts}'"));
    let to = range.to.map(|ts| format!("ts < '{ts}'"));
    let all: Vec<_> = [streams, from, to].into_iter().flatten().collect();
    if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
}

fn list(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}

async fn ask(door: &Door, query: &str) -> Result<Vec<RecordBatch>> {
    door.sql(query).await?.batches.try_collect().await
}

/// The second and third column: rows and bytes of text.
fn sizes(batch: &RecordBatch) -> Result<Vec<Size>> {
    let (rows, bytes) = (column(batch, 1, &DataType::Int64)?, column(batch, 2, &DataType::Int64)?);
    let (rows, bytes) = (rows.as_primitive::<Int64Type>(), bytes.as_primitive::<Int64Type>());
    let size = |row: usize| {
        let (rows, text) = (rows.value(row).unsigned_abs(), bytes.value(row).unsigned_abs());
        Size { rows, bytes: rows.saturating_mul(ROW_BYTES).saturating_add(text) }
    };
    Ok((0..batch.num_rows()).map(size).collect())
}

fn column(batch: &RecordBatch, index: usize, kind: &DataType) -> Result<ArrayRef> {
    let column = batch.columns().get(index).filter(|column| column.null_count() == 0);
    let column = column.ok_or_else(|| Error::internal("a count came in other columns"))?;
    cast(column, kind).map_err(|e| Error::internal("a count came in other columns").because(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Range = Range { from: None, to: None };

    fn windows_of(range: Range, mib: &[(i64, u64)]) -> Vec<(Option<i64>, Option<i64>, bool)> {
        let units: Vec<_> =
            mib.iter().map(|(at, mib)| (Micros(*at), Size { rows: 1, bytes: mib << 20 })).collect();
        let shown = |w: Window| (w.range.from.map(|t| t.0), w.range.to.map(|t| t.0), w.is_too_large);
        windows(range, &units).into_iter().map(shown).collect()
    }

    #[test]
    fn windows_cover_their_range_and_are_no_larger_than_a_part_unless_one_unit_is() {
        let some = |from, to| Range { from: Some(Micros(from)), to: Some(Micros(to)) };
        type Row<'a> = (&'a str, Range, &'a [(i64, u64)], &'a [(Option<i64>, Option<i64>, bool)]);
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
        let part = Part {
            streams: vec![3, 5],
            range: Range { from: Some(Micros(0)), to: Some(Micros(1_500_000)) },
            rows: 0,
        };
        assert_eq!(
            part.query(),
            "SELECT stream_id, ts, value, text, quality FROM readings WHERE stream_id IN (3, 5) \
             AND ts >= '1970-01-01T00:00:00Z' AND ts < '1970-01-01T00:00:01.500000Z' ORDER BY stream_id, ts"
        );
    }
}

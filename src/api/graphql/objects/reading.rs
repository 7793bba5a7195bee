//! Reading types of the schema: pages of readings, and the newest reading of a stream.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, Object, SimpleObject};
use futures::TryStreamExt;

use super::stream::Stream;
use crate::api::graphql::context::{app, caller, reservation};
use crate::api::graphql::enums::{Order, Quality};
use crate::api::graphql::memory_pool::RequestReservation;
use crate::api::graphql::object::object;
use crate::api::graphql::paging::{self, TimeCursor};
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::series::{ReadingsQuery, TimeRange};
use crate::app::value::ReadingsStream;
use crate::domain::{self, Error, Micros, Result, StreamId};

/// Default and maximum number of readings in a page.
const DEFAULT_READINGS: usize = 1000;
const MAX_READINGS: usize = 100_000;

/// One value of a stream at one time.
#[derive(Debug, Clone, SimpleObject)]
pub struct Reading {
    /// Time of measurement, which identifies a reading within its stream.
    ts: DateTime,
    /// Numeric value; null for text and for bad readings. A 64-bit integer beyond 2^53 is rounded here and exact in
    /// `text`.
    value: Option<f64>,
    /// Text, JSON or location; for a large integer, its exact decimal.
    text: Option<String>,
    /// Quality of the value: good, uncertain or bad.
    quality: Quality,
}

impl From<domain::reading::Reading> for Reading {
    fn from(reading: domain::reading::Reading) -> Self {
        Self {
            ts: DateTime(reading.ts),
            value: reading.value,
            text: reading.text.map(String::from),
            quality: reading.quality.into(),
        }
    }
}

/// The newest reading of a stream.
pub struct Latest {
    /// Stream of the reading.
    pub stream: Arc<domain::stream::Stream>,
    /// The newest reading by time, of any quality.
    pub reading: domain::reading::Reading,
}

object! {
    #[Object]
    /// The newest reading of a stream.
    impl Latest(self) {
        /// Stream of the reading.
        stream: Stream = Stream(self.stream.clone());
        /// Row number of the stream.
        stream_row_id: i32 = self.stream.id.0;
        /// Time of measurement.
        ts: DateTime = DateTime(self.reading.ts);
        /// Numeric value; null for text and for bad readings.
        value: Option<f64> = self.reading.value;
        /// Text, JSON or location; for a large integer, its exact decimal.
        text: Option<&str> = self.reading.text.as_deref();
        /// Quality of the value: good, uncertain or bad.
        quality: Quality = self.reading.quality.into();
    }
}

/// A page of readings.
pub type ReadingConnection = Connection<TimeCursor, Reading, ReadingTotal, EmptyFields>;

/// Computes the total only if the field is selected.
pub struct ReadingTotal {
    stream: StreamId,
    span: TimeRange,
}

#[Object(name = "ReadingTotal")]
impl ReadingTotal {
    /// Number of readings in the whole range; computed only if this field is selected.
    async fn total_count(&self, ctx: &Context<'_>) -> async_graphql::Result<BigInt> {
        Ok(BigInt(app(ctx).values.count_readings(caller(ctx), self.stream, self.span).await?))
    }

    /// Global id of the stream.
    async fn stream_id(&self) -> ID {
        crate::api::graphql::ids::NodeType::Stream.id(self.stream.0)
    }
}

/// Arguments of `Stream.values`.
pub struct ReadingsRequest {
    /// Time range; `from` is inclusive, `to` exclusive.
    pub span: TimeRange,
    /// Order by time; the default is ascending.
    pub order: Order,
    /// Maximum number of readings in the page; `None` is the default.
    pub first: Option<i32>,
    /// Cursor after which the page begins.
    pub after: Option<String>,
    /// Maximum number of points of a chart, returned in one page; `None` returns every reading.
    pub downsample: Option<i32>,
}

/// Returns the complexity of a page of readings.
pub fn cost(first: Option<i32>, downsample: Option<i32>, each: usize) -> usize {
    let rows = downsample.or(first).map_or(DEFAULT_READINGS, |count| usize::try_from(count).unwrap_or(0));
    paging::cost_of(rows, each)
}

/// Returns a page of a stream's readings.
///
/// # Errors
/// `Invalid` naming the argument.
pub async fn readings_page(
    ctx: &Context<'_>,
    id: StreamId,
    wanted: ReadingsRequest,
) -> Result<ReadingConnection> {
    let ReadingsRequest { span, order, first, after, downsample } = wanted;
    let total = ReadingTotal { stream: id, span };
    if let Some(points) = paging::count_up_to("downsample", downsample, MAX_READINGS)? {
        if points < 2 {
            return Err(Error::field("downsample", format!("must be from 2 to {MAX_READINGS}")));
        }
        if first.is_some() || after.is_some() {
            return Err(Error::field("downsample", "returns one page: omit first and after"));
        }
        let readings = chart_readings(ctx, id, span, points).await?;
        return Ok(downsampled_page(readings, order, total));
    }
    let limit = paging::count_up_to("first", first, MAX_READINGS)?.unwrap_or(DEFAULT_READINGS);
    let after = after.as_deref().map(<TimeCursor as async_graphql::connection::CursorType>::decode_cursor);
    let after = after.transpose()?;
    let rest = after.map_or(span, |TimeCursor(ts)| remaining_span(span, ts, order));
    let slice = ReadingsQuery { span: rest, newest_first: order == Order::Desc, limit: limit + 1 };
    let mut rows =
        collect_rows(app(ctx).values.readings(caller(ctx), id, slice).await?, reservation(ctx)).await?;
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    let mut page = ReadingConnection::with_additional_fields(after.is_some(), has_next, total);
    page.edges.extend(rows.into_iter().map(|row| Edge::new(TimeCursor(row.ts), row.into())));
    Ok(page)
}

/// Collects the readings of a page and reserves the memory of their texts.
async fn collect_rows(
    mut batches: ReadingsStream,
    reservation: &RequestReservation,
) -> Result<Vec<domain::reading::Reading>> {
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let texts: usize = batch.text.iter().flatten().map(|text| text.len()).sum();
        if texts > 0 {
            reservation.grow(texts)?;
        }
        rows.extend(batch.iter());
    }
    Ok(rows)
}

/// Returns the part of a range that follows the reading at `ts` in the given order.
fn remaining_span(span: TimeRange, ts: Micros, order: Order) -> TimeRange {
    match order {
        Order::Asc => {
            let next = Micros(ts.0.saturating_add(1));
            TimeRange { from: Some(span.from.map_or(next, |from| from.max(next))), ..span }
        }
        Order::Desc => TimeRange { to: Some(span.to.map_or(ts, |to| to.min(ts))), ..span },
    }
}

/// Returns the readings of the points of a chart, with texts and qualities only if these are selected.
async fn chart_readings(
    ctx: &Context<'_>,
    id: StreamId,
    span: TimeRange,
    points: usize,
) -> Result<Vec<Reading>> {
    let selected = |field: &str| {
        let look = ctx.look_ahead();
        look.field("nodes").field(field).exists() || look.field("edges").field("node").field(field).exists()
    };
    let values = &app(ctx).values;
    if selected("text") || selected("quality") {
        let found = values.downsampled_readings(caller(ctx), id, span, points).await?;
        let texts: usize =
            found.iter().filter_map(|reading| reading.text.as_ref()).map(|text| text.len()).sum();
        reservation(ctx).grow(texts)?;
        return Ok(found.into_iter().map(Reading::from).collect());
    }
    let plain =
        |(ts, value)| Reading { ts: DateTime(ts), value: Some(value), text: None, quality: Quality::Good };
    let found = values.downsampled(caller(ctx), id, span, points).await?;
    Ok(found.into_iter().map(plain).collect())
}

fn downsampled_page(mut readings: Vec<Reading>, order: Order, total: ReadingTotal) -> ReadingConnection {
    if order == Order::Desc {
        readings.reverse();
    }
    let mut page = ReadingConnection::with_additional_fields(false, false, total);
    page.edges.extend(readings.into_iter().map(|reading| Edge::new(TimeCursor(reading.ts.0), reading)));
    page
}

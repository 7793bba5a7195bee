//! Readings in the graph: the newest of a stream, and pages of them.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Context, ID, Object, SimpleObject};
use futures::TryStreamExt;

use super::stream::Stream;
use crate::api::graphql::context::{app, caller, held};
use crate::api::graphql::enums::{Order, Quality};
use crate::api::graphql::memory::Held;
use crate::api::graphql::paging::{self, At};
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::series::{Slice, Span};
use crate::app::value::Rows;
use crate::domain::{self, Error, Micros, Result, StreamId};

/// Readings of a page unless asked otherwise, and at most.
const USUAL: usize = 1000;
const MOST: usize = 100_000;

/// One value of a stream at one time.
#[derive(Debug, Clone, SimpleObject)]
pub struct Reading {
    /// When it was measured: the identity of a reading within its stream.
    ts: DateTime,
    /// The number; null for text and for bad readings. A 64-bit integer beyond 2^53 is the nearest number here, exact in
    /// `text`.
    value: Option<f64>,
    /// Text, JSON, a location; or the exact decimal of a large integer.
    text: Option<String>,
    /// How far it can be trusted.
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
    /// The stream it is of.
    pub stream: Arc<domain::stream::Stream>,
    pub reading: domain::reading::Reading,
}

/// The newest reading of a stream.
#[Object]
impl Latest {
    /// The stream it is of.
    async fn stream(&self) -> Stream {
        Stream(self.stream.clone())
    }

    /// Row number of its stream.
    async fn stream_row_id(&self) -> i32 {
        self.stream.id.0
    }

    /// When it was measured.
    async fn ts(&self) -> DateTime {
        DateTime(self.reading.ts)
    }

    /// The number; null for text and for bad readings.
    async fn value(&self) -> Option<f64> {
        self.reading.value
    }

    /// Text, JSON, a location; or the exact decimal of a large integer.
    async fn text(&self) -> Option<&str> {
        self.reading.text.as_deref()
    }

    /// How far it can be trusted.
    async fn quality(&self) -> Quality {
        self.reading.quality.into()
    }
}

/// A page of readings.
pub type Values = Connection<At, Reading, Counted, EmptyFields>;

/// Counts only when asked.
pub struct Counted {
    stream: StreamId,
    span: Span,
}

#[Object(name = "ReadingTotal")]
impl Counted {
    /// Readings of the whole range. They are counted only for this field.
    async fn total_count(&self, ctx: &Context<'_>) -> async_graphql::Result<BigInt> {
        Ok(BigInt(app(ctx).count_readings(caller(ctx), self.stream, self.span).await?))
    }

    /// The stream they are of.
    async fn stream_id(&self) -> ID {
        crate::api::graphql::ids::Noun::Stream.id(self.stream.0)
    }
}

/// Which readings are wanted.
pub struct Wanted {
    pub span: Span,
    pub order: Order,
    pub first: Option<i32>,
    pub after: Option<String>,
    pub downsample: Option<i32>,
}

/// What a page of readings costs.
pub fn cost(first: Option<i32>, downsample: Option<i32>, each: usize) -> usize {
    let rows = downsample.or(first).map_or(USUAL, |asked| usize::try_from(asked).unwrap_or(0));
    paging::cost_of(rows, each)
}

/// A page of a stream's readings.
///
/// # Errors
/// `Invalid` naming the argument.
pub async fn values(ctx: &Context<'_>, id: StreamId, wanted: Wanted) -> Result<Values> {
    let Wanted { span, order, first, after, downsample } = wanted;
    let total = Counted { stream: id, span };
    if let Some(points) = paging::count_up_to("downsample", downsample, MOST)? {
        if points < 2 {
            return Err(Error::field("downsample", format!("must be from 2 to {MOST}")));
        }
        if first.is_some() || after.is_some() {
            return Err(Error::field("downsample", "has one page: leave out first and after"));
        }
        let points = app(ctx).downsampled(caller(ctx), id, span, points).await?;
        return Ok(picture(points, order, total));
    }
    let limit = paging::count_up_to("first", first, MOST)?.unwrap_or(USUAL);
    let after = after.as_deref().map(<At as async_graphql::connection::CursorType>::decode_cursor);
    let after = after.transpose()?;
    let rest = after.map_or(span, |At(ts)| behind(span, ts, order));
    let slice = Slice { span: rest, newest_first: order == Order::Desc, limit: limit + 1 };
    let mut rows = counted(app(ctx).readings(caller(ctx), id, slice).await?, held(ctx)).await?;
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    let mut page = Values::with_additional_fields(after.is_some(), has_next, total);
    page.edges.extend(rows.into_iter().map(|row| Edge::new(At(row.ts), row.into())));
    Ok(page)
}

/// Readings of a page as they come, with what their texts take.
async fn counted(mut batches: Rows, held: &Held) -> Result<Vec<domain::reading::Reading>> {
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let texts: usize = batch.text.iter().flatten().map(|text| text.len()).sum();
        if texts > 0 {
            held.grow(texts)?;
        }
        rows.extend(batch.iter());
    }
    Ok(rows)
}

/// What is left of a span behind a reading, in the order wanted.
fn behind(span: Span, ts: Micros, order: Order) -> Span {
    match order {
        Order::Asc => {
            let next = Micros(ts.0.saturating_add(1));
            Span { from: Some(span.from.map_or(next, |from| from.max(next))), ..span }
        }
        Order::Desc => Span { to: Some(span.to.map_or(ts, |to| to.min(ts))), ..span },
    }
}

fn picture(mut points: Vec<(Micros, f64)>, order: Order, total: Counted) -> Values {
    if order == Order::Desc {
        points.reverse();
    }
    let mut page = Values::with_additional_fields(false, false, total);
    page.edges.extend(points.into_iter().map(|(ts, value)| {
        let reading = Reading { ts: DateTime(ts), value: Some(value), text: None, quality: Quality::Good };
        Edge::new(At(ts), reading)
    }));
    page
}

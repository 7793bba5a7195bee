//! Queries for charts and tables of readings: pages, downsampled points, counts, and aligned buckets.
//!
//! Ranges here include their beginning and exclude their end. Readings of bad quality are included.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::sql::SqlRequest;
use super::value::{ReadingsStream, Values};
use crate::domain::reading::Reading;
use crate::domain::statistic::{BucketFields, BucketSeries, Statistic};
use crate::domain::time::{END_TIME, MIN_TIME};
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::list_query::ListQuery;
use crate::query::readings_list::{ValuesQuery, to_readings};
use crate::query::step::Step;
use crate::query::step_query::StepQuery;

/// Maximum buckets of one stream in a response.
pub const MAX_BUCKETS: usize = 10_000;

/// Smallest number of points of the function `lttb`.
const LEAST_POINTS: usize = 3;

/// A time range: `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    pub from: Option<Micros>,
    pub to: Option<Micros>,
}

impl TimeRange {
    /// Returns the last time in the range, if it has an end.
    fn last(self) -> Option<Micros> {
        self.to.map(|to| Micros(to.0.saturating_sub(1)))
    }

    fn is_empty(self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| from >= to)
    }
}

/// The requested readings of a stream.
#[derive(Debug, Clone, Copy)]
pub struct ReadingsQuery {
    pub span: TimeRange,
    pub newest_first: bool,
    pub limit: usize,
}

/// Query for buckets of several streams on one time axis.
#[derive(Debug, Clone)]
pub struct AlignedQuery {
    pub streams: Vec<StreamId>,
    pub from: Micros,
    pub to: Micros,
    /// An ISO-8601 duration.
    pub step: String,
    /// Time zone in which days and months begin; UTC by default.
    pub timezone: Option<String>,
    pub fields: BucketFields,
    /// Whether posted statistics replace the readings of their windows.
    pub overlay_posted: bool,
}

/// Estimates the number of buckets of a step in a range; 0 for an invalid step.
pub fn bucket_count(step: &str, from: Micros, to: Micros) -> usize {
    Step::parse(step).map_or(0, |step| step.count_within(from, to).min(MAX_BUCKETS))
}

impl Values {
    /// Returns the first readings of a stream in a range, oldest or newest first, in batches.
    pub async fn readings(
        &self,
        principal: &Principal,
        id: StreamId,
        slice: ReadingsQuery,
    ) -> Result<ReadingsStream> {
        self.may_read_values(principal, id)?;
        let ReadingsQuery { span, newest_first, limit } = slice;
        if span.is_empty() || limit == 0 {
            return Ok(stream::empty().boxed());
        }
        let query = ValuesQuery { list: list(id, span, newest_first, Some(limit)), include_bad: true };
        self.engine.values(principal, query).await
    }

    /// Returns the statistics of a stream whose windows begin in a range, oldest first. Posted statistics shadow
    /// computed ones of the same time.
    pub async fn statistics_within(
        &self,
        principal: &Principal,
        id: StreamId,
        span: TimeRange,
        limit: usize,
    ) -> Result<Vec<Statistic>> {
        principal.require(Scope::read(Resource::Statistic))?;
        self.store.catalog().streams.stream(principal, id)?;
        if span.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let found = self.engine.statistics(principal, list(id, span, false, Some(limit))).await?;
        let found: Vec<Vec<Statistic>> = found.try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns the number of readings of a stream in a range.
    pub async fn count_readings(&self, principal: &Principal, id: StreamId, span: TimeRange) -> Result<i64> {
        let text = "SELECT count(*) FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to";
        self.count(principal, id, span, text).await
    }

    /// Returns the number of readings of a stream in a range that have a value.
    pub async fn count_values(&self, principal: &Principal, id: StreamId, span: TimeRange) -> Result<i64> {
        let text = "SELECT count(*) FROM readings \
                    WHERE stream_id = $stream AND ts >= $from AND ts < $to AND quality <> 'bad'";
        self.count(principal, id, span, text).await
    }

    async fn count(&self, principal: &Principal, id: StreamId, span: TimeRange, text: &str) -> Result<i64> {
        self.may_read_values(principal, id)?;
        let batches = self.rows_of(principal, text, within(id, span)).await?;
        let counts = batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec());
        Ok(counts.sum())
    }

    /// Returns at most `points` points that preserve the shape of a stream's values in a range (largest triangle three
    /// buckets), of two points the first and the last.
    pub async fn downsampled(
        &self,
        principal: &Principal,
        id: StreamId,
        span: TimeRange,
        points: usize,
    ) -> Result<Vec<(Micros, f64)>> {
        self.may_read_values(principal, id)?;
        let text = "SELECT lttb(ts, value, $points) FROM readings \
                    WHERE stream_id = $stream AND ts >= $from AND ts < $to";
        let batches = self.rows_of(principal, text, chart(id, span, points)).await?;
        Ok(without_middle(batches.iter().flat_map(points_of).collect(), points))
    }

    /// Returns the readings of the points of `downsampled`, with their texts and qualities.
    pub async fn downsampled_readings(
        &self,
        principal: &Principal,
        id: StreamId,
        span: TimeRange,
        points: usize,
    ) -> Result<Vec<Reading>> {
        self.may_read_values(principal, id)?;
        let text = "SELECT readings.stream_id, readings.ts, readings.value, readings.text, readings.quality \
                    FROM (SELECT p['ts'] AS point_ts FROM (SELECT unnest(lttb(ts, value, $points)) AS p \
                    FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to)) points \
                    JOIN readings ON readings.ts = points.point_ts \
                    WHERE readings.stream_id = $stream AND readings.ts >= $from AND readings.ts < $to \
                    ORDER BY readings.ts";
        let batches = self.rows_of(principal, text, chart(id, span, points)).await?;
        let mut found = Vec::new();
        for batch in &batches {
            found.extend(to_readings(batch).iter());
        }
        Ok(without_middle(found, points))
    }

    /// Returns the buckets of streams. Streams that the principal may not see, or that have no value, have no series.
    ///
    /// # Errors
    /// `Invalid` naming `step` or `timezone`, or `to` when the range is empty.
    pub async fn aligned(&self, principal: &Principal, request: AlignedQuery) -> Result<Vec<BucketSeries>> {
        let AlignedQuery { streams, from, to, step, timezone, fields, overlay_posted } = request;
        let resource = if overlay_posted { Resource::Statistic } else { Resource::Value };
        principal.require(Scope::read(resource))?;
        let step = Step::parse(&step)?;
        if from >= to {
            return Err(Error::field("to", "must be after from"));
        }
        let max_buckets = MAX_BUCKETS;
        let query = StepQuery { streams, from, to, step, timezone, fields, overlay_posted, max_buckets };
        let series: Vec<_> = self.engine.query_steps(principal, query).await?.try_collect().await?;
        Ok(series.into_iter().flatten().collect())
    }

    fn may_read_values(&self, principal: &Principal, id: StreamId) -> Result<()> {
        principal.require(Scope::read(Resource::Value))?;
        self.store.catalog().streams.stream(principal, id).map(drop)
    }

    async fn rows_of(&self, principal: &Principal, text: &str, params: Value) -> Result<Vec<RecordBatch>> {
        let request = SqlRequest { query: text.to_owned(), params };
        self.statements.sql(principal, request).await?.batches.try_collect().await
    }
}

/// Returns the parameters of a query about a stream in a range.
fn within(id: StreamId, span: TimeRange) -> Value {
    let time = |bound: Option<Micros>, none: Micros| bound.unwrap_or(none).to_iso();
    json!({"stream": id.0, "from": time(span.from, MIN_TIME), "to": time(span.to, END_TIME)})
}

/// Returns the parameters of a query for the points of a chart.
fn chart(id: StreamId, span: TimeRange, points: usize) -> Value {
    let mut params = within(id, span);
    params["points"] = json!(points.max(LEAST_POINTS));
    params
}

/// Removes the middle of three points where two are wanted.
fn without_middle<T>(mut found: Vec<T>, points: usize) -> Vec<T> {
    if points < LEAST_POINTS && found.len() == LEAST_POINTS {
        found.remove(1);
    }
    found
}

fn list(id: StreamId, span: TimeRange, newest_first: bool, limit: Option<usize>) -> ListQuery {
    ListQuery { streams: Some(vec![id]), from: span.from, to: span.last(), newest_first, offset: 0, limit }
}

/// Reads the points from a column of lists of `{ts, value}`.
fn points_of(batch: &RecordBatch) -> Vec<(Micros, f64)> {
    let lists = batch.column(0).as_list::<i32>();
    let mut points = Vec::new();
    for list in lists.iter().flatten() {
        let pairs = list.as_struct();
        let times = pairs.column(0).as_primitive::<TimestampMicrosecondType>();
        let values = pairs.column(1).as_primitive::<Float64Type>();
        points.extend((0..pairs.len()).map(|i| (Micros(times.value(i)), values.value(i))));
    }
    points
}

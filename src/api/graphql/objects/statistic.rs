//! Statistics types of the schema: stored windows, buckets of a step, and several streams on one time axis.

use std::collections::BTreeSet;

use async_graphql::{Context, SimpleObject};

use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{StatisticField, StatisticOrigin};
use crate::api::graphql::paging;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime, Duration};
use crate::app::series::{self, AlignedQuery, TimeRange};
use crate::domain::statistic::{Bucket, BucketFields, BucketSeries};
use crate::domain::{Error, Micros, Result, StreamId, statistic};

/// Default number of rows.
const DEFAULT_ROWS: usize = 1000;

/// Statistics of the values in one window or bucket.
#[derive(Debug, Clone, Default, SimpleObject)]
pub struct Statistic {
    /// Start time of the window or bucket.
    ts: Option<DateTime>,
    /// Length of the window, seconds; null for a bucket.
    window: Option<u32>,
    /// Origin of the statistic. A bucket counts as computed even if it includes statistics written by clients.
    origin: StatisticOrigin,
    /// Number of values in the window or bucket.
    count: Option<BigInt>,
    /// The sum of the values, in the stream's unit.
    sum: Option<f64>,
    /// The arithmetic mean, in the stream's unit.
    mean: Option<f64>,
    /// Root mean square, in the stream's unit.
    rms: Option<f64>,
    /// The smallest value, in the stream's unit.
    min: Option<f64>,
    /// The largest value, in the stream's unit.
    max: Option<f64>,
    /// Median, in the stream's unit.
    median: Option<f64>,
    /// First quartile, in the stream's unit.
    q1: Option<f64>,
    /// Third quartile, in the stream's unit.
    q3: Option<f64>,
}

impl From<&statistic::Statistic> for Statistic {
    fn from(row: &statistic::Statistic) -> Self {
        Self {
            ts: Some(DateTime(row.ts)),
            window: Some(row.window_s),
            origin: row.origin.into(),
            count: Some(BigInt(row.count)),
            sum: row.mean.map(|mean| mean * row.count as f64),
            mean: row.mean,
            rms: row.rms,
            min: row.min,
            max: row.max,
            median: row.median,
            q1: row.q1,
            q3: row.q3,
        }
    }
}

/// Arguments of `Stream.statistics`.
pub struct StatisticsRequest {
    /// Time range; `from` is inclusive, `to` exclusive.
    pub span: TimeRange,
    /// Length of a bucket; `None` returns the stored windows.
    pub step: Option<Duration>,
    /// Statistics to compute; `None` leaves the choice to the selected fields.
    pub fields: Option<Vec<StatisticField>>,
    /// IANA name of the time zone whose days and months bound the buckets; `None` is UTC.
    pub timezone: Option<String>,
    /// Maximum number of rows; `None` is the default.
    pub first: Option<i32>,
}

/// Returns the complexity of the statistics of one stream.
pub fn cost(
    from: Option<DateTime>,
    to: Option<DateTime>,
    step: Option<&Duration>,
    first: Option<i32>,
    each: usize,
) -> usize {
    let rows = match (step, from.zip(to)) {
        (Some(step), Some((from, to))) => series::bucket_count(&step.0, from.0, to.0),
        _ => first.map_or(DEFAULT_ROWS, |count| usize::try_from(count).unwrap_or(0)),
    };
    paging::cost_of(rows, each)
}

/// Returns the complexity of aligned series.
pub fn cost_of_many(streams: usize, from: DateTime, to: DateTime, step: &Duration, each: usize) -> usize {
    paging::cost_of(series::bucket_count(&step.0, from.0, to.0), each.saturating_mul(streams))
}

/// Returns the statistics of one stream.
///
/// # Errors
/// `Invalid` naming the argument.
pub async fn stream_statistics(
    ctx: &Context<'_>,
    id: StreamId,
    wanted: StatisticsRequest,
) -> Result<Vec<Statistic>> {
    let StatisticsRequest { span, step, fields, timezone, first } = wanted;
    let shown = SelectedFields::from_selection(ctx, fields.as_deref());
    let first = paging::count_up_to("first", first, series::MAX_BUCKETS)?;
    let Some(step) = step else {
        if timezone.is_some() {
            return Err(Error::field("timezone", "is valid only with step"));
        }
        let rows =
            app(ctx).values.statistics_within(caller(ctx), id, span, first.unwrap_or(DEFAULT_ROWS)).await?;
        return Ok(rows.iter().map(|row| shown.narrowed(row.into())).collect());
    };
    let (Some(from), Some(to)) = (span.from, span.to) else {
        return Err(Error::field("step", "needs both from and to"));
    };
    app(ctx).streams.stream(caller(ctx), id)?;
    let streams = vec![id];
    let fields = shown.step_fields();
    let query = AlignedQuery { streams, from, to, step: step.0, timezone, fields, overlay_posted: true };
    let series = app(ctx).values.aligned(caller(ctx), query).await?;
    let buckets = series.into_iter().flat_map(|one| one.buckets);
    Ok(buckets.take(first.unwrap_or(usize::MAX)).map(|bucket| shown.bucket(&bucket)).collect())
}

/// Statistics that are both listed in `fields` and selected in the query.
struct SelectedFields(Vec<StatisticField>);

impl SelectedFields {
    const ALL: [StatisticField; 9] = [
        StatisticField::Count,
        StatisticField::Sum,
        StatisticField::Mean,
        StatisticField::Rms,
        StatisticField::Min,
        StatisticField::Max,
        StatisticField::Median,
        StatisticField::Q1,
        StatisticField::Q3,
    ];

    fn from_selection(ctx: &Context<'_>, selection: Option<&[StatisticField]>) -> SelectedFields {
        let selected = |field: &StatisticField| ctx.look_ahead().field(name(*field)).exists();
        let is_selected =
            |field: &StatisticField| selection.is_none_or(|selection| selection.contains(field));
        SelectedFields(Self::ALL.into_iter().filter(|field| is_selected(field) && selected(field)).collect())
    }

    fn has(&self, field: StatisticField) -> bool {
        self.0.contains(&field)
    }

    fn step_fields(&self) -> BucketFields {
        let any = |fields: &[StatisticField]| fields.iter().any(|field| self.has(*field));
        BucketFields {
            mean: any(&[StatisticField::Mean, StatisticField::Sum]),
            rms: any(&[StatisticField::Rms]),
            min: any(&[StatisticField::Min]),
            max: any(&[StatisticField::Max]),
            quantiles: any(&[StatisticField::Median, StatisticField::Q1, StatisticField::Q3]),
        }
    }

    fn bucket(&self, bucket: &Bucket) -> Statistic {
        let whole = Statistic {
            ts: Some(DateTime(bucket.start)),
            window: None,
            origin: StatisticOrigin::Computed,
            count: Some(BigInt::saturating(bucket.count)),
            sum: bucket.sum,
            mean: bucket.mean,
            rms: bucket.rms,
            min: bucket.min,
            max: bucket.max,
            median: bucket.median,
            q1: bucket.q1,
            q3: bucket.q3,
        };
        self.narrowed(whole)
    }

    fn narrowed(&self, of: Statistic) -> Statistic {
        let keep = |field, value: Option<f64>| value.filter(|_| self.has(field));
        Statistic {
            count: of.count.filter(|_| self.has(StatisticField::Count)),
            sum: keep(StatisticField::Sum, of.sum),
            mean: keep(StatisticField::Mean, of.mean),
            rms: keep(StatisticField::Rms, of.rms),
            min: keep(StatisticField::Min, of.min),
            max: keep(StatisticField::Max, of.max),
            median: keep(StatisticField::Median, of.median),
            q1: keep(StatisticField::Q1, of.q1),
            q3: keep(StatisticField::Q3, of.q3),
            ..of
        }
    }
}

fn name(field: StatisticField) -> &'static str {
    match field {
        StatisticField::Count => "count",
        StatisticField::Sum => "sum",
        StatisticField::Mean => "mean",
        StatisticField::Rms => "rms",
        StatisticField::Min => "min",
        StatisticField::Max => "max",
        StatisticField::Median => "median",
        StatisticField::Q1 => "q1",
        StatisticField::Q3 => "q3",
    }
}

/// Several streams on one time axis.
#[derive(SimpleObject)]
pub struct AlignedValues {
    /// Start times of all buckets that contain a value of at least one stream, ascending.
    ts: Vec<DateTime>,
    /// One series per requested stream, in the requested order; every list in it is as long as `ts`.
    series: Vec<AlignedSeries>,
}

/// One stream on the time axis; entries are null where the bucket has no value or the statistic was not requested.
#[derive(SimpleObject)]
pub struct AlignedSeries {
    /// The stream that the series belongs to.
    stream: Stream,
    /// Number of values in each bucket.
    count: Vec<Option<BigInt>>,
    /// The sum of each bucket's values, in the stream's unit.
    sum: Vec<Option<f64>>,
    /// The arithmetic mean of each bucket, in the stream's unit.
    mean: Vec<Option<f64>>,
    /// Root mean square of each bucket, in the stream's unit.
    rms: Vec<Option<f64>>,
    /// The smallest value of each bucket, in the stream's unit.
    min: Vec<Option<f64>>,
    /// The largest value of each bucket, in the stream's unit.
    max: Vec<Option<f64>>,
    /// Median of each bucket, in the stream's unit.
    median: Vec<Option<f64>>,
    /// First quartile of each bucket, in the stream's unit.
    q1: Vec<Option<f64>>,
    /// Third quartile of each bucket, in the stream's unit.
    q3: Vec<Option<f64>>,
}

/// Returns several streams in buckets on one time axis.
///
/// # Errors
/// `Invalid` naming the argument; `NotFound` for a stream that the caller may not read.
pub async fn aligned_values(
    ctx: &Context<'_>,
    mut query: AlignedQuery,
    fields: Option<&[StatisticField]>,
) -> async_graphql::Result<AlignedValues> {
    let selected = |field: &StatisticField| {
        ctx.look_ahead().field("series").field(name(*field)).exists()
            && fields.is_none_or(|fields| fields.contains(field))
    };
    let shown = SelectedFields(SelectedFields::ALL.into_iter().filter(selected).collect());
    query.fields = shown.step_fields();
    let ids = query.streams.clone();
    let series = app(ctx).values.aligned(caller(ctx), query).await?;
    let times: BTreeSet<Micros> =
        series.iter().flat_map(|one| &one.buckets).map(|bucket| bucket.start).collect();
    let times: Vec<Micros> = times.into_iter().collect();
    let mut lines = Vec::with_capacity(ids.len());
    for id in ids {
        let stream = rows::stream(ctx, id)?.ok_or_else(Error::not_found)?;
        let own = series.iter().find(|one| one.stream == id);
        lines.push(aligned_series(Stream(stream), own, &times, &shown));
    }
    Ok(AlignedValues { ts: times.into_iter().map(DateTime).collect(), series: lines })
}

fn aligned_series(
    stream: Stream,
    series: Option<&BucketSeries>,
    times: &[Micros],
    shown: &SelectedFields,
) -> AlignedSeries {
    let mut cells = vec![Statistic::default(); times.len()];
    for bucket in series.iter().flat_map(|one| &one.buckets) {
        if let Ok(at) = times.binary_search(&bucket.start) {
            cells[at] = shown.bucket(bucket);
        }
    }
    let column = |get: fn(&Statistic) -> Option<f64>| cells.iter().map(get).collect();
    AlignedSeries {
        stream,
        count: cells.iter().map(|cell| cell.count).collect(),
        sum: column(|cell| cell.sum),
        mean: column(|cell| cell.mean),
        rms: column(|cell| cell.rms),
        min: column(|cell| cell.min),
        max: column(|cell| cell.max),
        median: column(|cell| cell.median),
        q1: column(|cell| cell.q1),
        q3: column(|cell| cell.q3),
    }
}

//! Aggregates of a sensor's readings in aligned time buckets, over the same rollup as those of every other API.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use futures::TryStreamExt;
use serde_json::json;
use uuid::Uuid;

use super::list::ReadingSpan;
use crate::app::readings::SensorReadings;
use crate::app::series::MAX_BUCKETS;
use crate::app::sql::SqlRequest;
use crate::domain::named_enum::named_enum;
use crate::domain::statistic::{Bucket, BucketFields};
use crate::domain::stream::Stream;
use crate::domain::{Error, Micros, Principal, Result};
use crate::query::step::Step;
use crate::query::step_query::StepQuery;

named_enum! {
    /// An aggregate of the values in a bucket.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum BucketFunction {
        Avg = "avg",
        Min = "min",
        Max = "max",
        Sum = "sum",
        Count = "count",
    }
}

impl BucketFunction {
    /// The functions of a request that names none.
    pub const DEFAULT: [BucketFunction; 4] =
        [BucketFunction::Avg, BucketFunction::Min, BucketFunction::Max, BucketFunction::Count];

    /// Reads the names of functions, each at most once.
    ///
    /// # Errors
    /// `Invalid` for the field `functions`: a name is unknown, or there is none.
    pub fn parse_all<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<BucketFunction>> {
        let message = "must be one or more of avg, min, max, sum, count";
        let mut functions = Vec::new();
        for name in names.map(str::trim) {
            let known = BucketFunction::from_name(name);
            let known = known.ok_or_else(|| Error::field("functions", message))?;
            if !functions.contains(&known) {
                functions.push(known);
            }
        }
        if functions.is_empty() { Err(Error::field("functions", message)) } else { Ok(functions) }
    }
}

/// The buckets that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketQuery {
    pub span: ReadingSpan,
    /// An ISO-8601 duration of whole seconds, or of months.
    pub interval: String,
    /// `None` for those that the type of the sensor has: [`BucketFunction::DEFAULT`], or the count alone for a text.
    pub functions: Option<Vec<BucketFunction>>,
}

/// The non-empty buckets of a sensor, by time.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorBuckets {
    /// In the order of the request.
    pub functions: Vec<BucketFunction>,
    pub buckets: Vec<Bucket>,
}

/// The value of a function in a bucket; `None` when it is not finite.
pub fn function_value(bucket: &Bucket, function: BucketFunction) -> Option<f64> {
    let value = match function {
        BucketFunction::Avg => bucket.mean,
        BucketFunction::Min => bucket.min,
        BucketFunction::Max => bucket.max,
        BucketFunction::Sum => bucket.sum,
        BucketFunction::Count => Some(bucket.count as f64),
    };
    value.filter(|value| value.is_finite())
}

impl SensorReadings {
    /// Returns the buckets of a sensor, computed from readings; posted statistics do not count.
    ///
    /// # Errors
    /// The errors of `SensorReadings::sensor_readings`; `Invalid` for the field `interval`: it is no duration, or makes too many buckets; or
    /// for `functions` of a text other than the count.
    pub async fn sensor_buckets(
        &self,
        principal: &Principal,
        sensor: Uuid,
        query: BucketQuery,
    ) -> Result<SensorBuckets> {
        let stream = self.sensor_stream(principal, sensor)?;
        let is_numeric = stream.spec.kind.is_numeric();
        let functions = query.functions.clone().unwrap_or_else(|| match is_numeric {
            true => BucketFunction::DEFAULT.to_vec(),
            false => vec![BucketFunction::Count],
        });
        if !is_numeric && functions.iter().any(|function| *function != BucketFunction::Count) {
            return Err(Error::field("functions", "a TEXT sensor has only count"));
        }
        let step = Step::parse(&query.interval).map_err(|_| bad_interval())?;
        let buckets = match is_numeric {
            true => self.number_buckets(principal, step_query(&stream, step, &query, &functions)).await?,
            false => self.text_buckets(principal, &stream, step, &query).await?,
        };
        Ok(SensorBuckets { functions, buckets })
    }

    async fn number_buckets(&self, principal: &Principal, query: StepQuery) -> Result<Vec<Bucket>> {
        let series = self.engine.query_steps(principal, query).await.map_err(name_interval)?;
        let series: Vec<_> = series.try_collect().await?;
        Ok(series.into_iter().flatten().flat_map(|series| series.buckets).collect())
    }

    /// Counts texts, of which no statistics are kept.
    async fn text_buckets(
        &self,
        principal: &Principal,
        stream: &Stream,
        step: Step,
        query: &BucketQuery,
    ) -> Result<Vec<Bucket>> {
        if step.count_within(query.span.from, query.span.to) > MAX_BUCKETS + 2 {
            return Err(too_many_buckets());
        }
        let text = "SELECT time_bucket($step, ts) AS start, count(*) AS n FROM readings \
                    WHERE stream_id = $stream AND ts >= $from AND ts < $to AND quality <> 'bad' \
                    GROUP BY 1 ORDER BY 1";
        let params = json!({
            "step": query.interval, "stream": stream.id.0,
            "from": query.span.from.to_iso(), "to": query.span.to.to_iso(),
        });
        let answer = self.statements.sql(principal, SqlRequest { query: text.to_owned(), params }).await?;
        let batches: Vec<_> = answer.batches.try_collect().await?;
        let mut buckets = Vec::new();
        for batch in &batches {
            let starts = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let counts = batch.column(1).as_primitive::<Int64Type>();
            let rows = (0..batch.num_rows()).filter(|row| starts.is_valid(*row));
            buckets.extend(rows.map(|row| text_bucket(starts.value(row), counts.value(row))));
        }
        if buckets.len() > MAX_BUCKETS { Err(too_many_buckets()) } else { Ok(buckets) }
    }
}

fn text_bucket(start: i64, count: i64) -> Bucket {
    Bucket {
        start: Micros(start),
        count: count.unsigned_abs(),
        mean: None,
        rms: None,
        sum: None,
        min: None,
        max: None,
        median: None,
        q1: None,
        q3: None,
    }
}

fn bad_interval() -> Error {
    Error::field("interval", "must be an ISO-8601 duration of whole seconds or months, as PT5M")
}

fn too_many_buckets() -> Error {
    Error::field("interval", format!("makes more than {MAX_BUCKETS} buckets"))
}

/// Names the member of the request instead of the field of the step query.
fn name_interval(error: Error) -> Error {
    if error.fields.iter().any(|problem| problem.field == "step") { too_many_buckets() } else { error }
}
/// Query for the numbers of a sensor.
fn step_query(stream: &Stream, step: Step, query: &BucketQuery, functions: &[BucketFunction]) -> StepQuery {
    let has = |function| functions.contains(&function);
    let fields = BucketFields {
        mean: has(BucketFunction::Avg) || has(BucketFunction::Sum),
        min: has(BucketFunction::Min),
        max: has(BucketFunction::Max),
        ..BucketFields::default()
    };
    StepQuery {
        streams: vec![stream.id],
        from: query.span.from,
        to: query.span.to,
        step,
        timezone: None,
        fields,
        overlay_posted: false,
        max_buckets: MAX_BUCKETS,
    }
}

//! One row of numbers about a sensor's readings in a range.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use serde_json::json;
use uuid::Uuid;

use super::list::{ReadingRow, ReadingSpan, SpanQuery};
use crate::app::readings::SensorReadings;
use crate::app::sql::SqlRequest;
use crate::domain::{Principal, Result};

/// Numbers about the readings of a range; all but the count are `None` without any, and for texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadingSummary {
    /// Number of readings that have a value.
    pub count: u64,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub avg: Option<f64>,
    pub median: Option<f64>,
    /// Standard deviation of the sample; `None` below two readings.
    pub stddev: Option<f64>,
    /// The oldest reading, also of texts.
    pub first: Option<ReadingRow>,
    /// The newest reading, also of texts.
    pub last: Option<ReadingRow>,
}

impl SensorReadings {
    /// Returns numbers about the readings of a sensor in a range.
    ///
    /// # Errors
    /// The errors of `SensorReadings::sensor_readings`.
    pub async fn sensor_summary(
        &self,
        principal: &Principal,
        sensor: Uuid,
        span: ReadingSpan,
    ) -> Result<ReadingSummary> {
        let stream = self.sensor_stream(principal, sensor)?;
        let query = "SELECT count(*), min(value), max(value), avg(value), median(value), stddev(value) \
                     FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to \
                     AND quality <> 'bad'";
        let params = json!({"stream": stream.id.0, "from": span.from.to_iso(), "to": span.to.to_iso()});
        let answer = self.statements.sql(principal, SqlRequest { query: query.to_owned(), params }).await?;
        let batches: Vec<RecordBatch> = answer.batches.try_collect().await?;
        let numbers = batches.iter().find(|batch| batch.num_rows() > 0).map(numbers).unwrap_or_default();
        let first = self.edge(principal, sensor, span, false).await?;
        let last = self.edge(principal, sensor, span, true).await?;
        Ok(ReadingSummary { first, last, ..numbers })
    }

    async fn edge(
        &self,
        principal: &Principal,
        sensor: Uuid,
        span: ReadingSpan,
        newest_first: bool,
    ) -> Result<Option<ReadingRow>> {
        let query = SpanQuery { span, newest_first, limit: 1 };
        Ok(self.sensor_readings(principal, sensor, query).await?.rows.into_iter().next())
    }
}

fn numbers(batch: &RecordBatch) -> ReadingSummary {
    let count = batch.column(0).as_primitive::<Int64Type>().value(0);
    let number = |column: usize| {
        let numbers = batch.column(column).as_primitive_opt::<Float64Type>()?;
        Some(numbers.value(0)).filter(|value| numbers.is_valid(0) && value.is_finite())
    };
    ReadingSummary {
        count: count.unsigned_abs(),
        min: number(1),
        max: number(2),
        avg: number(3),
        median: number(4),
        // One value has no deviation, whatever the function makes of it.
        stddev: number(5).filter(|_| count > 1),
        first: None,
        last: None,
    }
}

//! Record batches of the buckets of a step query, in which they leave the query threads.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use datafusion::error::Result;

use super::partial::Partial;
use crate::domain::Micros;
use crate::domain::statistic::{Bucket, BucketFields};
use crate::store::schema::timestamp;

/// A bucket under construction.
#[derive(Default)]
pub struct BucketSum {
    pub partial: Partial,
    /// Median, q1 and q3, valid only if the bucket has a single part.
    pub quantiles: Option<[Option<f64>; 3]>,
    pub parts: usize,
}

/// Buckets by stream and start of the bucket.
pub type BucketSums = BTreeMap<(i32, i64), BucketSum>;

/// Returns the schema of encoded buckets.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let mut fields = vec![
            Field::new("stream_id", DataType::Int32, false),
            Field::new("ts", timestamp(), false),
            Field::new("count", DataType::Int64, false),
        ];
        let numbers = ["mean", "rms", "sum", "min", "max", "median", "q1", "q3"];
        fields.extend(numbers.map(|name| Field::new(name, DataType::Float64, true)));
        Arc::new(Schema::new(fields))
    });
    SCHEMA.clone()
}

/// Encodes buckets as a batch of `schema`.
pub fn encode(sums: &BucketSums, fields: BucketFields) -> Result<RecordBatch> {
    let number = |get: &dyn Fn(&BucketSum) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter(sums.values().map(get)))
    };
    let quantile = |at: usize| number(&|sum| sum.quantiles.filter(|_| fields.quantiles).and_then(|q| q[at]));
    let times = TimestampMicrosecondArray::from_iter_values(sums.keys().map(|(_, start)| *start));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(sums.keys().map(|(stream, _)| *stream))),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(Int64Array::from_iter_values(sums.values().map(|sum| sum.partial.means.count as i64))),
        number(&|sum| sum.partial.means.mean().filter(|_| fields.mean)),
        number(&|sum| sum.partial.squares.rms().filter(|_| fields.rms)),
        number(&|sum| sum.partial.means.sum().filter(|_| fields.mean)),
        number(&|sum| Some(sum.partial.min).filter(|_| fields.min)),
        number(&|sum| Some(sum.partial.max).filter(|_| fields.max)),
        quantile(0),
        quantile(1),
        quantile(2),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// Decodes a batch of `schema`.
pub fn decode(batch: &RecordBatch) -> impl Iterator<Item = (i32, Bucket)> + '_ {
    let ids = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    let counts = batch.column(2).as_primitive::<Int64Type>().values();
    let numbers: Vec<&Float64Array> =
        (3..11).map(|at| batch.column(at).as_primitive::<Float64Type>()).collect();
    (0..batch.num_rows()).map(move |i| {
        let [mean, rms, sum, min, max, median, q1, q3] =
            std::array::from_fn(|at| numbers[at].is_valid(i).then(|| numbers[at].value(i)));
        let (start, count) = (Micros(times[i]), counts[i] as u64);
        (ids[i], Bucket { start, count, mean, rms, sum, min, max, median, q1, q3 })
    })
}

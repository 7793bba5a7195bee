//! `width_bucket(x, low, high, count)`: the number of the bucket of equal width that has a number, which DataFusion does not
//! have. 0 and `count + 1` stand for what is outside (PostgreSQL's documentation, 9.3).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct WidthBucket {
    signature: Signature,
}

impl Default for WidthBucket {
    fn default() -> Self {
        use DataType::{Float64, Int64};
        Self { signature: Signature::exact(vec![Float64, Float64, Float64, Int64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for WidthBucket {
    fn name(&self) -> &str {
        "width_bucket"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|column| column.to_array(args.number_rows));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let [x, low, high, count] = columns.as_slice() else {
            return exec_err!("width_bucket takes a number, two bounds and a count");
        };
        let (x, low, high) = (floats(x), floats(low), floats(high));
        let count = count.as_primitive::<Int64Type>();
        let buckets = (0..x.len()).map(|row| {
            let is_known = [x, low, high].iter().all(|column| column.is_valid(row)) && count.is_valid(row);
            is_known
                .then(|| bucket_of(x.value(row), (low.value(row), high.value(row)), count.value(row)))
                .transpose()
        });
        Ok(ColumnarValue::Array(Arc::new(buckets.collect::<Result<Int32Array>>()?)))
    }
}

fn floats(column: &ArrayRef) -> &arrow::array::Float64Array {
    column.as_primitive::<Float64Type>()
}

fn bucket_of(x: f64, (low, high): (f64, f64), count: i64) -> Result<i32> {
    let Some(count) = i32::try_from(count).ok().filter(|count| (1..i32::MAX).contains(count)) else {
        return exec_err!("width_bucket: count must be an integer above zero");
    };
    if x.is_nan() || !low.is_finite() || !high.is_finite() || low == high {
        return exec_err!("width_bucket: the bounds must be two finite numbers, and no number may be NaN");
    }
    // With the bounds the other way round buckets are counted downwards.
    let (x, low, high) = if low < high { (x, low, high) } else { (-x, -low, -high) };
    if x < low {
        return Ok(0);
    }
    if x >= high {
        return Ok(count + 1);
    }
    // Halves, so that the width does not overflow.
    let share = (x / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    Ok(((f64::from(count) * share) as i32).min(count - 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_postgresql() {
        let rows = [
            (5.35, (0.024, 10.06), 5, 3),
            (0.0, (0.0, 10.0), 5, 1),
            (-0.1, (0.0, 10.0), 5, 0),
            (10.0, (0.0, 10.0), 5, 6),
            (9.9, (10.0, 0.0), 5, 1),
            (0.0, (10.0, 0.0), 5, 6),
            (f64::INFINITY, (0.0, 10.0), 5, 6),
            (0.0, (-f64::MAX, f64::MAX), 4, 3),
        ];
        for (x, bounds, count, expected) in rows {
            assert_eq!(bucket_of(x, bounds, count).unwrap(), expected, "{x} {bounds:?}");
        }
        for (x, bounds, count) in [
            (1.0, (0.0, 10.0), 0),
            (1.0, (3.0, 3.0), 5),
            (f64::NAN, (0.0, 1.0), 5),
            (1.0, (0.0, f64::INFINITY), 5),
        ] {
            assert!(bucket_of(x, bounds, count).is_err(), "{x} {bounds:?} {count}");
        }
    }
}

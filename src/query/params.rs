//! Statement parameters: named for `$name`, numbered for `$1`. All forms become typed scalars before they are bound to
//! a plan.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal256Type};
use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::scalar::ScalarValue;
use serde_json::Value;

use super::error::from_datafusion;
use crate::domain::{Error, Result};

/// Maximum parameters of a statement: each value is copied into the plan wherever it is used.
pub const MAX_PARAMETERS: usize = 1000;

/// Values for the placeholders of a statement, as the client sent them.
#[derive(Debug, Clone)]
pub enum Params {
    /// An object for `$name`, an array for `$1`, or null for none; JSON determines the types.
    Json(Value),
    /// Arrays of one row each, for `$1` and following; the arrays determine the types.
    Typed(Vec<ArrayRef>),
}

impl Params {
    /// Returns the values to bind to a plan, or `None` when there are none.
    ///
    /// # Errors
    /// `Invalid`, naming the parameter, when one is not a single value.
    pub(super) fn to_values(&self) -> Result<Option<ParamValues>> {
        let count = match self {
            Params::Json(Value::Object(map)) => map.len(),
            Params::Json(Value::Array(list)) => list.len(),
            Params::Json(_) => 0,
            Params::Typed(arrays) => arrays.len(),
        };
        if count > MAX_PARAMETERS {
            return Err(Error::field("params", format!("has more than {MAX_PARAMETERS} values")));
        }
        match self {
            Params::Json(json) => from_json(json),
            Params::Typed(arrays) if arrays.is_empty() => Ok(None),
            Params::Typed(arrays) => {
                let values = arrays.iter().enumerate().map(|(i, array)| from_array(i + 1, array));
                Ok(Some(ParamValues::List(values.collect::<Result<_>>()?)))
            }
        }
    }

    /// Whether any value is a number with a fraction.
    pub(super) fn has_fractions(&self) -> bool {
        match self {
            Params::Json(Value::Object(map)) => map.values().any(Value::is_f64),
            Params::Json(Value::Array(list)) => list.iter().any(Value::is_f64),
            Params::Json(_) => false,
            Params::Typed(arrays) => arrays.iter().any(|array| is_fraction(array.data_type())),
        }
    }

    /// Returns the value of the parameter of a placeholder, such as `$1`, if it is a number with a fraction: with the digits that it came with.
    pub(super) fn fraction(&self, id: &str) -> Option<ScalarValue> {
        let name = id.strip_prefix('$')?;
        let place = || name.parse::<usize>().ok()?.checked_sub(1);
        match self {
            Params::Json(Value::Object(map)) => float(map.get(name)?),
            Params::Json(Value::Array(list)) => float(list.get(place()?)?),
            Params::Json(_) => None,
            Params::Typed(arrays) => {
                let array = arrays.get(place()?).filter(|array| is_fraction(array.data_type()))?;
                ScalarValue::try_from_array(array, 0).ok()
            }
        }
    }
}

fn float(value: &Value) -> Option<ScalarValue> {
    value.as_f64().filter(|_| value.is_f64()).map(ScalarValue::from)
}

/// Whether values of a type are numbers with a fraction: `float8`, `real`, and `numeric` of PostgreSQL's clients.
fn is_fraction(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64 | DataType::Decimal256(..))
}

/// The float that is next to a decimal.
fn nearest(array: &ArrayRef) -> ScalarValue {
    let decimals = array.as_primitive::<Decimal256Type>();
    let text = decimals.is_valid(0).then(|| decimals.value_as_string(0));
    ScalarValue::Float64(text.and_then(|text| text.parse().ok()))
}

fn from_array(number: usize, array: &ArrayRef) -> Result<ScalarAndMetadata> {
    if array.len() != 1 {
        let message = format!("has {} values instead of one", array.len());
        return Err(Error::field(format!("params.{number}"), message));
    }
    let scalar = match ScalarValue::try_from_array(array, 0).map_err(from_datafusion)? {
        // Statements know one NaN, which has no sign; a driver may send another.
        ScalarValue::Float64(Some(number)) if number.is_nan() => ScalarValue::from(f64::NAN),
        ScalarValue::Float32(Some(number)) if number.is_nan() => ScalarValue::from(f32::NAN),
        // A `numeric` of PostgreSQL's clients is a `float8`, but for where it is cast.
        ScalarValue::Decimal256(..) => nearest(array),
        scalar => scalar,
    };
    Ok(ScalarAndMetadata::from(scalar))
}

fn from_json(params: &Value) -> Result<Option<ParamValues>> {
    match params {
        Value::Null => Ok(None),
        Value::Object(map) => {
            let named = map.iter().map(|(name, value)| Ok((name.clone(), scalar(name, value)?)));
            Ok(Some(ParamValues::Map(named.collect::<Result<_>>()?)))
        }
        Value::Array(list) => {
            let numbered = list.iter().enumerate().map(|(i, value)| scalar(&(i + 1).to_string(), value));
            Ok(Some(ParamValues::List(numbered.collect::<Result<_>>()?)))
        }
        _ => Err(Error::field("params", "must be an object for `$name` or an array for `$1`")),
    }
}

fn scalar(name: &str, value: &Value) -> Result<ScalarAndMetadata> {
    let scalar = match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(b) => ScalarValue::from(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(int), _, _) => ScalarValue::from(int),
            (_, Some(int), _) => ScalarValue::from(int),
            (_, _, Some(float)) => ScalarValue::from(float),
            _ => return Err(Error::field(format!("params.{name}"), "is not a number that can be used")),
        },
        Value::String(text) => ScalarValue::from(text.as_str()),
        Value::Array(_) | Value::Object(_) => {
            let message = "must be a string, a number, true, false or null";
            return Err(Error::field(format!("params.{name}"), message));
        }
    };
    Ok(ScalarAndMetadata::from(scalar))
}

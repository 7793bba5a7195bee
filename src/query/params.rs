//! Parameters of a query: `$name` from an object, `$1` from an array.

use datafusion::common::ParamValues;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::scalar::ScalarValue;
use serde_json::Value;

use crate::domain::{Error, Result};

/// Values for a query's placeholders.
///
/// # Errors
/// `Invalid`, naming the parameter, when a value is an array or an object.
pub fn from_json(params: &Value) -> Result<Option<ParamValues>> {
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

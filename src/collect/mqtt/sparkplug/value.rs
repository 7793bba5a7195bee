//! The value of a metric: from a payload, and into the payload of a command. Pure.

use super::data_set;
use super::data_type::DataType;
use super::proto::{Metric, MetricValue};
use crate::collect::device_value::{DeviceValue, Sample};
use crate::collect::numeric_value::NumericValue;
use crate::domain::Micros;
use crate::domain::reading::Quality;

/// Name of the property with the quality of a value.
const QUALITY: &str = "Quality";
/// Sparkplug 3.0, section 6.4.14: 0 is bad, 192 good, 500 stale.
const QUALITY_STALE: u64 = 500;

/// Reads a metric as a value of this type. A metric without a timestamp has that of its payload, in milliseconds.
///
/// # Errors
/// A message that says why there is no value.
pub fn read(metric: &Metric, data_type: DataType, payload_time: Option<u64>) -> Result<Sample, String> {
    let quality = quality(metric).ok_or("the edge node says that the quality is bad")?;
    if metric.is_null == Some(true) {
        return Err("the value is null".to_owned());
    }
    let encoded = metric.value.as_ref().ok_or("the metric has no value")?;
    Ok(Sample {
        value: decode(encoded, data_type)?,
        quality,
        source_time: metric.timestamp.or(payload_time).and_then(micros),
        is_historical: metric.is_historical == Some(true),
    })
}

/// Milliseconds since 1970; `None` for a time that cannot be stored.
fn micros(milliseconds: u64) -> Option<Micros> {
    let micros = i64::try_from(milliseconds).ok()?.checked_mul(1000)?;
    Some(Micros(micros)).filter(|time| time.is_storable())
}

/// The property `Quality`; `None` for bad. Edge nodes in front of OPC servers send their codes too: 192 to 255 is good,
/// 64 to 191 uncertain.
fn quality(metric: &Metric) -> Option<Quality> {
    let Some(properties) = &metric.properties else { return Some(Quality::Good) };
    let named = properties.keys.iter().zip(&properties.values).find(|(key, _)| *key == QUALITY);
    let code = named.and_then(|(_, value)| value.long_value.or(value.int_value.map(u64::from)));
    match code {
        None | Some(192..=255) => Some(Quality::Good),
        Some(64..=191 | QUALITY_STALE) => Some(Quality::Uncertain),
        Some(_) => None,
    }
}

fn decode(encoded: &MetricValue, data_type: DataType) -> Result<DeviceValue, String> {
    let mismatch = || format!("the value is encoded otherwise than its type {data_type} is");
    let number = |value| Ok(DeviceValue::Number(value));
    match (data_type, encoded) {
        (DataType::Template, _) => {
            Err("the metric is a template instance; have the edge node send its members as metrics"
                .to_owned())
        }
        (DataType::Other(_), _) => Err(format!("metrics of {data_type} are not read")),
        (DataType::DataSet, MetricValue::DataSet(bytes)) => {
            data_set::to_json(bytes).map(|json| DeviceValue::Text(json.to_string().into()))
        }
        (DataType::Boolean, MetricValue::Boolean(on)) => number(NumericValue::Bit(*on)),
        (DataType::Float, MetricValue::Float(value)) => number(NumericValue::Float(f64::from(*value))),
        (DataType::Double, MetricValue::Double(value)) => number(NumericValue::Float(*value)),
        (DataType::Double, MetricValue::Float(value)) => number(NumericValue::Float(f64::from(*value))),
        (DataType::String | DataType::Text | DataType::Uuid, MetricValue::Text(text)) => {
            Ok(DeviceValue::Text(text.as_str().into()))
        }
        (integer, MetricValue::Int(bits)) => {
            integer.decode_integer(u64::from(*bits), 32).map(DeviceValue::Number).ok_or_else(mismatch)
        }
        (integer, MetricValue::Long(bits)) => {
            integer.decode_integer(*bits, 64).map(DeviceValue::Number).ok_or_else(mismatch)
        }
        _ => Err(mismatch()),
    }
}

/// Encodes a value for a command to a metric of this type.
///
/// # Errors
/// A message: the type cannot hold the value, or it cannot be written.
pub fn encode(value: &DeviceValue, data_type: DataType) -> Result<MetricValue, String> {
    let refused = || format!("{} is no {data_type}", value.to_json());
    match (data_type, value) {
        (DataType::Boolean, DeviceValue::Number(number)) => match number.to_integer() {
            Some(bit @ (0 | 1)) => Ok(MetricValue::Boolean(bit == 1)),
            _ => Err(refused()),
        },
        // A number beyond the range of a float would become infinite.
        (DataType::Float, DeviceValue::Number(number)) => {
            let single = number.to_f64() as f32;
            if single.is_finite() { Ok(MetricValue::Float(single)) } else { Err(refused()) }
        }
        (DataType::Double, DeviceValue::Number(number)) => Ok(MetricValue::Double(number.to_f64())),
        (DataType::String | DataType::Text | DataType::Uuid, text) => Ok(MetricValue::Text(text.to_string())),
        (DataType::DateTime, DeviceValue::Text(text)) => {
            let time = Micros::parse(text).and_then(|time| u64::try_from(time.0 / 1000).ok());
            time.map(MetricValue::Long).ok_or_else(refused)
        }
        (integer, DeviceValue::Number(number)) => {
            let (low, high) =
                integer.integer_range().ok_or_else(|| format!("metrics of {data_type} are not written"))?;
            let whole =
                number.to_integer().filter(|whole| (low..=high).contains(whole)).ok_or_else(refused)?;
            Ok(encode_integer(integer, whole))
        }
        (_, DeviceValue::Text(_)) => Err(refused()),
    }
}

/// Two's complement in the field of the type. The value is within the type's range.
fn encode_integer(data_type: DataType, whole: i128) -> MetricValue {
    match data_type {
        DataType::Int64 | DataType::Uint64 | DataType::DateTime => MetricValue::Long(whole as u64),
        _ => MetricValue::Int(whole as u32),
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;

//! Conversion between a server's values and `DeviceValue`. Pure.
//!
//! A value read keeps the server's type: integers of 64 bits are exact. A value written is converted to exactly the
//! node's type, because servers refuse everything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::{
    ByteString, DateTime, Guid, LocalizedText, UAString, Variant, VariantScalarTypeId as Type,
};
use serde_json::Value as Json;

use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::domain::integer::{self, NumericInput};

/// Ticks of a time, 100 ns each, in a millisecond.
const TICKS_PER_MILLISECOND: i64 = 10_000;
/// An array of more dimensions is a plain list: each one is a level of nested lists, which are processed recursively.
const MAX_DIMENSIONS: usize = 16;

/// Decodes a value; arrays become JSON texts, those of several dimensions nested lists.
///
/// # Errors
/// A message, when there is no value or it cannot be represented.
pub fn decode(variant: &Variant) -> Result<DeviceValue, String> {
    match to_json(variant) {
        Some(Json::Null) | None => match variant {
            // JSON has neither NaN nor infinity, but they are values, and the tag reports the fault.
            Variant::Float(number) => Ok(DeviceValue::Number(NumericValue::Float(f64::from(*number)))),
            Variant::Double(number) => Ok(DeviceValue::Number(NumericValue::Float(*number))),
            Variant::Empty => Err("the node holds no value".to_owned()),
            _ => Err(format!("values of type {} are not read", type_name(variant))),
        },
        Some(list @ Json::Array(_)) => Ok(DeviceValue::Text(list.to_string().into())),
        Some(scalar) => Ok(exactly(variant).unwrap_or_else(|| DeviceValue::Text(as_text(scalar)))),
    }
}

/// Encodes a value as a node's type.
///
/// # Errors
/// A message for the field `value`.
pub fn encode(content: &DeviceValue, to: Type) -> Result<Variant, String> {
    match to {
        Type::Boolean => match number(content).and_then(NumericValue::to_integer) {
            Some(bit @ (0 | 1)) => Ok(Variant::Boolean(bit == 1)),
            _ => Err("Must be a valid boolean.".to_owned()),
        },
        Type::SByte => integer(content).map(Variant::SByte),
        Type::Byte => integer(content).map(Variant::Byte),
        Type::Int16 => integer(content).map(Variant::Int16),
        Type::UInt16 => integer(content).map(Variant::UInt16),
        Type::Int32 => integer(content).map(Variant::Int32),
        Type::UInt32 => integer(content).map(Variant::UInt32),
        Type::Int64 => integer(content).map(Variant::Int64),
        Type::UInt64 => integer(content).map(Variant::UInt64),
        Type::Float => float(content, f64::from(f32::MAX)).map(|number| Variant::Float(number as f32)),
        Type::Double => float(content, f64::MAX).map(Variant::Double),
        Type::String => text(content).map(|text| Variant::String(UAString::from(text))),
        Type::LocalizedText => {
            text(content).map(|text| Variant::LocalizedText(Box::new(LocalizedText::from(text))))
        }
        Type::DateTime => {
            let time = text(content)?.parse::<DateTime>();
            time.map(|time| Variant::DateTime(Box::new(time)))
                .map_err(|_| "Write a time as 2026-04-28T12:00:00Z.".to_owned())
        }
        Type::Guid => {
            let guid = text(content)?.parse::<Guid>();
            guid.map(|guid| Variant::Guid(Box::new(guid))).map_err(|_| "Must be a valid GUID.".to_owned())
        }
        Type::ByteString => {
            let bytes = BASE64.decode(text(content)?);
            bytes
                .map(|bytes| Variant::ByteString(ByteString::from(bytes)))
                .map_err(|_| "Write bytes as base64.".to_owned())
        }
        Type::XmlElement
        | Type::NodeId
        | Type::ExpandedNodeId
        | Type::StatusCode
        | Type::QualifiedName
        | Type::ExtensionObject
        | Type::DataValue
        | Type::Variant
        | Type::DiagnosticInfo => Err(format!("Nodes of type {to} are not written.")),
    }
}

/// Decodes a boolean or a number.
fn exactly(variant: &Variant) -> Option<DeviceValue> {
    let value = match variant {
        Variant::Boolean(on) => NumericValue::Bit(*on),
        Variant::SByte(number) => NumericValue::Int((*number).into()),
        Variant::Int16(number) => NumericValue::Int((*number).into()),
        Variant::Int32(number) => NumericValue::Int((*number).into()),
        Variant::Int64(number) => NumericValue::Int(*number),
        Variant::Byte(number) => NumericValue::Uint((*number).into()),
        Variant::UInt16(number) => NumericValue::Uint((*number).into()),
        Variant::UInt32(number) => NumericValue::Uint((*number).into()),
        Variant::UInt64(number) => NumericValue::Uint(*number),
        Variant::Float(number) => NumericValue::Float(f64::from(*number)),
        Variant::Double(number) => NumericValue::Float(*number),
        Variant::Variant(inner) => return exactly(inner),
        _ => return None,
    };
    Some(DeviceValue::Number(value))
}

/// Returns `None` for a value that has no JSON form.
fn to_json(variant: &Variant) -> Option<Json> {
    if let Some(number) = exactly(variant) {
        return Some(number.to_json());
    }
    match variant {
        // Many servers send a null string for an empty one.
        Variant::String(text) => Some(text.as_ref().into()),
        Variant::LocalizedText(text) => Some(text.text.as_ref().into()),
        Variant::QualifiedName(name) => Some(name.name.as_ref().into()),
        Variant::DateTime(time) => Some(time_text(time).into()),
        Variant::Guid(guid) => Some(guid.to_string().into()),
        Variant::StatusCode(status) => Some(status.to_string().into()),
        Variant::ByteString(bytes) => Some(BASE64.encode(bytes).into()),
        Variant::XmlElement(xml) => Some(xml.to_string().into()),
        Variant::NodeId(id) => Some(id.to_string().into()),
        Variant::ExpandedNodeId(id) => Some(id.to_string().into()),
        Variant::Variant(inner) => to_json(inner),
        Variant::Array(list) => {
            let values = list.values.iter().map(to_json).collect::<Option<Vec<_>>>()?;
            Some(nested(values, list.dimensions.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}

/// A time to the millisecond, as the library writes it, and with the digits below if it has some: servers give 100 ns.
fn time_text(time: &DateTime) -> String {
    let text = time.to_rfc3339();
    let digits = match time.ticks().rem_euclid(TICKS_PER_MILLISECOND) {
        0 => return text,
        ticks if ticks % 10 == 0 => format!("{:03}", ticks / 10),
        ticks => format!("{ticks:04}"),
    };
    format!("{}{digits}Z", text.trim_end_matches('Z'))
}

/// A list for each dimension, the first one outermost, in which order the values come. A null array, which the library does
/// not tell from an empty one, and a list whose dimensions are not its own or too many are plain lists.
fn nested(mut values: Vec<Json>, dimensions: &[u32]) -> Json {
    let sizes: Vec<usize> = dimensions.iter().filter_map(|size| usize::try_from(*size).ok()).collect();
    let count = sizes.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
    if count == Some(values.len()) && sizes.len() <= MAX_DIMENSIONS {
        for size in sizes.into_iter().skip(1).rev().filter(|size| *size > 0) {
            let mut rest = values.into_iter();
            let next_row =
                || Some(rest.by_ref().take(size).collect()).filter(|row: &Vec<Json>| !row.is_empty());
            values = std::iter::from_fn(next_row).map(Json::Array).collect();
        }
    }
    Json::Array(values)
}

fn as_text(scalar: Json) -> Box<str> {
    match scalar {
        Json::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

fn type_name(variant: &Variant) -> String {
    variant.scalar_type_id().map_or_else(|| "array".to_owned(), |scalar| scalar.to_string())
}

fn number(content: &DeviceValue) -> Option<NumericValue> {
    match content {
        DeviceValue::Number(value) => Some(*value),
        DeviceValue::Text(_) => None,
    }
}

fn text(content: &DeviceValue) -> Result<&str, String> {
    match content {
        DeviceValue::Text(text) => Ok(text),
        DeviceValue::Number(_) => Err("Not a valid string.".to_owned()),
    }
}

fn integer<T>(content: &DeviceValue) -> Result<T, String>
where
    T: TryFrom<i128> + IntegerRange,
{
    const NONE: &str = "A valid integer is required.";
    let parsed = match number(content).ok_or(NONE)? {
        NumericValue::Float(number) => NumericInput::Float(number),
        exact => NumericInput::Integer(exact.to_integer().ok_or(NONE)?),
    };
    let whole = integer::integer_in_range(parsed, &(T::LOWEST..=T::HIGHEST))?;
    T::try_from(whole).map_err(|_| NONE.to_owned())
}

fn float(content: &DeviceValue, largest: f64) -> Result<f64, String> {
    let parsed = number(content).map(NumericValue::to_f64).filter(|number| number.is_finite());
    let parsed = parsed.ok_or("A valid number is required.")?;
    match parsed {
        above if above > largest => Err(format!("Ensure this value is less than or equal to {largest:?}.")),
        below if below < -largest => {
            Err(format!("Ensure this value is greater than or equal to {:?}.", -largest))
        }
        number => Ok(number),
    }
}

/// Range of an integer type.
trait IntegerRange {
    const LOWEST: i128;
    const HIGHEST: i128;
}

macro_rules! integer_range {
    ($($kind:ty),*) => {
        $(impl IntegerRange for $kind {
            const LOWEST: i128 = <$kind>::MIN as i128;
            const HIGHEST: i128 = <$kind>::MAX as i128;
        })*
    };
}

integer_range!(i8, u8, i16, u16, i32, u32, i64, u64);

#[cfg(test)]
#[path = "variant_tests.rs"]
mod tests;

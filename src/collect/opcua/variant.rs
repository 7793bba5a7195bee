//! A server's values and what they are here, both ways. Pure.
//!
//! What is read keeps the server's type: integers of 64 bits are exact. What is written becomes exactly the type of the
//! node, because servers refuse everything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use opcua::types::{
    ByteString, DateTime, Guid, LocalizedText, UAString, Variant, VariantScalarTypeId as Type,
};
use serde_json::Value as Json;

use crate::collect::content::Content;
use crate::collect::value::Value;
use crate::domain::whole::{self, Given};

/// What a scalar value holds; arrays and structures are JSON texts.
///
/// # Errors
/// In words, when there is no value or none that can be said.
pub fn decode(variant: &Variant) -> Result<Content, String> {
    match to_json(variant) {
        Some(Json::Null) | None => match variant {
            // JSON knows neither, but they are values, and the tag says what is wrong with them.
            Variant::Float(number) => Ok(Content::Number(Value::Float(f64::from(*number)))),
            Variant::Double(number) => Ok(Content::Number(Value::Float(*number))),
            Variant::Empty => Err("the node holds no value".to_owned()),
            _ => Err(format!("values of type {} are not read", type_name(variant))),
        },
        Some(list @ Json::Array(_)) => Ok(Content::Text(list.to_string().into())),
        Some(scalar) => Ok(exactly(variant).unwrap_or_else(|| Content::Text(as_text(scalar)))),
    }
}

/// The value that a node of this type is given.
///
/// # Errors
/// In words for the field `value`.
pub fn encode(content: &Content, to: Type) -> Result<Variant, String> {
    match to {
        Type::Boolean => match number(content).and_then(Value::to_integer) {
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

/// A boolean or a number.
fn exactly(variant: &Variant) -> Option<Content> {
    let value = match variant {
        Variant::Boolean(on) => Value::Bit(*on),
        Variant::SByte(number) => Value::Int((*number).into()),
        Variant::Int16(number) => Value::Int((*number).into()),
        Variant::Int32(number) => Value::Int((*number).into()),
        Variant::Int64(number) => Value::Int(*number),
        Variant::Byte(number) => Value::Uint((*number).into()),
        Variant::UInt16(number) => Value::Uint((*number).into()),
        Variant::UInt32(number) => Value::Uint((*number).into()),
        Variant::UInt64(number) => Value::Uint(*number),
        Variant::Float(number) => Value::Float(f64::from(*number)),
        Variant::Double(number) => Value::Float(*number),
        Variant::Variant(inner) => return exactly(inner),
        _ => return None,
    };
    Some(Content::Number(value))
}

/// `None` for what has no plain form.
fn to_json(variant: &Variant) -> Option<Json> {
    if let Some(number) = exactly(variant) {
        return Some(number.to_json());
    }
    match variant {
        // Many servers send no string for an empty one.
        Variant::String(text) => Some(text.as_ref().into()),
        Variant::LocalizedText(text) => Some(text.text.as_ref().into()),
        Variant::QualifiedName(name) => Some(name.name.as_ref().into()),
        Variant::DateTime(time) => Some(time.to_rfc3339().into()),
        Variant::Guid(guid) => Some(guid.to_string().into()),
        Variant::StatusCode(status) => Some(status.to_string().into()),
        Variant::ByteString(bytes) => Some(BASE64.encode(bytes).into()),
        Variant::XmlElement(xml) => Some(xml.to_string().into()),
        Variant::NodeId(id) => Some(id.to_string().into()),
        Variant::ExpandedNodeId(id) => Some(id.to_string().into()),
        Variant::Variant(inner) => to_json(inner),
        Variant::Array(list) => list.values.iter().map(to_json).collect::<Option<Vec<_>>>().map(Json::from),
        _ => None,
    }
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

fn number(content: &Content) -> Option<Value> {
    match content {
        Content::Number(value) => Some(*value),
        Content::Text(_) => None,
    }
}

fn text(content: &Content) -> Result<&str, String> {
    match content {
        Content::Text(text) => Ok(text),
        Content::Number(_) => Err("Not a valid string.".to_owned()),
    }
}

fn integer<T>(content: &Content) -> Result<T, String>
where
    T: TryFrom<i128> + Bounded,
{
    const NONE: &str = "A valid integer is required.";
    let given = match number(content).ok_or(NONE)? {
        Value::Float(number) => Given::Float(number),
        exact => Given::Integer(exact.to_integer().ok_or(NONE)?),
    };
    let whole = whole::within(given, &(T::LOWEST..=T::HIGHEST))?;
    T::try_from(whole).map_err(|_| NONE.to_owned())
}

fn float(content: &Content, largest: f64) -> Result<f64, String> {
    let given = number(content).map(Value::to_f64).filter(|number| number.is_finite());
    let given = given.ok_or("A valid number is required.")?;
    match given {
        above if above > largest => Err(format!("Ensure this value is less than or equal to {largest:?}.")),
        below if below < -largest => {
            Err(format!("Ensure this value is greater than or equal to {:?}.", -largest))
        }
        number => Ok(number),
    }
}

/// What an integer type can hold.
trait Bounded {
    const LOWEST: i128;
    const HIGHEST: i128;
}

macro_rules! bounded {
    ($($kind:ty),*) => {
        $(impl Bounded for $kind {
            const LOWEST: i128 = <$kind>::MIN as i128;
            const HIGHEST: i128 = <$kind>::MAX as i128;
        })*
    };
}

bounded!(i8, u8, i16, u16, i32, u32, i64, u64);

#[cfg(test)]
#[path = "variant_tests.rs"]
mod tests;

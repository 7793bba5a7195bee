//! The value of a stream in a JSON document of a device. Pure.

use serde_json::Value as Json;

use super::device_value::DeviceValue;
use super::plain_value;
use crate::domain::stream::StreamKind;

/// Converts a member of a document to the type of a stream. A number or a switch may be in quotes.
///
/// # Errors
/// A message that says why there is no value.
pub fn read_member(member: &Json, kind: StreamKind) -> Result<DeviceValue, String> {
    match (kind, DeviceValue::from_json(member)) {
        _ if member.is_null() => Err("the value is null".to_owned()),
        (StreamKind::Json, _) | (StreamKind::Location, None) => {
            Ok(DeviceValue::Text(member.to_string().into()))
        }
        (kind, Some(DeviceValue::Text(text))) if kind.is_numeric() => read_text(&text, kind),
        (kind, Some(content)) => content.convert_to(kind),
        (kind, None) => Err(format!("the value is a list or a map, which is no {kind}")),
    }
}

/// Converts a text to the type of a stream of numbers.
///
/// # Errors
/// A message, when it is neither a number nor a switch or does not fit.
pub fn read_text(text: &str, kind: StreamKind) -> Result<DeviceValue, String> {
    let value = plain_value::parse(text).map_or_else(|| DeviceValue::Text(text.into()), DeviceValue::Number);
    value.convert_to(kind)
}

//! The value of a stream in the payload of a message. Pure.

use std::cell::OnceCell;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::message_time;
use crate::collect::device_value::{DeviceValue, Sample};
use crate::collect::json_value;
use crate::domain::Micros;
use crate::domain::device_json;
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;

/// A payload that is parsed as JSON at most once, and only if a stream needs it.
pub struct Payload<'a> {
    bytes: &'a [u8],
    document: OnceCell<Result<Json, String>>,
}

/// Reader of a stream's value and time in a payload.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueReader {
    /// JSON pointer of the value; `None` where the payload itself is the value.
    pub pointer: Option<Box<str>>,
    /// JSON pointer of the time; `None` where messages have none.
    pub time_pointer: Option<Box<str>>,
    pub kind: StreamKind,
}

impl<'a> Payload<'a> {
    /// A payload that is not parsed yet: one that is no text or no JSON is an error of the streams that need it so.
    pub fn new(bytes: &'a [u8]) -> Payload<'a> {
        Payload { bytes, document: OnceCell::new() }
    }

    /// The whole payload as JSON. Nesting is bounded by the parser.
    fn document(&self) -> Result<&Json, String> {
        let parse =
            || device_json::parse(self.bytes).map_err(|error| format!("the payload is no JSON: {error}"));
        self.document.get_or_init(parse).as_ref().map_err(String::clone)
    }

    fn text(&self) -> Result<&str, String> {
        std::str::from_utf8(self.bytes).map_err(|_| "the payload is no text in UTF-8".to_owned())
    }
}

impl ValueReader {
    /// Extracts the value. A value whose time is missing is uncertain: it gets its time of receipt, which may be much
    /// later.
    ///
    /// # Errors
    /// A message that says why there is no value.
    pub fn read(&self, payload: &Payload<'_>) -> Result<Sample, String> {
        let value = match &self.pointer {
            None => self.read_whole(payload)?,
            Some(pointer) => self.read_part(payload.document()?, pointer)?,
        };
        let source_time = self.time(payload);
        let is_missing = self.time_pointer.is_some() && source_time.is_none();
        let quality = if is_missing { Quality::Uncertain } else { Quality::Good };
        Ok(Sample { value, quality, source_time, is_historical: false })
    }

    fn time(&self, payload: &Payload<'_>) -> Option<Micros> {
        let pointer = self.time_pointer.as_ref()?;
        payload.document().ok()?.pointer(pointer).and_then(message_time::parse)
    }

    fn read_whole(&self, payload: &Payload<'_>) -> Result<DeviceValue, String> {
        let text = payload.text()?;
        match self.kind {
            kind if kind.is_numeric() => match payload.document().ok().and_then(DeviceValue::from_json) {
                Some(number @ DeviceValue::Number(_)) => number.convert_to(kind),
                // In quotes.
                Some(DeviceValue::Text(quoted)) => json_value::read_text(&quoted, kind),
                None => json_value::read_text(text, kind),
            },
            StreamKind::Json => Ok(DeviceValue::Text(whole_document(text, payload))),
            kind => DeviceValue::Text(text.into()).convert_to(kind),
        }
    }

    fn read_part(&self, document: &Json, pointer: &str) -> Result<DeviceValue, String> {
        let found = document.pointer(pointer).ok_or_else(|| format!("the payload has no `{pointer}`"))?;
        json_value::read_member(found, self.kind)
    }
}

/// A payload as JSON: as it is where it is strict JSON, else the document that is read of it, else a JSON text of it.
fn whole_document(text: &str, payload: &Payload<'_>) -> Box<str> {
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        return text.into();
    }
    match payload.document() {
        // `NaN` alone is null too.
        Ok(Json::Null) | Err(_) => Json::from(text).to_string().into(),
        Ok(document) => document.to_string().into(),
    }
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;

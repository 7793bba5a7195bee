//! Configuration artefacts: named contents for devices or components of one profile. An artefact is never changed; another
//! content under the same name is its next version.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::FieldError;
use crate::domain::named_enum::named_enum;

/// Maximum size of a content that is stored in the artefact itself, bytes of JSON.
pub const MAX_CONTENT_BYTES: usize = 64 << 10;
/// Maximum length of a name, characters.
pub const MAX_NAME_CHARS: usize = 255;

named_enum! {
    /// Kind of profile that a content is written for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum ProfileType {
        /// Profile of a component.
        SensorProfile = "SENSOR_PROFILE",
        /// Profile of a device.
        DeviceProfile = "DEVICE_PROFILE",
    }
}

/// Content of an artefact, or where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ArtefactContent {
    /// In the artefact: values of writable fields, at most 64 KiB of JSON.
    Inline(Map<String, Value>),
    /// In an uploaded object of the same organization.
    Object(Uuid),
}

/// Properties given when an artefact is created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtefactSpec {
    /// 1..=255 characters. Artefacts of one name are versions of one configuration.
    pub name: String,
    /// Kind of `profile`.
    pub profile_type: ProfileType,
    /// Profile whose writable fields the content has.
    pub profile: Uuid,
    /// The content, or where it is.
    pub content: ArtefactContent,
}

/// An artefact: the content of its document, whose id and times are the artefact's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artefact {
    /// Fields that were given.
    #[serde(flatten)]
    pub spec: ArtefactSpec,
    /// Number of the version within the name, from 1.
    pub version: u32,
    /// Size of the content, bytes.
    pub size_bytes: u64,
    /// SHA-256 of the content in hexadecimal: of the object's bytes, or of [`canonical_text`] of an inline content.
    pub sha256: String,
    /// Creator, as APIs show it.
    pub created_by: String,
}

/// Returns the JSON of a content with the members of every object sorted by name, and without spaces. Equal contents
/// have equal texts, so a device can compare hashes.
pub fn canonical_text(content: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_object(&mut text, content);
    text
}

fn write_object(text: &mut String, object: &Map<String, Value>) {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    text.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        write_value(text, value);
    }
    text.push('}');
}

/// The depth of `value` is bounded by the parser that made it.
fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Object(object) => write_object(text, object),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(text, item);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

impl ArtefactSpec {
    /// Checks every rule that needs no other row: the name, and the size of an inline content.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.name.trim().is_empty() {
            found.push(FieldError::new("name", "must not be blank"));
        } else if self.name.chars().count() > MAX_NAME_CHARS {
            found.push(FieldError::new("name", format!("size must be between 1 and {MAX_NAME_CHARS}")));
        }
        if let ArtefactContent::Inline(content) = &self.content {
            let bytes = canonical_text(content).len();
            if bytes > MAX_CONTENT_BYTES {
                let message = format!(
                    "must have at most {MAX_CONTENT_BYTES} bytes of JSON (it has {bytes}): upload it, and name its objectKey"
                );
                found.push(FieldError::new("content", message));
            }
        }
        found
    }
}

#[cfg(test)]
#[path = "artefact_tests.rs"]
mod tests;

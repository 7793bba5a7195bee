//! Report of a device about its configuration: `{"artefacts":[{"id","version","status","hash","message"}]}`.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::binding::{BindingStatus, ReportEntry};
use crate::domain::{Error, Result, device_json};

/// Maximum size of a report, bytes.
pub const MAX_REPORT_BYTES: usize = 256 << 10;
/// Maximum number of artefacts in a report.
pub const MAX_REPORT_ENTRIES: usize = 1000;
/// Maximum length of a hash, characters.
pub const MAX_HASH_CHARS: usize = 128;
/// Maximum length of a message, characters; what is longer is cut.
pub const MAX_MESSAGE_CHARS: usize = 4000;

/// A report as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigurationReport {
    /// Entries that could be read, in the order of the report.
    pub entries: Vec<ReportEntry>,
    /// Number of entries that could not be read.
    pub malformed: usize,
}

/// Reads a report. An empty one, with which a device clears its retained report, has no entries.
///
/// # Errors
/// `TooLarge` past 256 KiB; `Invalid` for anything but an object with the array `artefacts` of at most 1,000 elements.
/// A malformed element is counted and left out, so that it does not hide the others.
pub fn parse_report(bytes: &[u8]) -> Result<ConfigurationReport> {
    if bytes.len() > MAX_REPORT_BYTES {
        return Err(Error::too_large(format!(
            "the report of a configuration has {} bytes, and {MAX_REPORT_BYTES} is the most",
            bytes.len()
        )));
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(ConfigurationReport::default());
    }
    let malformed = || Error::field("artefacts", "must be an array of {id, version, status, hash, message}");
    let report: Map<String, Value> = device_json::parse(bytes).map_err(|_| malformed())?;
    let entries = report.get("artefacts").and_then(Value::as_array).ok_or_else(malformed)?;
    if entries.len() > MAX_REPORT_ENTRIES {
        return Err(Error::field(
            "artefacts",
            format!("must have at most {MAX_REPORT_ENTRIES} elements (it has {})", entries.len()),
        ));
    }
    let read: Vec<ReportEntry> = entries.iter().filter_map(parse_entry).collect();
    Ok(ConfigurationReport { malformed: entries.len() - read.len(), entries: read })
}

fn parse_entry(value: &Value) -> Option<ReportEntry> {
    let status = BindingStatus::parse(value.get("status")?.as_str()?)?;
    if status == BindingStatus::Pending {
        return None;
    }
    let hash = optional_text(value, "hash")?;
    if hash.as_ref().is_some_and(|hash| hash.chars().count() > MAX_HASH_CHARS || hash.contains('\0')) {
        return None;
    }
    // A database may refuse NUL characters in a text.
    let message =
        optional_text(value, "message")?.map(|text| text.chars().take(MAX_MESSAGE_CHARS).collect::<String>());
    Some(ReportEntry {
        artefact: Uuid::try_parse(value.get("id")?.as_str()?).ok()?,
        version: value.get("version")?.as_u64()?.try_into().ok()?,
        status,
        hash,
        message: message.map(|text| text.replace('\0', " ")),
    })
}

/// A text that may be absent or null; the outer `None` is for another type.
fn optional_text(value: &Value, name: &str) -> Option<Option<String>> {
    match value.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;

//! Health reports of devices: what a device says of itself.

use serde_json::{Map, Value, json};

use super::{Error, FieldError, Micros, Result, device_json};

/// Maximum size of a report, bytes.
pub const MAX_REPORT_BYTES: usize = 16 << 10;
/// How long reports are kept, seconds: 30 days.
pub const KEPT_S: i64 = 30 * 86_400;
/// Maximum length of a text of a report, characters.
const MAX_TEXT_CHARS: usize = 255;

/// Numbers of a report: whole and not negative, except the signal strength.
const NUMBERS: [&str; 5] =
    ["uptimeSeconds", "freeHeapBytes", "signalStrengthDbm", "readingsSent", "readingsDropped"];
/// Texts of a report.
const TEXTS: [&str; 2] = ["connectionType", "firmwareVersion"];

/// A report with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthReport {
    /// When the device made it; the time of its arrival where the device names none.
    pub ts: Micros,
    /// Every member of a report by its name; null where the device leaves it out.
    pub members: Map<String, Value>,
}

impl HealthReport {
    /// Reads a report as a device sends it. Members that no report has are left out.
    ///
    /// # Errors
    /// `Invalid` naming every wrong member; `TooLarge`.
    pub fn parse(payload: &[u8], arrived: Micros) -> Result<HealthReport> {
        if payload.len() > MAX_REPORT_BYTES {
            return Err(Error::too_large(format!("a health report has at most {MAX_REPORT_BYTES} bytes")));
        }
        let sent: Map<String, Value> = device_json::parse(payload)
            .map_err(|e| Error::invalid(format!("a health report is a JSON object: {e}")))?;
        let mut wrong = Vec::new();
        let ts = match sent.get("timestamp") {
            None | Some(Value::Null) => arrived,
            Some(time) => time.as_str().and_then(Micros::parse).unwrap_or_else(|| {
                wrong.push(FieldError::new("timestamp", "must be an ISO-8601 time"));
                arrived
            }),
        };
        let mut members = Map::new();
        for name in NUMBERS {
            let value = sent.get(name).cloned().unwrap_or_default();
            if !is_number(name, &value) {
                wrong.push(FieldError::new(name, "must be a whole number"));
            }
            members.insert(name.to_owned(), value);
        }
        for name in TEXTS {
            let value = sent.get(name).cloned().unwrap_or_default();
            let is_short = |text: &str| text.chars().count() <= MAX_TEXT_CHARS;
            if !value.is_null() && !value.as_str().is_some_and(is_short) {
                let message = format!("must be a text of at most {MAX_TEXT_CHARS} characters");
                wrong.push(FieldError::new(name, message));
            }
            members.insert(name.to_owned(), value);
        }
        Error::check(wrong)?;
        Ok(HealthReport { ts, members })
    }

    /// The text that is stored.
    pub fn to_text(&self) -> String {
        json!(self.members).to_string()
    }

    /// Reads a stored report; `None` for a text that is none.
    pub fn from_text(ts: Micros, text: &str) -> Option<HealthReport> {
        Some(HealthReport { ts, members: serde_json::from_str(text).ok()? })
    }
}

fn is_number(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) if name == "signalStrengthDbm" => number.as_f64().is_some_and(f64::is_finite),
        Value::Number(number) => number.is_u64(),
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_every_member_and_says_what_is_wrong() {
        let sent =
            br#"{"timestamp":"2026-04-28T12:00:00Z","uptimeSeconds":5,"signalStrengthDbm":-67.5,"other":1}"#;
        let report = HealthReport::parse(sent, Micros(7)).unwrap();
        assert_eq!(report.ts, Micros(1_777_377_600_000_000));
        assert_eq!(report.members.len(), NUMBERS.len() + TEXTS.len());
        assert_eq!(report.members["uptimeSeconds"], json!(5));
        assert_eq!(report.members["firmwareVersion"], Value::Null);
        assert_eq!(HealthReport::from_text(report.ts, &report.to_text()), Some(report));
        assert_eq!(HealthReport::parse(b"{}", Micros(7)).unwrap().ts, Micros(7));
        let lenient = HealthReport::parse(b"{\"uptimeSeconds\":5,\"other\":NaN}\0", Micros(7)).unwrap();
        assert_eq!(lenient.members["uptimeSeconds"], json!(5));
        for (name, payload, fields) in [
            ("numbers", r#"{"uptimeSeconds":-1,"freeHeapBytes":"9","readingsSent":1.5}"#, 3),
            ("texts", r#"{"connectionType":5,"timestamp":5}"#, 2),
            ("array", "[]", 0),
            ("nothing", "", 0),
        ] {
            let error = HealthReport::parse(payload.as_bytes(), Micros(7)).unwrap_err();
            assert_eq!(error.fields.len(), fields, "{name}: {error:?}");
        }
    }
}

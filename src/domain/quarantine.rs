//! Quarantine: readings that arrived and were not accepted, each with its reason.

use uuid::Uuid;

use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::{DeviceId, FieldError, Micros, OrgId, QuarantineId, StreamId};

/// How long a quarantined reading is kept, seconds: 30 days.
pub const KEPT_S: i64 = 30 * 86_400;

named_enum! {
    /// Why a reading was not accepted.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum QuarantineReason {
        /// The sensor or the component does not exist, or is of another device.
        UnknownSensor = "UNKNOWN_SENSOR",
        /// The component of a structured payload has no sensor profile.
        MissingProfile = "MISSING_PROFILE",
        /// A number or a time is outside of what is accepted.
        OutOfRange = "OUT_OF_RANGE",
        /// The JSON type of a value is not the type of its sensor or field.
        TypeMismatch = "TYPE_MISMATCH",
        /// A structured payload lacks a required field.
        RequiredField = "REQUIRED_FIELD",
        /// An array has more or fewer elements than its field.
        ArraySize = "ARRAY_SIZE",
        /// It is no JSON, or lacks a member that every reading has.
        Malformed = "MALFORMED",
        /// The payload, a text, an id or the metadata is too long.
        TooLarge = "TOO_LARGE",
        /// The device is switched off.
        DeviceInactive = "DEVICE_INACTIVE",
    }
    one_of "reason";
}

/// A mistake that sends a reading to quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Why the reading is not accepted.
    pub reason: QuarantineReason,
    /// The members of the payload that are wrong, each with what is valid.
    pub members: Vec<FieldError>,
}

impl Mistake {
    /// A mistake of one member of the payload.
    pub fn new(
        reason: QuarantineReason,
        member: impl Into<std::borrow::Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { reason, members: vec![FieldError::new(member, message)] }
    }

    /// Every wrong member and its message, in one line.
    pub fn detail(&self) -> String {
        let members = self.members.iter().map(|member| format!("{}: {}", member.field, member.message));
        members.collect::<Vec<_>>().join("; ")
    }
}

/// A quarantined reading, before it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineEntry {
    /// Device that sent it, or whose sensor it names; `None` when unknown.
    pub device: Option<DeviceId>,
    /// Stream of the sensor that it names; `None` when there is none.
    pub stream: Option<StreamId>,
    /// MQTT topic, or the path of the HTTP request; at most 1000 characters.
    pub topic: String,
    /// Why it was not accepted.
    pub reason: QuarantineReason,
    /// Description of the mistake for people; at most 4000 characters.
    pub detail: String,
    /// The payload as it came, at most [`MAX_PAYLOAD_BYTES`] of it.
    pub payload: String,
    /// Time of its arrival.
    pub received_at: Micros,
}

/// Bytes of a payload that are kept: more than a reading with all its metadata has.
pub const MAX_PAYLOAD_BYTES: usize = 16 << 10;
/// Characters of a topic that are kept.
const MAX_TOPIC_CHARS: usize = 1000;
/// Characters of a detail that are kept.
const MAX_DETAIL_CHARS: usize = 4000;

impl QuarantineEntry {
    /// Describes a payload that was not accepted. What is longer than the bounds of the fields is cut; null characters,
    /// which a database does not store, are replaced.
    pub fn new(mistake: &Mistake, topic: &str, payload: &[u8], received_at: Micros) -> Self {
        let kept = payload.get(..MAX_PAYLOAD_BYTES).unwrap_or(payload);
        let storable = |text: &str, most: usize| {
            text.chars().take(most).map(|c| if c == '\0' { '\u{fffd}' } else { c }).collect::<String>()
        };
        Self {
            device: None,
            stream: None,
            topic: storable(topic, MAX_TOPIC_CHARS),
            reason: mistake.reason,
            detail: storable(&mistake.detail(), MAX_DETAIL_CHARS),
            payload: storable(&String::from_utf8_lossy(kept), MAX_PAYLOAD_BYTES),
            received_at,
        }
    }
}

/// A quarantined reading as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineRecord {
    /// Row id.
    pub id: QuarantineId,
    /// Organization that it came to.
    pub org: OrgId,
    /// Id in APIs.
    pub uuid: Uuid,
    /// The payload as it arrived.
    pub entry: QuarantineEntry,
}

/// Filter and page of a list of quarantined readings.
#[derive(Debug, Clone, Default)]
pub struct QuarantineFilter {
    /// Only of this device.
    pub device: Option<DeviceId>,
    /// Only with this reason.
    pub reason: Option<QuarantineReason>,
    /// Only those that arrived at this time or later.
    pub from: Option<Micros>,
    /// Only those that arrived before this time.
    pub to: Option<Micros>,
    /// Whether the newest is first; ties by id.
    pub newest_first: bool,
    /// Only those after this one in the requested order.
    pub after: Option<(Micros, QuarantineId)>,
    /// Part of the list that is returned.
    pub page: Pagination,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_one_name_each() {
        for reason in QuarantineReason::ALL {
            assert_eq!(reason.name().parse::<QuarantineReason>().unwrap(), reason);
        }
        let error = "malformed".parse::<QuarantineReason>().unwrap_err();
        assert!(error.fields[0].message.starts_with("must be one of UNKNOWN_SENSOR, "));
    }

    #[test]
    fn what_is_long_or_no_text_is_kept_within_bounds() {
        let mistake = Mistake::new(QuarantineReason::Malformed, "payload", "x".repeat(9000));
        let rows: [(&str, Vec<u8>, usize); 4] = [
            ("short", b"{}".to_vec(), 2),
            ("null_characters", b"a\0b".to_vec(), 5),
            ("no_utf_8", vec![0xff; 3], 9),
            ("long", vec![b'a'; 300 << 10], MAX_PAYLOAD_BYTES),
        ];
        for (name, payload, length) in rows {
            let entry = QuarantineEntry::new(&mistake, &"t".repeat(70_000), &payload, Micros(0));
            assert_eq!(entry.payload.len(), length, "{name}");
            assert!(!entry.payload.contains('\0'), "{name}");
            assert_eq!((entry.topic.len(), entry.detail.len()), (MAX_TOPIC_CHARS, MAX_DETAIL_CHARS));
        }
    }
}

//! Streams: one measured or posted quantity of a device (DataStone calls it "data").

use serde_json::{Map, Value};
use uuid::Uuid;

pub use super::stream_kind::StreamKind;

use super::audit::differences;
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::validation::{check_range, check_text};
use super::window::Windows;
use super::{DeviceId, FieldError, GroupId, Micros, OrgId, StreamId};

named_enum! {
    /// Word order of multi-word values, as DataStone defines it: `little` is low word first, `big` is high word first.
    /// One-word types are not affected.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum ByteOrder {
        /// The word at the lower address holds the lower 16 bits.
        #[default]
        Little = "little",
        /// The word at the lower address holds the higher 16 bits.
        Big = "big",
    }
    field "byteorder";
}

named_enum! {
    /// Whether a stream may be written through its device.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum AccessMode {
        /// The stream is only read.
        #[default]
        Read = "r",
        /// APIs may also write the stream's register.
        ReadWrite = "rw",
    }
    field "access_mode";
}

/// Settable fields of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSpec {
    /// 1..=200 characters, unique per device.
    pub name: String,
    /// Fixed at creation.
    pub device: DeviceId,
    /// Register, node id, tag or JSON pointer; at most 500 characters.
    pub path: String,
    /// Type of the values, which also sets how many words a register has.
    pub kind: StreamKind,
    /// Group that the stream belongs to.
    pub group: Option<GroupId>,
    /// Whether the register may be written.
    pub access_mode: AccessMode,
    /// Seconds, 0.1..=86400; null inherits the device's.
    pub poll_interval_s: Option<f64>,
    /// Engineering unit, at most 32 characters.
    pub unit: String,
    /// stored = raw * scale + offset, for polled values only.
    pub scale: f64,
    /// Added after `scale`, in the stream's unit.
    pub offset: f64,
    /// Null inherits the device's.
    pub byteorder: Option<ByteOrder>,
    /// Whether the stream is polled.
    pub enabled: bool,
    /// Polled changes smaller than this are not stored; null stores every poll.
    pub deadband: Option<f64>,
    /// Statistics window in seconds; null is 60.
    pub statistics_interval_s: Option<u32>,
    /// `wordorder` (`abcd`, `cdab`, `badc`, `dcba`) overrides `byteorder`; numbers `min` and `max` bound the values
    /// that people set; everything else is user-defined.
    pub metadata: Map<String, Value>,
    /// Virtual pin, 0..=2147483647, unique in the device; `None` is the stream's channel.
    pub pin: Option<i32>,
    /// Name in templates, 1..=200 characters; `None` is the name with `_` for each space.
    pub label: Option<String>,
}

impl StreamSpec {
    /// Names of the fields that differ from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        differences!(self, other, StreamSpec {
            name => "name",
            device => "device",
            path => "path",
            kind => "type",
            group => "group",
            access_mode => "access_mode",
            poll_interval_s => "poll_interval",
            unit => "unit",
            scale => "scale",
            offset => "offset",
            byteorder => "byteorder",
            enabled => "enabled",
            deadband => "deadband",
            statistics_interval_s => "statistics_interval",
            metadata => "metadata",
            pin => "pin",
            label => "label",
        })
    }

    /// Default settings of a stream of `device`.
    pub fn new(name: impl Into<String>, device: DeviceId) -> Self {
        Self {
            name: name.into(),
            device,
            path: String::new(),
            kind: StreamKind::Fp64,
            group: None,
            access_mode: AccessMode::Read,
            poll_interval_s: None,
            unit: String::new(),
            scale: 1.0,
            offset: 0.0,
            byteorder: None,
            enabled: true,
            deadband: None,
            statistics_interval_s: None,
            metadata: Map::new(),
            pin: None,
            label: None,
        }
    }

    /// Whether stored values are scaled: they are engineering values then, of whatever kind the raw ones are.
    pub fn is_scaled(&self) -> bool {
        self.scale != 1.0 || self.offset != 0.0
    }

    /// `min` and `max` of the metadata, as far as they are numbers of a stream of numbers.
    pub fn value_bounds(&self) -> (Option<f64>, Option<f64>) {
        let bound = |name: &str| self.metadata.get(name).and_then(Value::as_f64);
        if self.kind.is_numeric() { (bound("min"), bound("max")) } else { (None, None) }
    }

    /// Moves a number to the nearest that `min` and `max` of the metadata allow.
    pub fn clamp(&self, value: f64) -> f64 {
        let (min, max) = self.value_bounds();
        let value = min.map_or(value, |min| value.max(min));
        max.map_or(value, |max| value.min(max))
    }

    /// Checks every rule that needs no other row; field names and messages are DataStone's.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "name", &self.name, 1, 200);
        check_text(&mut found, "path", &self.path, 0, 500);
        check_text(&mut found, "unit", &self.unit, 0, 32);
        if let Some(interval) = self.poll_interval_s {
            check_range(&mut found, "poll_interval", interval, 0.1, 86_400.0);
        }
        if self.pin.is_some_and(|pin| pin < 0) {
            found.push(FieldError::new("pin", "Ensure this value is greater than or equal to 0."));
        }
        if let Some(label) = &self.label {
            check_text(&mut found, "label", label, 1, 200);
        }
        if let (Some(min), Some(max)) = self.value_bounds()
            && min > max
        {
            found.push(FieldError::new("metadata", "min must not exceed max."));
        }
        for (field, number) in [("scale", self.scale), ("offset", self.offset)] {
            if !number.is_finite() {
                found.push(FieldError::new(field, "A valid number is required."));
            }
        }
        if let Some(deadband) = self.deadband {
            check_range(&mut found, "deadband", deadband, 0.0, f64::MAX);
        }
        if let Some(seconds) = self.statistics_interval_s {
            // Windows divide a day, so that no window spans two day partitions.
            if seconds == 0 || 86_400 % seconds != 0 {
                let message = "Ensure this value divides a day (86400 seconds) without remainder.";
                found.push(FieldError::new("statistics_interval", message));
            }
        }
        found
    }
}

/// A stream as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Row id.
    pub id: StreamId,
    /// Organization that owns the stream.
    pub org: OrgId,
    /// Assigned at creation, for systems that identify streams by UUID.
    pub uuid: Uuid,
    /// Number in its device, from 1 by creation; never used again, also not after the stream is deleted.
    pub channel: i32,
    /// Current settings.
    pub spec: StreamSpec,
    /// Statistics windows, including past changes of the interval.
    pub windows: Windows,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change of its settings.
    pub updated_at: Micros,
}

impl Stream {
    /// Virtual pin: the one that was set, or the channel.
    pub fn pin(&self) -> i32 {
        self.spec.pin.unwrap_or(self.channel)
    }

    /// Label: the one that was set, or the name with `_` for each space.
    pub fn label(&self) -> String {
        self.spec.label.clone().unwrap_or_else(|| self.spec.name.replace(' ', "_"))
    }
}

/// Filter of a stream list.
#[derive(Debug, Clone, Default)]
pub struct StreamFilter {
    /// Only streams of this device.
    pub device: Option<DeviceId>,
    /// Only streams of this group.
    pub group: Option<GroupId>,
    /// Only streams with exactly this name.
    pub name: Option<String>,
    /// Part of the matching streams that is returned.
    pub page: Pagination,
}

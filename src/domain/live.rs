//! What somebody wants to follow.

use super::event::{EventSpec, Level};
use super::{DeviceId, GroupId, StreamId};

/// Streams by themselves, of devices and of groups, together; nothing said is every stream seen, and lists without
/// anything in them are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub streams: Option<Vec<StreamId>>,
    pub devices: Option<Vec<DeviceId>>,
    pub groups: Option<Vec<GroupId>>,
}

impl Wanted {
    pub fn is_everything(&self) -> bool {
        self.streams.is_none() && self.devices.is_none() && self.groups.is_none()
    }
}

/// Events that pass everything that is said here; nothing said is every event seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedEvents {
    pub device: Option<DeviceId>,
    pub stream: Option<StreamId>,
    pub level: Option<Level>,
    /// Any of these, exactly.
    pub kinds: Option<Vec<String>>,
}

impl WantedEvents {
    pub fn takes(&self, marks: &EventMarks) -> bool {
        self.device.is_none_or(|device| marks.device == Some(device))
            && self.stream.is_none_or(|stream| marks.stream == Some(stream))
            && self.level.is_none_or(|level| marks.level == level)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&marks.kind))
    }
}

/// What of an event those who follow events choose by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMarks {
    pub device: Option<DeviceId>,
    pub stream: Option<StreamId>,
    pub level: Level,
    pub kind: String,
}

impl From<&EventSpec> for EventMarks {
    fn from(spec: &EventSpec) -> Self {
        Self { device: spec.device, stream: spec.stream, level: spec.level, kind: spec.kind.clone() }
    }
}

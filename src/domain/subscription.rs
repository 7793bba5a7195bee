//! Subscription filters: which streams or events a subscriber wants to follow.

use super::event::{EventSpec, Level};
use super::{DeviceId, GroupId, StreamId};

/// The union of streams listed directly, by device and by group. All `None` selects every visible stream; empty lists
/// select none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionFilter {
    /// Streams by id.
    pub streams: Option<Vec<StreamId>>,
    /// Devices, all of whose streams are selected.
    pub devices: Option<Vec<DeviceId>>,
    /// Groups, all of whose streams are selected.
    pub groups: Option<Vec<GroupId>>,
}

impl SubscriptionFilter {
    /// Whether nothing is filtered.
    pub fn matches_all(&self) -> bool {
        self.streams.is_none() && self.devices.is_none() && self.groups.is_none()
    }
}

/// Events that match every field given; all `None` selects every visible event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSubscriptionFilter {
    /// Only events of this device.
    pub device: Option<DeviceId>,
    /// Only events of this stream.
    pub stream: Option<StreamId>,
    /// Only events of exactly this level.
    pub level: Option<Level>,
    /// Matches any of these kinds exactly.
    pub kinds: Option<Vec<String>>,
}

impl EventSubscriptionFilter {
    /// Whether an event with these attributes passes.
    pub fn matches(&self, marks: &EventAttributes) -> bool {
        self.device.is_none_or(|device| marks.device == Some(device))
            && self.stream.is_none_or(|stream| marks.stream == Some(stream))
            && self.level.is_none_or(|level| marks.level == level)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&marks.kind))
    }
}

/// Attributes of an event that subscriptions filter by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventAttributes {
    /// Device of the event, if it has one.
    pub device: Option<DeviceId>,
    /// Stream of the event, if it has one.
    pub stream: Option<StreamId>,
    /// Severity of the event.
    pub level: Level,
    /// Kind of the event, such as `alarm`.
    pub kind: String,
}

impl From<&EventSpec> for EventAttributes {
    fn from(spec: &EventSpec) -> Self {
        Self { device: spec.device, stream: spec.stream, level: spec.level, kind: spec.kind.clone() }
    }
}

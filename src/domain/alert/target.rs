//! What an alert rule watches.

use serde::{Deserialize, Serialize};

use crate::domain::{DeviceId, StreamId};

/// What an alert rule watches: the readings of a stream, or the state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleTarget {
    /// The readings of a stream, or their absence.
    Stream(StreamId),
    /// The state of a device.
    Device(DeviceId),
}

impl RuleTarget {
    /// The stream; `None` of a rule on a device.
    pub fn stream(self) -> Option<StreamId> {
        match self {
            RuleTarget::Stream(id) => Some(id),
            RuleTarget::Device(_) => None,
        }
    }

    /// The device whose state is watched; `None` of a rule on a stream.
    pub fn device(self) -> Option<DeviceId> {
        match self {
            RuleTarget::Stream(_) => None,
            RuleTarget::Device(id) => Some(id),
        }
    }
}

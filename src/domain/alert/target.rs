//! Target of an alert rule.

use serde::{Deserialize, Serialize};

use crate::domain::{DeviceId, StreamId};

/// Target of an alert rule: the readings of a stream, or the state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleTarget {
    /// The readings of a stream, or their absence.
    Stream(StreamId),
    /// The state of a device.
    Device(DeviceId),
}

impl RuleTarget {
    /// Stands for a stream that a request does not name, or that nobody has: no row has the id 0, so the rules refuse it together
    /// with everything else that is wrong.
    pub const UNKNOWN_STREAM: RuleTarget = RuleTarget::Stream(StreamId(0));

    /// Stands for a device like that.
    pub const UNKNOWN_DEVICE: RuleTarget = RuleTarget::Device(DeviceId(0));

    /// Whether it is one that a row can have.
    pub fn is_known(self) -> bool {
        self != RuleTarget::UNKNOWN_STREAM && self != RuleTarget::UNKNOWN_DEVICE
    }

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

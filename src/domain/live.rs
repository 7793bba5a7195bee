//! What somebody wants to follow.

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

//! Documents of the MK platform's devices on their way to subscribers: those that devices publish, and the configuration
//! that a device is to have.

use std::sync::Arc;

use bytes::Bytes;

use crate::app::mk::desired::DesiredFeed;
use crate::domain::mqtt::Qos;
use crate::domain::{DeviceId, OrgId};

/// A message of a device that subscribers may see.
#[derive(Debug)]
pub(super) struct DeviceNotice {
    pub org: OrgId,
    pub device: DeviceId,
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
}

/// The desired configuration of a session's device, and how it is sent.
pub(super) struct DesiredTopic {
    pub feed: DesiredFeed,
    pub topic: Arc<str>,
    /// Whether none was sent yet: the first answers the subscription.
    pub is_first: bool,
}

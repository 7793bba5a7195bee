//! Status of the session of an MQTT client.

use serde::{Deserialize, Serialize};

use super::{SessionOwner, Subscription};
use crate::domain::{DeviceId, Micros, OrgId, Principal};

/// A session as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Owner of the session.
    pub owner: SessionOwner,
    /// Client id, unique for the owner.
    pub client_id: String,
    /// Whether a client is connected.
    pub is_connected: bool,
    /// Time at which the connection began, or ended if there is none; `None` when the end is not known.
    pub since: Option<Micros>,
    /// Filters of the messages that the client is sent.
    pub subscriptions: Vec<Subscription>,
    /// Messages in memory that the client has not acknowledged. What an offline session is sent later is read from the
    /// log then, and not counted.
    pub queued: usize,
    /// How long the session outlives its connection, seconds.
    pub expiry_s: u32,
}

impl SessionStatus {
    /// Device whose session it is; `None` for the holder of a key.
    pub fn device(&self) -> Option<DeviceId> {
        match self.owner {
            SessionOwner::Device(id) => Some(id),
            SessionOwner::Key(_) => None,
        }
    }
}

impl SessionOwner {
    /// Whether a principal may see the sessions of this owner of an organization: those of a device with the whole
    /// device, those of a key like the key itself, which belongs to the whole organization.
    pub fn is_visible_to(self, org: OrgId, who: &Principal) -> bool {
        match self {
            SessionOwner::Device(id) => who.owns_device(org, id),
            SessionOwner::Key(_) => org == who.org && !who.is_restricted(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::KeyId;

    #[test]
    fn a_session_is_seen_with_its_whole_owner() {
        let whole = Principal::system(OrgId(1));
        let one = Principal { devices: Some(BTreeSet::from([DeviceId(3)])), ..whole.clone() };
        let rows = [
            ("of_the_device", SessionOwner::Device(DeviceId(3)), [true, true, false]),
            ("of_another_device", SessionOwner::Device(DeviceId(4)), [true, false, false]),
            ("of_a_key", SessionOwner::Key(KeyId(3)), [true, false, false]),
        ];
        for (name, owner, expected) in rows {
            let callers = [&whole, &one, &Principal::system(OrgId(2))];
            assert_eq!(callers.map(|who| owner.is_visible_to(OrgId(1), who)), expected, "{name}");
        }
    }
}

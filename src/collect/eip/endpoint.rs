//! EtherNet/IP endpoint: address and route of a controller, from a device's settings. Pure.

use crate::collect::peer::{Peer, Transport};
use crate::collect::settings::ProtocolSettings;
use crate::domain::Result;
use crate::domain::device::DeviceSpec;

/// Settings in a device's metadata.
pub const SLOT: &str = "slot";
/// Setting for the route to the controller: `backplane`, the default, or `direct`.
pub const ROUTING: &str = "routing";
const MAX_SLOT: u64 = 0xFF;

/// Way of a message from the device that is connected to, to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRoute {
    /// Through the backplane to the module in this slot.
    Backplane(u8),
    /// The device is the controller.
    Direct,
}

/// Address and route of a controller.
#[derive(Debug, Clone, PartialEq)]
pub struct EipEndpoint {
    pub peer: Peer,
    pub route: MessageRoute,
}

impl EipEndpoint {
    /// Builds the endpoint from a device's settings; the error names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<EipEndpoint> {
        let settings = ProtocolSettings(&spec.metadata);
        let slot = settings.number(SLOT, MAX_SLOT)?.unwrap_or(0);
        let backplane = MessageRoute::Backplane(slot);
        let route =
            settings.choice(ROUTING, &[("backplane", backplane), ("direct", MessageRoute::Direct)])?;
        Ok(EipEndpoint { peer: Peer::from_spec(spec, Transport::Tcp)?, route })
    }
}

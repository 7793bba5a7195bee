//! Interfaces of other vendors that serve one organization: the organization, the packets of OpenSynaptic, and the messages of
//! the on-premise interface.

use std::sync::Arc;

use super::AppSettings;
use super::access::AccessControl;
use super::compat::CompatOrg;
use super::core_parts::CoreParts;
use super::gateway::Gateway;
use super::messages::Messages;
use super::onpremise::OnPremiseMessages;
use super::opensynaptic::Packets;

/// The services of these interfaces.
pub struct VendorServices {
    pub onpremise: Arc<OnPremiseMessages>,
    pub org: Arc<CompatOrg>,
    pub packets: Arc<Packets>,
}

/// Services that those of these interfaces call.
pub(super) struct VendorCalls {
    pub access: Arc<AccessControl>,
    pub gateway: Arc<Gateway>,
    pub messages: Arc<Messages>,
}

impl VendorServices {
    /// Builds each service after those that it calls.
    pub(super) fn new(parts: &CoreParts, calls: VendorCalls, settings: &AppSettings) -> Self {
        let VendorCalls { access, gateway, messages } = calls;
        let org = Arc::new(CompatOrg::new(parts, access, &settings.compat));
        let packets = Packets::new(parts, org.clone(), messages.clone(), &settings.opensynaptic);
        Self {
            onpremise: Arc::new(OnPremiseMessages::new(parts, org.clone(), gateway, messages)),
            org,
            packets: Arc::new(packets),
        }
    }
}

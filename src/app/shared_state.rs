//! State that services share with each other.

use std::sync::Arc;

use super::AppSettings;
use super::cluster::KnownNodes;
use super::core_parts::CoreParts;
use super::gateway::hub::GatewayHub;
use super::mqtt::BrokerState;
use crate::fetch::Fetcher;

/// State of more than one service, made once.
#[derive(Clone)]
pub(super) struct SharedState {
    pub hub: Arc<GatewayHub>,
    pub broker: Arc<BrokerState>,
    /// Fetches the URLs that callers and collectors name.
    pub fetcher: Arc<Fetcher>,
    pub nodes: KnownNodes,
}

impl SharedState {
    /// Creates the state as of the start: no gateway is connected and no node is known.
    pub fn new(parts: &CoreParts, settings: &AppSettings) -> Self {
        let broker = BrokerState::new(parts.store.clone(), &settings.mqtt);
        parts.states.attach_sessions(broker.session_statuses());
        Self {
            hub: Arc::default(),
            broker: Arc::new(broker),
            fetcher: Arc::new(Fetcher::new(settings.host.reach.clone())),
            nodes: KnownNodes::default(),
        }
    }
}

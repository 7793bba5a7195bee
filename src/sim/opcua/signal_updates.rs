//! Updates the signals of the simulated server, and its subscribers, at every full second.

use std::time::Duration;

use opcua::server::ServerHandle;
use opcua::server::node_manager::memory::InMemoryNodeManager;
use opcua::types::{DateTime, NodeId};

use super::nodes::{NAMESPACE, PlantNodes};
use super::signals::{self, SIGNAL_COUNT, TICKS_PER_SECOND};

/// Changes all signals at every full second, for ever.
pub async fn run(handle: ServerHandle) {
    let Some(nodes) = handle.node_managers().get_of_type::<InMemoryNodeManager<PlantNodes>>() else { return };
    let namespace = handle.get_namespace_index(NAMESPACE).unwrap_or_default();
    let all: Vec<NodeId> =
        (0..SIGNAL_COUNT).map(|number| NodeId::new(namespace, signals::name(number))).collect();
    loop {
        let now = DateTime::now();
        let next = signals::whole_seconds(now) + 1;
        let ticks = (next * TICKS_PER_SECOND).saturating_sub(now.checked_ticks()).unsigned_abs();
        tokio::time::sleep(Duration::from_nanos(ticks * 100)).await;
        let changed =
            (0..SIGNAL_COUNT).zip(&all).map(|(number, node)| (node, None, signals::value_at(number, next)));
        if let Err(status) = nodes.set_values(handle.subscriptions(), changed) {
            tracing::warn!(%status, "simulated OPC UA signals are not updated");
            return;
        }
    }
}

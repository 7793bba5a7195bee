//! Browsing a device over the connection that its poller uses too.

use super::fault::{DeviceFault, RefusalKind};
use super::io::DirectRequest;
use super::registry;
use super::runtime::Collectors;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::DeviceSpec;
use crate::domain::{DeviceId, Error, Result};

impl Collectors {
    /// Browses `depth` levels below a node of an OPC UA server, or a program of a Logix controller.
    ///
    /// # Errors
    /// The errors of `read_register`; `Invalid` with the field `node` for a node that the device does not have.
    pub async fn browse(&self, id: DeviceId, node: &str, depth: usize) -> Result<BrowseTree> {
        let exchange = DirectRequest::new(self, id)?;
        check_node(exchange.spec(), node)?;
        let _place_in_line = exchange.queue_permit()?;
        let mut connection = exchange.lock_connection().await?;
        let started = tokio::time::Instant::now();
        let browsed = match connection.get_or_connect(&exchange.endpoint).await {
            Ok(client) => client.browse(node, depth).await,
            Err(fault) => Err(fault),
        };
        exchange.record_outcome(&mut connection, started, browsed).map_err(|fault| explain(fault, node))
    }
}

/// Checks that the device's protocol is browsed, and that it may have such a node.
///
/// # Errors
/// `Invalid`, with the field `protocol` or `node`.
pub(super) fn check_node(device: &DeviceSpec, node: &str) -> Result<()> {
    let known = registry::find(device.protocol);
    let root = known.and_then(|known| known.browse_root());
    let root = root.ok_or_else(|| {
        Error::field("protocol", format!("Devices of protocol \"{}\" are not browsed.", device.protocol))
    })?;
    if node == root || registry::parse_address(device, node).is_ok() { Ok(()) } else { Err(invalid(node)) }
}

fn invalid(node: &str) -> Error {
    Error::field("node", format!("Invalid node id \"{node}\"."))
}

/// Translates a fault of a browse that began with `node`.
pub(super) fn explain(fault: DeviceFault, node: &str) -> Error {
    match fault {
        DeviceFault::Unsupported { .. }
        | DeviceFault::Refused { meaning: RefusalKind::NoSuchRegister, .. } => invalid(node),
        fault => super::io::to_api_error(fault, node),
    }
}

//! Browsing a device over the connection that its poller uses too.

use std::any::Any;

use super::fault::{DeviceFault, RefusalKind};
use super::io::DirectRequest;
use super::opcua::browse;
use super::opcua::client::OpcuaClient;
use super::opcua::node::NodePath;
use super::runtime::Collectors;
use crate::domain::address_space::BrowseTree;
use crate::domain::{DeviceId, Error, Result};

impl Collectors {
    /// Browses `depth` levels below a node of an OPC UA server.
    ///
    /// # Errors
    /// As `read_register`; `Invalid` with the field `node` for a node that the server does not have.
    pub async fn browse(&self, id: DeviceId, node: &str, depth: usize) -> Result<BrowseTree> {
        let path = parse_node(node)?;
        let exchange = DirectRequest::new(self, id)?;
        let _place_in_line = exchange.queue_permit()?;
        let mut connection = exchange.lock_connection().await?;
        let started = tokio::time::Instant::now();
        let browsed = match connection.get_or_connect(&exchange.endpoint).await {
            Ok(client) => match (client as &mut dyn Any).downcast_mut::<OpcuaClient>() {
                Some(client) => browse::browse(client, &path, depth).await,
                None => return Err(Error::invalid("Device protocol is not opcua.")),
            },
            Err(fault) => Err(fault),
        };
        exchange.record_outcome(&mut connection, started, browsed).map_err(|fault| explain(fault, node))
    }
}

/// Parses the node to begin with.
///
/// # Errors
/// `Invalid` with the field `node`.
pub(super) fn parse_node(node: &str) -> Result<NodePath> {
    node.parse().map_err(|_| invalid(node))
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

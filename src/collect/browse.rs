//! What a device has, asked over the connection that its poller uses too.

use super::client::Client;
use super::fault::{Fault, Meaning};
use super::io::Exchange;
use super::opcua::browse;
use super::opcua::node::NodePath;
use super::runtime::Collectors;
use crate::domain::address_space::Tree;
use crate::domain::{DeviceId, Error, Result};

impl Collectors {
    /// Looks `depth` levels below a node of an OPC UA server.
    ///
    /// # Errors
    /// As `read_register`; `Invalid` with the field `node` for one that the server does not have.
    pub async fn browse(&self, id: DeviceId, node: &str, depth: usize) -> Result<Tree> {
        let path: NodePath = node.parse().map_err(|_| invalid(node))?;
        let exchange = Exchange::new(self, id)?;
        let _place_in_line = exchange.queue()?;
        let mut turn = exchange.turn().await?;
        let started = tokio::time::Instant::now();
        let browsed = match turn.client(&exchange.endpoint).await {
            Ok(Client::Opcua(client)) => browse::browse(client, &path, depth).await,
            Ok(_) => return Err(Error::invalid("Device protocol is not opcua.")),
            Err(fault) => Err(fault),
        };
        exchange.note(&mut turn, started, browsed).map_err(|fault| explain(fault, node))
    }
}

fn invalid(node: &str) -> Error {
    Error::field("node", format!("Invalid node id \"{node}\"."))
}

fn explain(fault: Fault, node: &str) -> Error {
    match fault {
        Fault::Unfit { .. } | Fault::Refused { meaning: Meaning::NoSuchRegister, .. } => invalid(node),
        fault => super::io::explain(fault, node),
    }
}

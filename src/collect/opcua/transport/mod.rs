//! TCP transport of one secure channel. It is opened here, so that it leads to the configured host and port whatever
//! URL the server advertises, and a failure is worded as for every other protocol.
//!
//! The frames, chunks and messages that a server sends are bounded here too: in size before they have come, in depth
//! while they are decoded.

mod channel;
mod connector;
mod end_flag;
pub(super) mod frame_codec;
mod message;
mod pending_requests;
pub(super) mod stack_bound;

use opcua::client::ConnectionSource;
use opcua::client::transport::Connector;
use opcua::types::{EndpointDescription, Error, StatusCode};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use connector::TcpConnector;
pub use end_flag::EndFlag;

use super::endpoint::OpcuaEndpoint;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::collect::networks::AllowedNetworks;

/// Opens a connection to the server's host and port.
pub async fn dial(endpoint: &OpcuaEndpoint, networks: &AllowedNetworks) -> Result<TcpStream, DeviceFault> {
    let address = endpoint.address();
    let attempt = networks.connect(&endpoint.host, endpoint.port);
    let opened = match timeout(endpoint.timeout, attempt).await {
        Ok(opened) => opened.and_then(|stream| stream.set_nodelay(true).map(|()| stream)),
        Err(_) => return Err(DeviceFault::Timeout { address, after: endpoint.timeout }),
    };
    opened.map_err(|error| DeviceFault::Unreachable { address, reason: describe_io_error(&error) })
}

/// Passes a connector to the library's session, once.
pub struct SingleUseConnector<C>(Mutex<Option<C>>);

impl<C> SingleUseConnector<C> {
    /// Keeps the connector for the first attempt to connect; the others fail with `BadConnectionClosed`.
    pub fn new(connector: C) -> Self {
        SingleUseConnector(Mutex::new(Some(connector)))
    }
}

impl<C: Connector + 'static> ConnectionSource for SingleUseConnector<C> {
    type Builder = C;

    fn get_connector(&self, _: &EndpointDescription) -> Result<C, Error> {
        let spent = || Error::new(StatusCode::BadConnectionClosed, "the connection was used before");
        self.0.lock().take().ok_or_else(spent)
    }
}

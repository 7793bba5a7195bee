//! TCP transport of one secure channel. It is opened here, so that it leads to the configured host and port whatever
//! URL the server advertises, and a failure is worded as for every other protocol.

use std::future::{Ready, ready};

use opcua::client::ConnectionSource;
use opcua::client::transport::{Connector, StreamConnection, StreamConnector};
use opcua::core::comms::tcp_codec::TcpCodec;
use opcua::types::{DecodingOptions, EndpointDescription, Error, StatusCode};
use parking_lot::Mutex;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use super::endpoint::OpcuaEndpoint;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::collect::networks::AllowedNetworks;

type TcpConnection = StreamConnection<ReadHalf<TcpStream>, WriteHalf<TcpStream>>;

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

/// A connector that performs the OPC UA handshake over an open connection, once; `url` is sent to the server as the
/// requested endpoint.
pub fn connector(stream: TcpStream, url: String) -> impl Connector + 'static {
    let stream = Mutex::new(Some(stream));
    let connect = move |url: String, options: DecodingOptions| -> Ready<Result<TcpConnection, Error>> {
        let spent = || Error::new(StatusCode::BadConnectionClosed, "the connection was used before");
        ready(stream.lock().take().ok_or_else(spent).map(|stream| {
            let (reader, writer) = split(stream);
            StreamConnection::new(FramedRead::new(reader, TcpCodec::new(options)), writer, url)
        }))
    };
    StreamConnector::new(connect, url)
}

/// Passes a connector to the library's session, once.
pub struct SingleUseConnector<C>(Mutex<Option<C>>);

impl<C> SingleUseConnector<C> {
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

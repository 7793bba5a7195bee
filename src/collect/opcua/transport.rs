//! One TCP connection for one secure channel: opened here, so that it leads to the configured host and port whatever the
//! server says of itself, and a failure is told in the words of every other protocol.

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

use super::endpoint::Endpoint;
use crate::collect::fault::{Fault, reason};
use crate::collect::networks::Networks;

type Halves = StreamConnection<ReadHalf<TcpStream>, WriteHalf<TcpStream>>;

/// Opens a connection to the server's host and port.
pub async fn dial(endpoint: &Endpoint, networks: &Networks) -> Result<TcpStream, Fault> {
    let address = endpoint.address();
    let attempt = networks.connect(&endpoint.host, endpoint.port);
    let opened = match timeout(endpoint.timeout, attempt).await {
        Ok(opened) => opened.and_then(|stream| stream.set_nodelay(true).map(|()| stream)),
        Err(_) => return Err(Fault::Timeout { address, after: endpoint.timeout }),
    };
    opened.map_err(|error| Fault::Unreachable { address, reason: reason(&error) })
}

/// Speaks OPC UA's handshake over an open connection, once; `url` is what the server is told that we look for.
pub fn over(stream: TcpStream, url: String) -> impl Connector + 'static {
    let stream = Mutex::new(Some(stream));
    let connect = move |url: String, options: DecodingOptions| -> Ready<Result<Halves, Error>> {
        let spent = || Error::new(StatusCode::BadConnectionClosed, "the connection was used before");
        ready(stream.lock().take().ok_or_else(spent).map(|stream| {
            let (reader, writer) = split(stream);
            StreamConnection::new(FramedRead::new(reader, TcpCodec::new(options)), writer, url)
        }))
    };
    StreamConnector::new(connect, url)
}

/// Hands a connector to the library's session, once.
pub struct Given<C>(Mutex<Option<C>>);

impl<C> Given<C> {
    pub fn new(connector: C) -> Self {
        Given(Mutex::new(Some(connector)))
    }
}

impl<C: Connector + 'static> ConnectionSource for Given<C> {
    type Builder = C;

    fn get_connector(&self, _: &EndpointDescription) -> Result<C, Error> {
        let spent = || Error::new(StatusCode::BadConnectionClosed, "the connection was used before");
        self.0.lock().take().ok_or_else(spent)
    }
}

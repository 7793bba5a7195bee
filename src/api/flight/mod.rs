//! Arrow Flight SQL, so that ADBC's and Arrow's own clients ask and get Arrow back.
//!
//! Every call brings its key, as `authorization: Bearer KEY` or as basic credentials with the key as password, and runs as
//! the principal that the key is at that moment: same engine, limits, query log and audit log as `POST /sql`. Nothing is
//! kept between calls; what a client holds (handle.rs) says what it asks, and gives it no right.

mod admission;
mod connection;
mod credentials;
mod error;
mod handle;
mod metadata;
mod params;
mod service;

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use futures::stream;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use self::admission::Admission;
use self::connection::{Connection, Patience};
use self::service::Flight;
use super::connection_limit::ConnectionLimit;
use super::incoming::{Full, Incoming};
use crate::app::App;
use crate::domain::{Error, Result};

/// Longest message of a client, bytes: a statement, or one row of parameters.
const MAX_MESSAGE: usize = 4 << 20;
/// Calls at a time on one connection.
const STREAMS: u32 = 100;
/// A client that is silent for the first is asked whether it is there, and gone when it is silent for the second too.
const PING_AFTER: Duration = Duration::from_secs(30);
const PING_WAIT: Duration = Duration::from_secs(20);

/// How connections are treated.
#[derive(Debug, Clone)]
pub struct FlightOptions {
    /// The most at a time.
    pub connections: usize,
    /// Whether keys may come without TLS from other machines.
    pub allow_plaintext: bool,
}

/// Serves until `stop`, then lets running calls finish.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    options: FlightOptions,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) -> Result<()> {
    let failed =
        |e: Box<dyn std::error::Error + Send + Sync>| Error::unavailable("Flight SQL ended early").because(e);
    let limit = ConnectionLimit::new("flight.connections", options.connections);
    let incoming = Incoming::new(listener, tls, limit, Full::Wait);
    let connections = stream::unfold(incoming, |mut incoming| async move {
        let (transport, address, permit) = incoming.next().await;
        let connection = Connection::new(transport, address, permit, Patience::default());
        Some((Ok::<_, std::io::Error>(connection), incoming))
    });
    let service = FlightServiceServer::new(Flight::new(app.clone())?);
    let service = service.max_decoding_message_size(MAX_MESSAGE);
    let service = Admission::new(service, app, options.allow_plaintext);
    Server::builder()
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(PING_AFTER))
        .http2_keepalive_timeout(Some(PING_WAIT))
        .add_service(service)
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
        .map_err(|e| failed(e.into()))
}

#[cfg(test)]
mod fuzz_tests;

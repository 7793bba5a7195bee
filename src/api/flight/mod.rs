//! Arrow Flight SQL server, for ADBC and Arrow clients.
//!
//! Every call carries its key, as `authorization: Bearer KEY` or as basic credentials with the key as password, and
//! runs with the current rights of that key: same engine, limits, query log and audit log as `POST /sql`. The server is
//! stateless; the handle that a client keeps (statement_handle.rs) describes a statement and grants no rights.

mod admission;
mod credentials;
mod error;
mod metadata;
mod params;
mod service;
mod statement_handle;

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use self::admission::AdmissionService;
use self::service::FlightSqlServer;
use super::connection_limit::ConnectionLimit;
use super::grpc_connection::{self, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT};
use super::listener_tls::ListenerTls;
use crate::app::App;
use crate::domain::{Error, Result};

/// Maximum length of a client's message, bytes: a statement, or one row of parameters.
const MAX_MESSAGE_BYTES: usize = 4 << 20;
/// Maximum concurrent calls of one connection.
const MAX_CONCURRENT_STREAMS: u32 = 100;

/// Limits and settings of connections.
#[derive(Debug, Clone)]
pub struct FlightOptions {
    /// Maximum number of connections.
    pub connections: usize,
    /// Whether other machines may send keys without TLS.
    pub allow_plaintext: bool,
}

/// Serves until `stop`, then lets running calls finish.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    options: FlightOptions,
    tls: Option<ListenerTls>,
    stop: CancellationToken,
) -> Result<()> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::unavailable("Flight SQL ended early").with_source(e)
    };
    let limit = ConnectionLimit::new("flight.connections", options.connections);
    app.server.add_listener(&limit);
    let connections = grpc_connection::accept(listener, tls, limit);
    let service = FlightServiceServer::new(FlightSqlServer::new(app.clone())?);
    let service = service.max_decoding_message_size(MAX_MESSAGE_BYTES);
    let service = AdmissionService::new(service, app, options.allow_plaintext);
    Server::builder()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(service)
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
        .map_err(|e| failed(e.into()))
}

#[cfg(test)]
mod fuzz_tests;

//! MQTT broker, versions 3.1.1 and 5.0: listeners, packets and connections. What a message means is in `app/mqtt`.
//!
//! Packets are coded by `rmqtt-codec`, which wire.rs alone names; what it lets pass and the protocol does not is refused in
//! check.rs.

mod check;
mod connect;
mod connection;
mod encode;
mod handshake;
mod inbound;
mod raw;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::handshake::HandshakePlaces;
use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::incoming;
use crate::app::App;

/// Limits and settings of connections.
#[derive(Debug, Clone)]
pub struct MqttOptions {
    /// Maximum number of connections.
    pub connections: usize,
    /// Whether other machines may send keys without TLS.
    pub allow_plaintext: bool,
}

/// State shared by all connections of a listener.
struct MqttServer {
    app: Arc<App>,
    options: MqttOptions,
    tls: Option<watch::Receiver<TlsAcceptor>>,
    handshakes: HandshakePlaces,
    stop: CancellationToken,
}

/// Serves until `stop`, with the newest acceptor of `tls` for each connection; then tells the clients and lets what they have sent be stored.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    options: MqttOptions,
    tls: Option<watch::Receiver<TlsAcceptor>>,
    stop: CancellationToken,
) {
    let limit = ConnectionLimit::new("mqtt.connections", options.connections);
    app.server.add_listener(&limit);
    let handshakes = HandshakePlaces::default();
    let server = Arc::new(MqttServer { app, options, tls, handshakes, stop: stop.clone() });
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            limit.wait_for_capacity().await;
            incoming::accept(&listener).await
        };
        let (socket, address) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
            // Reaps ended connections.
            Some(_) = connections.join_next() => continue,
        };
        // A refusal before CONNECT has no form in MQTT: past the limit the socket is closed.
        if let Some(permit) = limit.try_acquire(address.ip()) {
            drop(connections.spawn(server.clone().handle_connection(socket, address, permit)));
        }
    }
    while connections.join_next().await.is_some() {}
}

impl MqttServer {
    async fn handle_connection(
        self: Arc<Self>,
        socket: TcpStream,
        address: SocketAddr,
        permit: ConnectionPermit,
    ) {
        // Acknowledgements are small and waited for.
        drop(socket.set_nodelay(true));
        // A task keeps room for its largest state: what happens once is in memory of its own, so that idle clients keep none
        // for it.
        let start = Box::pin(connect::start(&self, socket, address, &permit));
        let start = tokio::time::timeout(connect::CONNECT_TIMEOUT, start);
        // A client that is evicted or out of time before it authenticates is disconnected without a message.
        let started = tokio::select! {
            biased;
            () = permit.state().closing() => return,
            () = self.stop.cancelled() => return,
            started = start => started,
        };
        if let Ok(Some(connection)) = started {
            connection.serve(&self.stop).await;
        }
    }
}

#[cfg(test)]
mod fuzz_tests;

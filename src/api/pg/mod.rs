//! PostgreSQL wire protocol server, for psql, Grafana, DBeaver and SQLAlchemy.
//!
//! Any user name is accepted; the password is an API key. Every statement runs with the current rights of that key,
//! through the same engine, limits, query log and audit log as `POST /sql`. Messages are encoded by `pgwire` and rows
//! by `arrow-pg`; bytes are decoded here (frame.rs). Cursors are portals that SQL opens (cursor.rs); COPY TO STDOUT sends the
//! rows of a query as texts (copy_out.rs).

mod array;
mod cancel;
mod command;
mod connection;
mod copy_command;
mod copy_format;
mod copy_options;
mod copy_out;
mod cursor;
mod cursor_command;
mod error;
mod exact_numeric;
mod extended;
mod frame;
mod interval;
mod lexer;
mod memory_pool;
mod numeric;
mod parameter;
mod portal;
mod result_type;
mod row_stream;
mod rows;
mod scalar;
mod session;
mod session_command;
mod setting_value;
mod settings;
mod shared_settings;
mod startup;
mod startup_settings;
mod statement_guard;
mod statement_splitter;
mod string_literal;
mod text;
mod token_cursor;
mod types;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::cancel::CancelRegistry;
use self::connection::PgConnection;
use self::error::PgError;
use self::memory_pool::PgMemoryPool;
use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::incoming;
use super::listener_tls::ListenerTls;
use super::tls::Transport;
use crate::app::App;

/// Maximum number of refusals sent at a time; further connections are closed without a message.
const MAX_REFUSALS: usize = 32;

/// Limits and settings of connections.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// Maximum number of connections.
    pub connections: usize,
    /// Maximum time without a statement.
    pub idle: Duration,
    /// Whether other machines may send keys without TLS.
    pub allow_plaintext: bool,
}

/// State shared by all connections of the listener.
struct PgServer {
    app: Arc<App>,
    options: PgOptions,
    tls: Option<ListenerTls>,
    cancel_registry: Arc<CancelRegistry>,
    /// Memory of all connections together.
    memory: Arc<PgMemoryPool>,
    stop: CancellationToken,
}

/// Serves until `stop`, then lets running statements finish.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    options: PgOptions,
    tls: Option<ListenerTls>,
    stop: CancellationToken,
) {
    let limit = ConnectionLimit::new("pg.connections", options.connections);
    app.server.add_listener(&limit);
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let memory = PgMemoryPool::new(app.settings().body_bytes);
    let server =
        Arc::new(PgServer { app, options, tls, cancel_registry: Arc::default(), memory, stop: stop.clone() });
    let mut connections = JoinSet::new();
    loop {
        let (socket, address) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = next(&limit, &listener) => accepted,
            // Reaps ended connections.
            Some(_) = connections.join_next() => continue,
        };
        match limit.try_acquire(address.ip()) {
            Some(permit) => {
                drop(connections.spawn(server.clone().handle_connection(socket, address, permit)))
            }
            None => incoming::spawn_refusal(&refusals, refuse(socket, limit.refusal_message())),
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn next(limit: &ConnectionLimit, listener: &TcpListener) -> (TcpStream, SocketAddr) {
    limit.wait_for_capacity().await;
    incoming::accept(listener).await
}

/// Sends a refusal. A client that requests TLS first may not read it, but is refused all the same.
async fn refuse(socket: TcpStream, message: String) {
    let mut wire = PgConnection::new(Transport::Plain(socket));
    if wire.queue(&PgError::Protocol("53300", message).message(true)).is_ok() {
        // A client that is gone needs no refusal.
        wire.close().await.unwrap_or(());
    }
}

impl PgServer {
    async fn handle_connection(
        self: Arc<Self>,
        socket: TcpStream,
        address: SocketAddr,
        permit: ConnectionPermit,
    ) {
        let start =
            tokio::time::timeout(startup::STARTUP_TIMEOUT, startup::start(self, socket, address, &permit));
        // A client that is evicted or out of time before it authenticates is disconnected without a message.
        let started = tokio::select! {
            biased;
            () = permit.state().closing() => return,
            started = start => started,
        };
        if let Ok(Some(session)) = started {
            session.serve().await;
        }
    }
}

#[cfg(test)]
mod fuzz_tests;

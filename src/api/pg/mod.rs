//! PostgreSQL's wire protocol, so that psql, Grafana, DBeaver and SQLAlchemy can ask.
//!
//! Any user name; the password is an API key. Every statement runs as the principal that the key is at that moment, through
//! the same engine, limits, query log and audit log as `POST /sql`. Messages are encoded by `pgwire` and rows by
//! `arrow-pg`; bytes are decoded here (frame.rs).

mod array;
mod cancel;
mod command;
mod error;
mod extended;
mod frame;
mod memory;
mod portal;
mod rows;
mod script;
mod session;
mod settings;
mod startup;
mod types;
mod watch;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::cancel::Open;
use self::error::Fault;
use self::memory::Memory;
use self::wire::Wire;
use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::incoming;
use super::tls::Transport;
use crate::app::App;

/// Refused connections that are told so at a time; past them others are closed without a word.
const MAX_REFUSALS: usize = 32;

/// How connections are treated.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// The most at a time.
    pub connections: usize,
    /// The longest without a statement.
    pub idle: Duration,
    /// Whether keys may come without TLS from other machines.
    pub allow_plaintext: bool,
}

/// What every connection of the listener shares.
struct Door {
    app: Arc<App>,
    options: PgOptions,
    tls: Option<TlsAcceptor>,
    open: Arc<Open>,
    /// Of all connections together.
    memory: Arc<Memory>,
    stop: CancellationToken,
}

/// Serves until `stop`, then lets running statements finish.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    options: PgOptions,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    let limit = ConnectionLimit::new("pg.connections", options.connections);
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let memory = Memory::new(app.settings().body_bytes);
    let door = Arc::new(Door { app, options, tls, open: Arc::default(), memory, stop: stop.clone() });
    let mut connections = JoinSet::new();
    loop {
        let (socket, address) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = next(&limit, &listener) => accepted,
            // Those that have ended are let go of as they end.
            Some(_) = connections.join_next() => continue,
        };
        match limit.enter(address.ip()) {
            Some(permit) => drop(connections.spawn(door.clone().receive(socket, address, permit))),
            None => incoming::spawn_refusal(&refusals, refuse(socket, limit.refusal())),
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn next(limit: &ConnectionLimit, listener: &TcpListener) -> (TcpStream, SocketAddr) {
    limit.room().await;
    incoming::accept(listener).await
}

/// Tells a client that there is no place. It may ask for TLS first and not read this; it is refused either way.
async fn refuse(socket: TcpStream, message: String) {
    let mut wire = Wire::new(Transport::Plain(socket));
    if wire.say(&Fault::Protocol("53300", message).message(true)).is_ok() {
        // Who is gone already needs no refusal.
        wire.close().await.unwrap_or(());
    }
}

impl Door {
    async fn receive(self: Arc<Self>, socket: TcpStream, address: SocketAddr, permit: ConnectionPermit) {
        let start = tokio::time::timeout(startup::PATIENCE, startup::start(self, socket, address));
        // Who does not say who they are in time, or before the place is needed, is let go without a word.
        let started = tokio::select! {
            biased;
            () = permit.state().closing() => return,
            started = start => started,
        };
        if let Ok(Some(session)) = started {
            permit.state().set_known_and_busy();
            session.serve().await;
        }
    }
}

#[cfg(test)]
mod fuzz_tests;

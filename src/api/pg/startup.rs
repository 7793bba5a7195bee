//! Connection startup: TLS if both sides want it, then authentication with an API key as the password.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::PgServer;
use super::cancel::CancelHandle;
use super::connection::PgConnection;
use super::error::{PgError, warning};
use super::frame::{self, FrontendMessage, StartupPacket};
use super::session::PgSession;
use super::settings::{SessionSettings, StartedSettings};
use crate::api::connection_limit::ConnectionPermit;
use crate::api::tls::{Transport, accepts_keys};
use crate::domain::audit::{AccessDenial, RequestOrigin};
use crate::domain::{Error, Kind, Principal};

/// Maximum time until authentication.
pub const STARTUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum length of a password message.
const MAX_PASSWORD_BYTES: usize = 10_000;
/// Newest supported minor version of protocol 3: 3.2, which has longer cancel secrets.
const NEWEST_PROTOCOL_MINOR: u16 = 2;

/// Returns the session of an authenticated client; `None` after a cancel request, or when the client was refused.
///
/// The client is protected from eviction before it learns that it is authenticated. Without that, a flood of connections
/// could take its slot in between, and it would be served beyond the limit.
pub async fn start(
    server: Arc<PgServer>,
    socket: TcpStream,
    address: SocketAddr,
    permit: &ConnectionPermit,
) -> Option<PgSession> {
    let mut wire = PgConnection::new(Transport::Plain(socket));
    let begun = loop {
        match opening(&mut wire).await {
            Ok(StartupPacket::Ssl) => wire = encrypt(&server, wire).await?,
            Ok(StartupPacket::Gss) => answer_byte(&mut wire, b'N').await?,
            Ok(StartupPacket::Cancel { pid, secret }) => {
                server.cancel_registry.cancel(address.ip(), pid, &secret);
                return None;
            }
            Ok(StartupPacket::Startup { minor, parameters, .. }) => break Ok((minor, parameters)),
            Err(fault) => break Err(fault),
        }
    };
    let entered = match begun {
        Ok((minor, parameters)) => {
            let entered = authenticate(&server, &mut wire, address, minor, &parameters).await;
            entered.map(|(principal, settings)| (minor, principal, settings))
        }
        Err(fault) => Err(fault),
    };
    match entered {
        Ok((minor, principal, settings)) => {
            if !permit.try_protect() {
                return None;
            }
            let entry = server.cancel_registry.register(minor >= NEWEST_PROTOCOL_MINOR);
            complete_startup(server, wire, entry, principal, settings).await.ok()
        }
        Err(PgError::Disconnected) => None,
        Err(fault) => {
            wire.queue(&fault.message(true)).ok()?;
            wire.close().await.ok()?;
            None
        }
    }
}

async fn opening(wire: &mut PgConnection) -> Result<StartupPacket, PgError> {
    loop {
        if let Some(opening) = frame::read_startup_packet(&mut wire.inbox)? {
            return Ok(opening);
        }
        if !wire.read_more().await? {
            return Err(PgError::Disconnected);
        }
    }
}

/// Sends the single byte that answers an encryption request.
async fn answer_byte(wire: &mut PgConnection, byte: u8) -> Option<()> {
    wire.io.write_all(&[byte]).await.ok()
}

/// Upgrades the connection to TLS, or refuses TLS if the server has none.
async fn encrypt(server: &PgServer, mut wire: PgConnection) -> Option<PgConnection> {
    let Some(tls) = &server.tls else {
        answer_byte(&mut wire, b'N').await?;
        return Some(wire);
    };
    // Plaintext bytes after the TLS request may have been injected by a man in the middle.
    if !wire.inbox.is_empty() || wire.io.is_secure() {
        return None;
    }
    answer_byte(&mut wire, b'S').await?;
    match wire.io {
        Transport::Plain(socket) => {
            Some(PgConnection::new(Transport::Tls(Box::new(tls.acceptor().accept(socket).await.ok()?))))
        }
        Transport::Tls(_) => None,
    }
}

/// Requests the key and authenticates it.
async fn authenticate(
    server: &PgServer,
    wire: &mut PgConnection,
    address: SocketAddr,
    minor: u16,
    parameters: &[(String, String)],
) -> Result<(Principal, StartedSettings), PgError> {
    let peer = address.ip().to_canonical();
    if !accepts_keys(peer, wire.io.is_secure(), server.options.allow_plaintext) {
        let message = "keys are taken over TLS only: connect with sslmode=require (the server needs http.tls_cert and \
                       http.tls_key), or set allow_plaintext = true on the server";
        return Err(PgError::Protocol("28000", message.to_owned()));
    }
    if parameters.iter().any(|(name, _)| name == "replication") {
        return Err(PgError::Protocol("0A000", "replication is not supported".to_owned()));
    }
    let extensions: Vec<String> =
        parameters.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with("_pq_.")).collect();
    if minor > NEWEST_PROTOCOL_MINOR || !extensions.is_empty() {
        let version = (3 << 16) | i32::from(minor.min(NEWEST_PROTOCOL_MINOR));
        wire.queue(&Out::NegotiateProtocolVersion(NegotiateProtocolVersion::new(version, extensions)))?;
    }
    wire.queue(&Out::Authentication(Authentication::CleartextPassword))?;
    wire.flush().await?;
    let origin = Arc::new(RequestOrigin::new("postgres", Some(peer), &Uuid::new_v4().to_string()));
    let known = match password(wire).await {
        Ok(key) => server
            .app
            .node
            .cluster
            .catch_up_catalog()
            .await
            .and_then(|()| server.app.access.authenticate_key(&key)),
        Err(PgError::Protocol(..)) => Err(Error::new(Kind::Unauthenticated, "Invalid API key.")),
        Err(fault) => return Err(fault),
    };
    match known {
        Ok(principal) => Ok((principal.with_origin(&origin), SessionSettings::new(parameters))),
        Err(error) => {
            if let Some(refusal) = AccessDenial::from_error(&error) {
                server.app.audit.note_refusal(&origin, refusal);
            }
            Err(error.into())
        }
    }
}

async fn password(wire: &mut PgConnection) -> Result<String, PgError> {
    loop {
        match frame::read_message(&mut wire.inbox, MAX_PASSWORD_BYTES)? {
            Some(FrontendMessage::Password(key)) => return Ok(key),
            Some(FrontendMessage::Terminate) => return Err(PgError::Disconnected),
            Some(_) => return Err(PgError::Protocol("08P01", "a password is expected".to_owned())),
            None if !wire.read_more().await? => return Err(PgError::Disconnected),
            None => {}
        }
    }
}

async fn complete_startup(
    server: Arc<PgServer>,
    mut wire: PgConnection,
    entry: CancelHandle,
    principal: Principal,
    (settings, notices): StartedSettings,
) -> Result<PgSession, PgError> {
    wire.queue(&Out::Authentication(Authentication::Ok))?;
    for (name, value) in settings.reported() {
        wire.queue(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))?;
    }
    for notice in notices {
        wire.queue(&warning(&notice))?;
    }
    wire.queue(&Out::BackendKeyData(BackendKeyData::new(entry.pid, SecretKey::Bytes(entry.secret.clone()))))?;
    wire.queue(&Out::ReadyForQuery(ReadyForQuery::new(TransactionStatus::Idle)))?;
    wire.flush().await?;
    Ok(PgSession::new(server, wire, entry, principal, settings))
}

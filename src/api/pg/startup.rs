//! The beginning of a connection: TLS where both want it, then a key in the place of a password.

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

use super::Door;
use super::cancel::Entry;
use super::error::Fault;
use super::frame::{self, Message, Opening};
use super::session::Session;
use super::settings::Settings;
use super::wire::Wire;
use crate::api::tls::{Transport, takes_keys};
use crate::domain::audit::{Origin, Refusal};
use crate::domain::{Error, Kind, Principal};

/// How long a client has until its key is accepted.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest password message.
const MAX_PASSWORD: usize = 10_000;
/// The newest minor version of the protocol 3 that is spoken: 3.2, which has longer secrets.
const NEWEST_MINOR: u16 = 2;

/// The session of a client whose key is accepted; `None` when it wanted something else, or was refused and told so.
pub async fn start(door: Arc<Door>, socket: TcpStream, address: SocketAddr) -> Option<Session> {
    let mut wire = Wire::new(Transport::Plain(socket));
    let begun = loop {
        match opening(&mut wire).await {
            Ok(Opening::Ssl) => wire = encrypt(&door, wire).await?,
            Ok(Opening::Gss) => answer_byte(&mut wire, b'N').await?,
            Ok(Opening::Cancel { pid, secret }) => {
                door.open.cancel(address.ip(), pid, &secret);
                return None;
            }
            Ok(Opening::Startup { minor, parameters, .. }) => break Ok((minor, parameters)),
            Err(fault) => break Err(fault),
        }
    };
    let entered = match begun {
        Ok((minor, parameters)) => {
            let entered = enter(&door, &mut wire, address, minor, &parameters).await;
            entered.map(|(principal, settings)| (minor, principal, settings))
        }
        Err(fault) => Err(fault),
    };
    match entered {
        Ok((minor, principal, settings)) => {
            let entry = door.open.enter(minor >= NEWEST_MINOR);
            greet(door, wire, entry, principal, settings).await.ok()
        }
        Err(Fault::Gone) => None,
        Err(fault) => {
            wire.say(&fault.message(true)).ok()?;
            wire.close().await.ok()?;
            None
        }
    }
}

async fn opening(wire: &mut Wire) -> Result<Opening, Fault> {
    loop {
        if let Some(opening) = frame::opening(&mut wire.inbox)? {
            return Ok(opening);
        }
        if !wire.fill().await? {
            return Err(Fault::Gone);
        }
    }
}

/// One byte outside of any message: how requests for encryption are answered.
async fn answer_byte(wire: &mut Wire, byte: u8) -> Option<()> {
    wire.io.write_all(&[byte]).await.ok()
}

/// The same connection in TLS, or a refusal of TLS when there is none.
async fn encrypt(door: &Door, mut wire: Wire) -> Option<Wire> {
    let Some(tls) = &door.tls else {
        answer_byte(&mut wire, b'N').await?;
        return Some(wire);
    };
    // Whatever came behind the request in the clear, somebody between may have put there.
    if !wire.inbox.is_empty() || wire.io.is_secure() {
        return None;
    }
    answer_byte(&mut wire, b'S').await?;
    match wire.io {
        Transport::Plain(socket) => Some(Wire::new(Transport::Tls(Box::new(tls.accept(socket).await.ok()?)))),
        Transport::Tls(_) => None,
    }
}

/// Asks for the key and judges it.
async fn enter(
    door: &Door,
    wire: &mut Wire,
    address: SocketAddr,
    minor: u16,
    parameters: &[(String, String)],
) -> Result<(Principal, Settings), Fault> {
    let peer = address.ip().to_canonical();
    if !takes_keys(peer, wire.io.is_secure(), door.options.allow_plaintext) {
        let message = "keys are taken over TLS only: connect with sslmode=require (the server needs http.tls_cert and \
                       http.tls_key), or set allow_plaintext = true on the server";
        return Err(Fault::Protocol("28000", message.to_owned()));
    }
    if parameters.iter().any(|(name, _)| name == "replication") {
        return Err(Fault::Protocol("0A000", "replication is not spoken here".to_owned()));
    }
    let extensions: Vec<String> =
        parameters.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with("_pq_.")).collect();
    if minor > NEWEST_MINOR || !extensions.is_empty() {
        let version = (3 << 16) | i32::from(minor.min(NEWEST_MINOR));
        wire.say(&Out::NegotiateProtocolVersion(NegotiateProtocolVersion::new(version, extensions)))?;
    }
    wire.say(&Out::Authentication(Authentication::CleartextPassword))?;
    wire.flush().await?;
    let origin = Arc::new(Origin::new("postgres", Some(peer), &Uuid::new_v4().to_string()));
    let known = match password(wire).await {
        Ok(key) => door.app.authenticate_key(&key),
        Err(Fault::Protocol(..)) => Err(Error::new(Kind::Unauthenticated, "Invalid API key.")),
        Err(fault) => return Err(fault),
    };
    match known {
        Ok(principal) => Ok((principal.asking_from(&origin), Settings::new(parameters))),
        Err(error) => {
            if let Some(refusal) = Refusal::of(&error) {
                door.app.note_refusal(&origin, refusal);
            }
            Err(error.into())
        }
    }
}

async fn password(wire: &mut Wire) -> Result<String, Fault> {
    loop {
        match frame::message(&mut wire.inbox, MAX_PASSWORD)? {
            Some(Message::Password(key)) => return Ok(key),
            Some(Message::Terminate) => return Err(Fault::Gone),
            Some(_) => return Err(Fault::Protocol("08P01", "a password is expected".to_owned())),
            None if !wire.fill().await? => return Err(Fault::Gone),
            None => {}
        }
    }
}

async fn greet(
    door: Arc<Door>,
    mut wire: Wire,
    entry: Entry,
    principal: Principal,
    settings: Settings,
) -> Result<Session, Fault> {
    wire.say(&Out::Authentication(Authentication::Ok))?;
    for (name, value) in settings.reported() {
        wire.say(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))?;
    }
    wire.say(&Out::BackendKeyData(BackendKeyData::new(entry.pid, SecretKey::Bytes(entry.secret.clone()))))?;
    wire.say(&Out::ReadyForQuery(ReadyForQuery::new(TransactionStatus::Idle)))?;
    wire.flush().await?;
    Ok(Session::new(door, wire, entry, principal, settings))
}

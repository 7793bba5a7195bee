//! Begin of a connection: TLS, CONNECT, authentication, CONNACK.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use uuid::Uuid;

use super::MqttServer;
use super::check;
use super::connection::MqttConnection;
use super::encode::{ConnAck, Outbound, RECEIVE_MAX, Refusal};
use super::inbound::{Connect, Inbound};
use super::wire::{MqttWire, PacketError};
use crate::api::connection_limit::ConnectionPermit;
use crate::api::payload::holder_for_secret;
use crate::api::tls::{Transport, accepts_keys};
use crate::app::live::credential::LiveCredential;
use crate::app::mqtt::session_start::ConnectRequest;
use crate::domain::audit::{AccessDenial, RequestOrigin};
use crate::domain::{Error, Kind, Principal};

/// Maximum time until CONNECT is answered.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages that a client is sent without an acknowledgement.
const MAX_WINDOW: u16 = 32;
/// Keep alive of clients of version 5 that want none, seconds: who is gone must be noticed.
const SERVER_KEEP_ALIVE_S: u16 = 1200;

/// Returns the connection of an accepted client; `None` when it was refused. The client is protected from eviction before
/// it learns that it is accepted.
pub async fn start(
    server: &Arc<MqttServer>,
    socket: TcpStream,
    address: SocketAddr,
    permit: &ConnectionPermit,
) -> Option<Box<MqttConnection>> {
    let (transport, certificate) = handshake(server, socket, address.ip()).await?;
    let mut wire = MqttWire::new(transport);
    let connect = loop {
        match wire.next_packet() {
            Ok(Some(Inbound::Connect(connect))) => break *connect,
            Ok(None) if matches!(wire.read_more().await, Ok(true)) => {}
            // 3.1.1, [MQTT-3.1.2-2]: a bridge of mosquitto begins with a version of its own and waits for this refusal.
            Err(PacketError::UnknownVersion) => {
                refuse(server, wire, address.ip(), Refusal::Version).await;
                return None;
            }
            // 3.1.1, [MQTT-3.1.3-8].
            Err(PacketError::NoClientId) => {
                refuse(server, wire, address.ip(), Refusal::ClientId).await;
                return None;
            }
            // Whoever does not begin with CONNECT gets no answer.
            Ok(_) | Err(_) => return None,
        }
    };
    let peer = Peer { address: address.ip().to_canonical(), certificate };
    match accept(server, &mut wire, connect, peer).await {
        Ok(connection) if permit.try_protect() => Some(Box::new(connection.into_connection(wire))),
        Ok(connection) => {
            connection.abandon().await;
            None
        }
        Err(refusal) => {
            refuse(server, wire, address.ip(), refusal).await;
            None
        }
    }
}

/// Answers CONNECT with a refusal and closes.
async fn refuse(server: &MqttServer, mut wire: MqttWire, address: IpAddr, refusal: Refusal) {
    server.app.mqtt.access.log_refusal(&address.to_canonical().to_string(), refusal.words());
    wire.queue(Outbound::ConnRefused(refusal));
    // A client that is gone needs no refusal.
    wire.close().await.unwrap_or(());
}

/// Peer at the other end.
struct Peer {
    address: IpAddr,
    /// In DER, checked against our authority.
    certificate: Option<Vec<u8>>,
}

/// Completes the handshake, if the listener has TLS. Returns the certificate that the client has shown.
async fn handshake(
    server: &MqttServer,
    socket: TcpStream,
    address: IpAddr,
) -> Option<(Transport, Option<Vec<u8>>)> {
    let Some(tls) = &server.tls else { return Some((Transport::Plain(socket), None)) };
    let acceptor = tls.borrow().clone();
    let stream = server.handshakes.accept(&acceptor, socket, address).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = shown.map(|certificate| certificate.as_ref().to_vec());
    Some((Transport::Tls(Box::new(stream)), certificate))
}

/// A session whose client does not know of it yet.
struct AcceptedClient {
    connection: super::connection::ConnectionContext,
    answer: ConnAck,
}

impl AcceptedClient {
    fn into_connection(self, mut wire: MqttWire) -> MqttConnection {
        wire.queue(Outbound::ConnAck(self.answer));
        MqttConnection::new(wire, self.connection)
    }

    async fn abandon(self) {
        self.connection.session.end(super::connection::eviction()).await;
    }
}

async fn accept(
    server: &Arc<MqttServer>,
    wire: &mut MqttWire,
    connect: Connect,
    peer: Peer,
) -> Result<AcceptedClient, Refusal> {
    if let Some(refusal) = check::connect_problem(&connect) {
        return Err(refusal);
    }
    let app = &server.app;
    let credential = authenticate(server, wire, &connect, &peer)?;
    let holder = holder_for_secret(&credential.principal().caller.to_string());
    let names = app.mqtt.access.device_names(credential.principal());
    let client_id = client_id(&connect.client_id, names.as_ref()).ok_or(Refusal::ClientId)?;
    let assigned = connect.client_id.is_empty().then(|| client_id.clone());
    let request = ConnectRequest {
        client_id,
        is_clean: connect.is_clean,
        expiry_s: connect.expiry_s,
        will: connect.will,
        window: connect.receive_max.min(MAX_WINDOW),
        quota: RECEIVE_MAX,
    };
    let opened = app.mqtt.sessions.connect(credential, request).await;
    let session = opened.map_err(|error| match error.kind {
        Kind::Forbidden => Refusal::NotAuthorized,
        Kind::LimitReached => Refusal::Quota,
        _ => Refusal::Unavailable,
    })?;
    wire.set_memory_holder(holder);
    let max_packet = app.settings().mqtt.max_packet;
    wire.codec.set_limits(max_packet, connect.max_packet);
    let is_v5 = wire.codec.is_v5();
    let chosen = (is_v5 && connect.keep_alive_s == 0).then_some(SERVER_KEEP_ALIVE_S);
    let keep_alive_s = chosen.unwrap_or(connect.keep_alive_s);
    let answer = ConnAck {
        is_present: session.is_present,
        expiry_s: session.expiry_s,
        client_id: assigned,
        max_packet: u32::try_from(max_packet).unwrap_or(u32::MAX),
        keep_alive_s: chosen,
    };
    // Section 3.1.2.10: one and a half times the keep alive.
    let silence = (keep_alive_s > 0).then(|| Duration::from_millis(u64::from(keep_alive_s) * 1500));
    let connection = super::connection::ConnectionContext { app: app.clone(), session, silence };
    Ok(AcceptedClient { connection, answer })
}

/// The client id of a session; `None` when the client may not have it. That of a device with a certificate is its UUID or
/// key, or begins with it and a colon.
fn client_id(requested: &str, device: Option<&[String; 2]>) -> Option<String> {
    match (requested, device) {
        ("", None) => Some(Uuid::new_v4().to_string()),
        ("", Some([uuid, _])) => Some(format!("{uuid}:{}", Uuid::new_v4())),
        (requested, None) => Some(requested.to_owned()),
        (requested, Some(names)) => {
            let mut rests = names.iter().filter_map(|name| requested.strip_prefix(name.as_str()));
            rests.any(|rest| rest.is_empty() || rest.starts_with(':')).then(|| requested.to_owned())
        }
    }
}

fn authenticate(
    server: &MqttServer,
    wire: &MqttWire,
    connect: &Connect,
    peer: &Peer,
) -> Result<LiveCredential, Refusal> {
    let origin = Arc::new(RequestOrigin::new("mqtt", Some(peer.address), &Uuid::new_v4().to_string()));
    let app = &server.app;
    let refused = |error: &Error| {
        if let Some(denial) = AccessDenial::from_error(error) {
            app.audit.note_refusal(&origin, denial);
        }
        if error.kind == Kind::Unauthenticated { Refusal::Credentials } else { Refusal::Unavailable }
    };
    if let Some(der) = &peer.certificate {
        return app.mqtt.access.authenticate_certificate(der).map_err(|error| match refused(&error) {
            Refusal::Credentials => Refusal::NotAuthorized,
            other => other,
        });
    }
    let Some(password) = &connect.password else { return Err(Refusal::NotAuthorized) };
    if !accepts_keys(peer.address, wire.io.is_secure(), server.options.allow_plaintext) {
        return Err(Refusal::NotAuthorized);
    }
    let key = std::str::from_utf8(password).unwrap_or_default();
    let principal: Principal = app.access.authenticate_key(key).map_err(|error| refused(&error))?;
    Ok(app.feeds.live_credential(Arc::new(principal.with_origin(&origin)), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_client_ids_of_its_own() {
        let names = ["uuid".to_owned(), "key".to_owned()];
        for (requested, expected) in [
            ("uuid", true),
            ("key", true),
            ("uuid:second", true),
            ("uuid2", false),
            ("other", false),
            ("", true),
        ] {
            assert_eq!(client_id(requested, Some(&names)).is_some(), expected, "{requested}");
        }
        assert_eq!(client_id("any", None).as_deref(), Some("any"));
        assert_ne!(client_id("", None), client_id("", None));
    }
}

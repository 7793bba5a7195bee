//! Session with a server: finds its endpoint, opens the session, drives it in a task of its own, and closes it in
//! order when dropped. It is never repaired: after a loss a whole new session is opened.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use opcua::client::transport::Connector;
use opcua::client::{
    Client as Library, ClientBuilder, IdentityToken, Session as LibrarySession, SessionActivity,
    SessionEventLoop, SessionPollResult, SubscriptionActivity,
};
use opcua::types::{EndpointDescription, Error, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::endpoint::{OpcuaEndpoint, OpcuaSecurityPolicy, UserIdentity};
use super::endpoint_selection::select_endpoint;
use super::notification_queue::NotificationQueue;
use super::pki::{NO_PKI_DIR, Pki};
use super::transport::EndFlag;
use super::{status, transport};
use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::networks::AllowedNetworks;

/// How long a server keeps the session of a client that vanished.
const SESSION_TIMEOUT: Duration = Duration::from_secs(60);
/// Interval at which the library reads the server's state, to keep an idle session alive.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A longer message from a server is an error and is not held in memory. Decoded, a message may take a hundred times
/// as much: an empty `DataValue` is one byte of it.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
const MAX_CHUNKS: usize = 64;
const MAX_ARRAY_LEN: usize = 65_536;
const MAX_STRING_BYTES: usize = 1024 * 1024;
/// Time limit of an orderly close; after it the connection is cut.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of a session's connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum OpcuaSessionState {
    Opening,
    Open,
    Closed(StatusCode),
}

/// An open session.
pub struct Session {
    pub library: Arc<LibrarySession>,
    pub notifications: Arc<NotificationQueue>,
    monitor: SessionMonitor,
    /// Set before the monitor's state changes, and before any request fails with the end of the connection.
    end: EndFlag,
    driver: JoinHandle<()>,
}

/// Reports the end of a session's connection.
#[derive(Clone)]
pub struct SessionMonitor {
    endpoint: OpcuaEndpoint,
    state: watch::Receiver<OpcuaSessionState>,
}

impl SessionMonitor {
    /// Resolves with the reason when the connection ends.
    pub async fn closed(&mut self) -> DeviceFault {
        let closed = self.state.wait_for(|state| matches!(state, OpcuaSessionState::Closed(_)));
        let status = match closed.await.map(|state| *state) {
            Ok(OpcuaSessionState::Closed(status)) => status,
            _ => StatusCode::BadConnectionClosed,
        };
        lost(&self.endpoint, status)
    }

    /// The reason, once the connection has ended.
    pub fn closed_fault(&self) -> Option<DeviceFault> {
        self.closed_status().map(|status| lost(&self.endpoint, status))
    }

    /// The status with which the connection ended, once it has.
    pub fn closed_status(&self) -> Option<StatusCode> {
        match *self.state.borrow() {
            OpcuaSessionState::Opening | OpcuaSessionState::Open => None,
            OpcuaSessionState::Closed(status) => Some(status),
        }
    }
}

impl Session {
    /// Finds the endpoint that the device wants, checks the server's certificate, opens a channel and a session, and
    /// logs in. Each step may take the endpoint's timeout.
    pub async fn open(endpoint: &OpcuaEndpoint, means: &ConnectContext) -> Result<Session, DeviceFault> {
        let unreachable = |reason: String| DeviceFault::Unreachable { address: endpoint.address(), reason };
        let (prepared, pki) = (prepare(endpoint, means.pki.clone()), means.pki.clone());
        let (library, identity) = prepared.await.map_err(unreachable)?;
        let offered = bounded(endpoint, discover(&library, endpoint, &means.networks)).await?;
        let chosen = select_endpoint(endpoint, offered).map_err(unreachable)?;
        if endpoint.policy != OpcuaSecurityPolicy::None {
            let certificate = chosen.server_certificate.as_ref().to_vec();
            let now = means.clock.now();
            let url = endpoint.url();
            let judged = tokio::task::spawn_blocking(move || {
                pki.remember(&certificate, &url);
                pki.check_trust(&certificate, now)
            });
            let judged = judged.await;
            judged
                .map_err(|_| unreachable("its certificate was not looked at".into()))?
                .map_err(unreachable)?;
        }
        let stream = transport::dial(endpoint, &means.networks).await?;
        let connector = transport::TcpConnector::new(stream, chosen.endpoint_url.to_string());
        let end = connector.end_flag();
        let built = library
            .session_builder()
            .with_connector(transport::SingleUseConnector::new(connector))
            .connect_to_endpoint_directly(chosen)
            .and_then(|builder| {
                builder.user_identity_token(identity).build(library.certificate_store().clone())
            });
        let (session, events) = built.map_err(|error| fault(endpoint, &error))?;
        Session::drive(endpoint, session, events, end).await
    }

    /// Runs the library's event loop in a task and waits for the login.
    async fn drive<C: Connector + 'static>(
        endpoint: &OpcuaEndpoint,
        library: Arc<LibrarySession>,
        events: SessionEventLoop<C>,
        end: EndFlag,
    ) -> Result<Session, DeviceFault> {
        let (states, state) = watch::channel(OpcuaSessionState::Opening);
        let intake = Arc::new(NotificationQueue::default());
        let events = events.enter();
        let driver = tokio::spawn(drive(events, states, Arc::clone(&intake)));
        let watch = SessionMonitor { endpoint: endpoint.clone(), state };
        let mut session = Session { library, notifications: intake, monitor: watch, end, driver };
        let opened = session.monitor.state.wait_for(|state| *state != OpcuaSessionState::Opening);
        let opened = match timeout(endpoint.timeout, opened).await {
            Ok(Ok(state)) => *state,
            Ok(Err(_)) => OpcuaSessionState::Closed(StatusCode::BadUnexpectedError),
            Err(_) => return Err(no_answer(endpoint)),
        };
        match opened {
            OpcuaSessionState::Open => Ok(session),
            OpcuaSessionState::Opening => Err(unopened(endpoint, StatusCode::BadConnectionClosed)),
            OpcuaSessionState::Closed(status) => Err(unopened(endpoint, status)),
        }
    }

    /// Closes the session on the server, and waits briefly for the answer.
    pub async fn close(self) {
        if self.is_open() {
            // The connection ends whether the server reacted or not.
            let _ = timeout(CLOSE_TIMEOUT, self.library.disconnect()).await;
        }
        self.driver.abort();
    }

    /// Whether another request can be sent; false before any request fails with the end of the connection.
    pub fn is_open(&self) -> bool {
        !self.end.is_set() && *self.monitor.state.borrow() == OpcuaSessionState::Open
    }

    /// Returns a monitor of this connection, which may be kept beyond the session.
    pub fn monitor(&self) -> SessionMonitor {
        self.monitor.clone()
    }

    /// Awaits an answer, but not beyond the end of the connection.
    pub async fn request<T>(
        &mut self,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, DeviceFault> {
        let endpoint = self.monitor.endpoint.clone();
        tokio::select! {
            biased;
            answer = timeout(endpoint.timeout, request) => match answer {
                Ok(answer) => answer.map_err(|error| fault(&endpoint, &error)),
                Err(_) => Err(no_answer(&endpoint)),
            },
            fault = self.monitor.closed() => Err(fault),
        }
    }
}

impl Drop for Session {
    /// Closes the session on the server too, so that it keeps no state, even of a login that nobody waits for any
    /// more. Dropping does not wait for that.
    fn drop(&mut self) {
        let abort = self.driver.abort_handle();
        let mut state = self.monitor.state.clone();
        let is_over = matches!(*state.borrow(), OpcuaSessionState::Closed(_));
        let runtime = match Handle::try_current() {
            Ok(runtime) if !is_over => runtime,
            _ => return abort.abort(),
        };
        let (library, longest) = (Arc::clone(&self.library), self.monitor.endpoint.timeout);
        runtime.spawn(async move {
            let opened =
                match timeout(longest, state.wait_for(|state| *state != OpcuaSessionState::Opening)).await {
                    Ok(Ok(state)) => *state,
                    _ => OpcuaSessionState::Opening,
                };
            if opened == OpcuaSessionState::Open {
                // The connection ends whether the server reacted or not.
                let _ = timeout(CLOSE_TIMEOUT, library.disconnect()).await;
            }
            abort.abort();
        });
    }
}

/// Reads the connection until it ends; pauses while the notification queue is full.
async fn drive(
    events: impl Stream<Item = Result<SessionPollResult, StatusCode>>,
    states: watch::Sender<OpcuaSessionState>,
    intake: Arc<NotificationQueue>,
) {
    let mut events = pin!(events);
    let end = loop {
        intake.wait_for_room().await;
        match events.next().await {
            Some(Ok(SessionPollResult::Reconnected(_))) => drop(states.send_replace(OpcuaSessionState::Open)),
            Some(Ok(
                SessionPollResult::ConnectionLost(status) | SessionPollResult::ReconnectFailed(status),
            )) => {
                break status;
            }
            Some(Ok(SessionPollResult::SessionActivity(SessionActivity::KeepAliveFailed(status)))) => {
                break status;
            }
            // The values of that message are lost: the server considers them sent.
            Some(Ok(SessionPollResult::Subscription(SubscriptionActivity::PublishFailed(status))))
                if status::is_limit(status) =>
            {
                intake.end(status);
            }
            Some(Ok(_)) => {}
            Some(Err(status)) => break status,
            None => break StatusCode::BadConnectionClosed,
        }
    };
    states.send_replace(OpcuaSessionState::Closed(end));
}

/// Builds the library's client with this application's certificate store, and the login. Reads files, and creates the
/// application certificate when one is needed for the first time.
async fn prepare(endpoint: &OpcuaEndpoint, pki: Pki) -> Result<(Library, IdentityToken), String> {
    let endpoint = endpoint.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let identity = match &endpoint.identity {
            UserIdentity::Anonymous => IdentityToken::Anonymous,
            UserIdentity::User { name, password } => {
                IdentityToken::new_user_name(name.as_str(), password.as_str())
            }
            UserIdentity::Certificate(name) => {
                let (certificate, key) = pki.user(name)?;
                IdentityToken::new_x509(certificate, key)
            }
        };
        let application_uri = match endpoint.policy {
            OpcuaSecurityPolicy::None => "urn:basalt".to_owned(),
            _ => pki.application_identity().map_err(|error| error.message)?.application_uri,
        };
        Ok((client(&endpoint, &pki, application_uri)?, identity))
    });
    prepared.await.map_err(|_| "certificates cannot be read".to_owned())?
}

fn client(endpoint: &OpcuaEndpoint, pki: &Pki, application_uri: String) -> Result<Library, String> {
    let made = ClientBuilder::new()
        .application_name("Basalt")
        .application_uri(application_uri)
        .product_uri("urn:basalt")
        .session_name("Basalt")
        // The library creates folders at any path it is given; without security it needs none.
        .pki_dir(if endpoint.policy == OpcuaSecurityPolicy::None {
            Path::new(NO_PKI_DIR)
        } else {
            pki.root()
        })
        .certificate_path("own/cert.der")
        .private_key_path("private/private.pem")
        .create_sample_keypair(false)
        .trust_server_certs(false)
        // `Pki::check_trust` checks certificates instead of the library; `pki` says what is left out and why.
        .verify_server_certs(false)
        .session_retry_limit(0)
        .recreate_subscriptions(false)
        .request_timeout(endpoint.timeout)
        .session_timeout(u32::try_from(SESSION_TIMEOUT.as_millis()).unwrap_or(u32::MAX))
        .keep_alive_interval(KEEP_ALIVE)
        // Allows publishing as often as the fastest stream may be polled.
        .min_publish_interval(Duration::from_millis(10))
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_chunk_count(MAX_CHUNKS)
        .max_array_length(MAX_ARRAY_LEN)
        .max_string_length(MAX_STRING_BYTES)
        .max_byte_string_length(MAX_STRING_BYTES)
        .client();
    made.map_err(|problems| problems.join(", "))
}

/// The endpoints that a server offers.
pub async fn offered_endpoints(
    endpoint: &OpcuaEndpoint,
    context: &ConnectContext,
) -> Result<Vec<EndpointDescription>, DeviceFault> {
    let unreachable = |reason: String| DeviceFault::Unreachable { address: endpoint.address(), reason };
    let (library, _) = prepare(endpoint, context.pki.clone()).await.map_err(unreachable)?;
    bounded(endpoint, discover(&library, endpoint, &context.networks)).await
}

async fn discover(
    library: &Library,
    endpoint: &OpcuaEndpoint,
    networks: &AllowedNetworks,
) -> Result<Vec<EndpointDescription>, DeviceFault> {
    let stream = transport::dial(endpoint, networks).await?;
    let connector = transport::TcpConnector::new(stream, endpoint.url());
    library.get_endpoints(connector, &[], &[]).await.map_err(|error| fault(endpoint, &error))
}

async fn bounded<T>(
    endpoint: &OpcuaEndpoint,
    step: impl Future<Output = Result<T, DeviceFault>>,
) -> Result<T, DeviceFault> {
    timeout(endpoint.timeout, step).await.unwrap_or_else(|_| Err(no_answer(endpoint)))
}

pub(super) fn no_answer(endpoint: &OpcuaEndpoint) -> DeviceFault {
    DeviceFault::Timeout { address: endpoint.address(), after: endpoint.timeout }
}

fn lost(endpoint: &OpcuaEndpoint, status: StatusCode) -> DeviceFault {
    DeviceFault::Closed { address: endpoint.address(), reason: status::status_text(status) }
}

/// Converts the status of a session that could not be opened to a fault.
fn unopened(endpoint: &OpcuaEndpoint, status: StatusCode) -> DeviceFault {
    let mut reason = status::status_text(status);
    let is_about_us = matches!(
        status,
        StatusCode::BadSecurityChecksFailed
            | StatusCode::BadCertificateUntrusted
            | StatusCode::BadCertificateInvalid
    );
    if is_about_us {
        reason.push_str(". The server may have to be told to trust our certificate, pki/own/cert.der in the data directory");
    }
    DeviceFault::Unreachable { address: endpoint.address(), reason }
}

/// Converts the library's error to a fault.
pub(super) fn fault(endpoint: &OpcuaEndpoint, error: &Error) -> DeviceFault {
    let (address, status) = (endpoint.address(), error.status());
    match status {
        StatusCode::BadTimeout | StatusCode::BadRequestTimeout => no_answer(endpoint),
        StatusCode::BadConnectionClosed
        | StatusCode::BadCommunicationError
        | StatusCode::BadSecureChannelClosed
        | StatusCode::BadSecureChannelIdInvalid
        | StatusCode::BadNotConnected
        | StatusCode::BadServerHalted
        | StatusCode::BadShutdown
        | StatusCode::BadSessionClosed
        | StatusCode::BadSessionIdInvalid
        | StatusCode::BadSessionNotActivated => lost(endpoint, status),
        StatusCode::BadDecodingError
        | StatusCode::BadUnknownResponse
        | StatusCode::BadTcpMessageTypeInvalid => {
            DeviceFault::Malformed { address, reason: status::status_text(status) }
        }
        limit if status::is_limit(limit) => {
            DeviceFault::LimitExceeded { address, reason: status::status_text(status) }
        }
        _ => super::refused(status),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

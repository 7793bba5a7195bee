//! A session with a server: found by its endpoints, opened, driven by a task of its own, closed in order when it is
//! dropped. It is never repaired: what is lost is opened anew, whole.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use opcua::client::transport::Connector;
use opcua::client::{
    Client as Library, ClientBuilder, IdentityToken, Session as LibrarySession, SessionActivity,
    SessionEventLoop, SessionPollResult,
};
use opcua::types::{EndpointDescription, Error, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::endpoint::{Endpoint, Identity, Policy};
use super::intake::Intake;
use super::offer::choose;
use super::pki::{NOWHERE, Pki};
use super::{status, transport};
use crate::collect::client::Means;
use crate::collect::fault::Fault;
use crate::collect::networks::Networks;

/// How long a server keeps the session of a client that vanished.
const SESSION_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the library asks for the server's state, so that an idle session stays.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A server that holds more than this in one message is answered with an error, not with our memory. Decoded a message may
/// take a hundred times as much: an empty `DataValue` is one byte of it.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
const MAX_CHUNKS: usize = 64;
const MAX_ARRAY: usize = 65_536;
const MAX_STRING: usize = 1024 * 1024;
/// What an orderly end may take; after it the connection is cut.
const FAREWELL: Duration = Duration::from_secs(2);

/// The state of a session's connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Opening,
    Open,
    Closed(StatusCode),
}

/// An open session.
pub struct Session {
    pub library: Arc<LibrarySession>,
    pub intake: Arc<Intake>,
    watch: Watch,
    driver: JoinHandle<()>,
}

/// Tells when a session's connection is gone.
#[derive(Clone)]
pub struct Watch {
    endpoint: Endpoint,
    state: watch::Receiver<State>,
}

impl Watch {
    /// Resolves with the reason when the connection is gone.
    pub async fn closed(&mut self) -> Fault {
        let closed = self.state.wait_for(|state| matches!(state, State::Closed(_)));
        let status = match closed.await.map(|state| *state) {
            Ok(State::Closed(status)) => status,
            _ => StatusCode::BadConnectionClosed,
        };
        lost(&self.endpoint, status)
    }

    /// The reason, once it is gone.
    pub fn is_closed(&self) -> Option<Fault> {
        match *self.state.borrow() {
            State::Opening | State::Open => None,
            State::Closed(status) => Some(lost(&self.endpoint, status)),
        }
    }
}

impl Session {
    /// Finds the endpoint that the device wants, checks the server's certificate, opens a channel and a session, and
    /// logs in. Each step may take the endpoint's timeout.
    pub async fn open(endpoint: &Endpoint, means: &Means) -> Result<Session, Fault> {
        let unreachable = |reason: String| Fault::Unreachable { address: endpoint.address(), reason };
        let (prepared, pki) = (prepare(endpoint, means.pki.clone()), means.pki.clone());
        let (library, identity) = prepared.await.map_err(unreachable)?;
        let offered = bounded(endpoint, discover(&library, endpoint, &means.networks)).await?;
        let chosen = choose(endpoint, offered).map_err(unreachable)?;
        if endpoint.policy != Policy::None {
            let certificate = chosen.server_certificate.as_ref().to_vec();
            let now = means.clock.now();
            let judged = tokio::task::spawn_blocking(move || pki.judge(&certificate, now)).await;
            judged
                .map_err(|_| unreachable("its certificate was not looked at".into()))?
                .map_err(unreachable)?;
        }
        let stream = transport::dial(endpoint, &means.networks).await?;
        let connector = transport::over(stream, chosen.endpoint_url.to_string());
        let built = library
            .session_builder()
            .with_connector(transport::Given::new(connector))
            .connect_to_endpoint_directly(chosen)
            .and_then(|builder| {
                builder.user_identity_token(identity).build(library.certificate_store().clone())
            });
        let (session, events) = built.map_err(|error| fault(endpoint, &error))?;
        Session::drive(endpoint, session, events).await
    }

    /// Runs the library's loop in a task and waits until it has logged in.
    async fn drive<C: Connector + 'static>(
        endpoint: &Endpoint,
        library: Arc<LibrarySession>,
        events: SessionEventLoop<C>,
    ) -> Result<Session, Fault> {
        let (told, state) = watch::channel(State::Opening);
        let intake = Arc::new(Intake::default());
        let events = events.enter();
        let driver = tokio::spawn(drive(events, told, Arc::clone(&intake)));
        let watch = Watch { endpoint: endpoint.clone(), state };
        let mut session = Session { library, intake, watch, driver };
        let opened = session.watch.state.wait_for(|state| *state != State::Opening);
        let opened = match timeout(endpoint.timeout, opened).await {
            Ok(Ok(state)) => *state,
            Ok(Err(_)) => State::Closed(StatusCode::BadUnexpectedError),
            Err(_) => return Err(no_answer(endpoint)),
        };
        match opened {
            State::Open => Ok(session),
            State::Opening => Err(unopened(endpoint, StatusCode::BadConnectionClosed)),
            State::Closed(status) => Err(unopened(endpoint, status)),
        }
    }

    /// Tells the server that we go, and waits for that a little.
    pub async fn close(self) {
        if self.is_open() {
            // Whether it heard us or not, the connection ends.
            let _ = timeout(FAREWELL, self.library.disconnect()).await;
        }
        self.driver.abort();
    }

    pub fn is_open(&self) -> bool {
        *self.watch.state.borrow() == State::Open
    }

    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Awaits an answer, but not beyond the end of the connection.
    pub async fn ask<T>(&mut self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        let endpoint = self.watch.endpoint.clone();
        tokio::select! {
            biased;
            answer = timeout(endpoint.timeout, request) => match answer {
                Ok(answer) => answer.map_err(|error| fault(&endpoint, &error)),
                Err(_) => Err(no_answer(&endpoint)),
            },
            fault = self.watch.closed() => Err(fault),
        }
    }
}

impl Drop for Session {
    /// The server is told, so that it keeps nothing of us, also of a login that nobody waits for any more; whoever drops
    /// does not wait for that.
    fn drop(&mut self) {
        let abort = self.driver.abort_handle();
        let mut state = self.watch.state.clone();
        let is_over = matches!(*state.borrow(), State::Closed(_));
        let runtime = match Handle::try_current() {
            Ok(runtime) if !is_over => runtime,
            _ => return abort.abort(),
        };
        let (library, longest) = (Arc::clone(&self.library), self.watch.endpoint.timeout);
        runtime.spawn(async move {
            let opened = match timeout(longest, state.wait_for(|state| *state != State::Opening)).await {
                Ok(Ok(state)) => *state,
                _ => State::Opening,
            };
            if opened == State::Open {
                // Whether it heard us or not, the connection ends.
                let _ = timeout(FAREWELL, library.disconnect()).await;
            }
            abort.abort();
        });
    }
}

/// Reads the connection until it ends. No further while nobody takes what subscriptions bring.
async fn drive(
    events: impl Stream<Item = Result<SessionPollResult, StatusCode>>,
    told: watch::Sender<State>,
    intake: Arc<Intake>,
) {
    let mut events = pin!(events);
    let end = loop {
        intake.room().await;
        match events.next().await {
            Some(Ok(SessionPollResult::Reconnected(_))) => drop(told.send_replace(State::Open)),
            Some(Ok(
                SessionPollResult::ConnectionLost(status) | SessionPollResult::ReconnectFailed(status),
            )) => {
                break status;
            }
            Some(Ok(SessionPollResult::SessionActivity(SessionActivity::KeepAliveFailed(status)))) => {
                break status;
            }
            Some(Ok(_)) => {}
            Some(Err(status)) => break status,
            None => break StatusCode::BadConnectionClosed,
        }
    };
    told.send_replace(State::Closed(end));
}

/// The library's client over our folder of certificates, and who we log in as. Reads files, and makes our certificate
/// when it is the first time that one is needed.
async fn prepare(endpoint: &Endpoint, pki: Pki) -> Result<(Library, IdentityToken), String> {
    let endpoint = endpoint.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let identity = match &endpoint.identity {
            Identity::Anonymous => IdentityToken::Anonymous,
            Identity::User { name, password } => {
                IdentityToken::new_user_name(name.as_str(), password.as_str())
            }
            Identity::Certificate(name) => {
                let (certificate, key) = pki.user(name)?;
                IdentityToken::new_x509(certificate, key)
            }
        };
        let application_uri = match endpoint.policy {
            Policy::None => "urn:basalt".to_owned(),
            _ => pki.own().map_err(|error| error.message)?.application_uri,
        };
        Ok((client(&endpoint, &pki, application_uri)?, identity))
    });
    prepared.await.map_err(|_| "certificates cannot be read".to_owned())?
}

fn client(endpoint: &Endpoint, pki: &Pki, application_uri: String) -> Result<Library, String> {
    let made = ClientBuilder::new()
        .application_name("Basalt")
        .application_uri(application_uri)
        .product_uri("urn:basalt")
        .session_name("Basalt")
        // The library makes folders wherever it is led; without security it needs none.
        .pki_dir(if endpoint.policy == Policy::None { Path::new(NOWHERE) } else { pki.root() })
        .certificate_path("own/cert.der")
        .private_key_path("private/private.pem")
        .create_sample_keypair(false)
        .trust_server_certs(false)
        // What it would check besides trust, `Pki::judge` has checked or says why not.
        .verify_server_certs(false)
        .session_retry_limit(0)
        .recreate_subscriptions(false)
        .request_timeout(endpoint.timeout)
        .session_timeout(u32::try_from(SESSION_TIMEOUT.as_millis()).unwrap_or(u32::MAX))
        .keep_alive_interval(KEEP_ALIVE)
        // Publishing as often as the fastest stream may be polled.
        .min_publish_interval(Duration::from_millis(10))
        .max_message_size(MAX_MESSAGE)
        .max_chunk_count(MAX_CHUNKS)
        .max_array_length(MAX_ARRAY)
        .max_string_length(MAX_STRING)
        .max_byte_string_length(MAX_STRING)
        .client();
    made.map_err(|problems| problems.join(", "))
}

async fn discover(
    library: &Library,
    endpoint: &Endpoint,
    networks: &Networks,
) -> Result<Vec<EndpointDescription>, Fault> {
    let stream = transport::dial(endpoint, networks).await?;
    let connector = transport::over(stream, endpoint.url());
    library.get_endpoints(connector, &[], &[]).await.map_err(|error| fault(endpoint, &error))
}

async fn bounded<T>(endpoint: &Endpoint, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    timeout(endpoint.timeout, step).await.unwrap_or_else(|_| Err(no_answer(endpoint)))
}

pub(super) fn no_answer(endpoint: &Endpoint) -> Fault {
    Fault::Timeout { address: endpoint.address(), after: endpoint.timeout }
}

fn lost(endpoint: &Endpoint, status: StatusCode) -> Fault {
    Fault::Closed { address: endpoint.address(), reason: status::in_words(status) }
}

/// Why a session did not begin.
fn unopened(endpoint: &Endpoint, status: StatusCode) -> Fault {
    let mut reason = status::in_words(status);
    let is_about_us = matches!(
        status,
        StatusCode::BadSecurityChecksFailed
            | StatusCode::BadCertificateUntrusted
            | StatusCode::BadCertificateInvalid
    );
    if is_about_us {
        reason.push_str(". The server may have to be told to trust our certificate, pki/own/cert.der in the data directory");
    }
    Fault::Unreachable { address: endpoint.address(), reason }
}

/// What failed, from the library's word for it.
pub(super) fn fault(endpoint: &Endpoint, error: &Error) -> Fault {
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
        | StatusCode::BadEncodingLimitsExceeded
        | StatusCode::BadResponseTooLarge
        | StatusCode::BadUnknownResponse
        | StatusCode::BadTcpMessageTooLarge
        | StatusCode::BadTcpMessageTypeInvalid => {
            Fault::Malformed { address, reason: status::in_words(status) }
        }
        _ => super::refused(status),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

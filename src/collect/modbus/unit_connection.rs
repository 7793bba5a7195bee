//! TCP connections that units share. A gateway has the units of a serial line behind one address, and many accept one
//! connection only.
//!
//! The open connections are one list in the process, by address and framing: devices of all pollers, one-off requests and
//! tests of settings take turns on the same one. A failed request closes it for all; whoever is next opens it again.
//! Frames of RTU have no numbers: `answer_check` tells answers that come twice or late.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_modbus::client::{rtu, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::answer_stream::{AnswerStream, AnsweringUnit};
use super::exchange::{ExchangeError, UnitStream};
use super::link::{ModbusFraming, NetworkLink};
use super::rtu_frames;
use super::strict_stream::{LatestExchange, StrictStream};
use super::transaction_stream::TransactionStream;
use crate::collect::answer_check::{
    AnswerDoubt, AnsweredSocket, CheckedAnswer, UnnumberedAnswer, check_answer,
};
use crate::collect::client::ConnectContext;
use crate::collect::connection_usage::RequestPacing;
use crate::collect::fault::{DeviceFault, describe_io_error};
use crate::collect::line_silence::{LineSilence, SuspectAnswer};
use crate::collect::networks::AllowedNetworks;
use crate::collect::recent_answers::RecentAnswers;
use crate::domain::OrgId;

/// Organization, host, port, framing, and whether requests are echoed. No organization waits for another's devices.
type ConnectionKey = (Option<OrgId>, String, u16, ModbusFraming, bool);

/// Response of a unit, or its exception.
type UnitAnswer = Result<Response, ExceptionCode>;

/// Connections that somebody uses, and some that nobody uses any more.
static CONNECTIONS: parking_lot::Mutex<BTreeMap<ConnectionKey, Weak<UnitConnection>>> =
    parking_lot::Mutex::new(BTreeMap::new());

/// Advice for a device whose answers come twice.
const NUMBERED_FRAMES: &str =
    "transaction ids would tell them apart; use Modbus TCP if the device or gateway has it";

/// A connection, open or not. It is closed when the last session on it is dropped.
#[derive(Default)]
struct UnitConnection {
    /// The lock is fair, so the units take turns.
    state: Mutex<ConnectionState>,
}

#[derive(Default)]
struct ConnectionState {
    /// Taken out while a request is under way, and not put back when the request did not end in order.
    open: Option<OpenConnection>,
    /// When and how connecting failed last.
    failed: Option<(Instant, DeviceFault)>,
}

struct OpenConnection {
    stream: UnitStream,
    pacing: RequestPacing,
    /// Whether any byte of the latest request may have left.
    has_sent: Arc<AtomicBool>,
    /// Whether any unit has answered on it.
    has_answered: bool,
    socket: Arc<TcpStream>,
    latest: Arc<parking_lot::Mutex<LatestExchange>>,
    recent: RecentAnswers,
}

/// The use of a connection by one unit.
pub struct UnitSession {
    connection: Arc<UnitConnection>,
    link: NetworkLink,
    unit: u8,
    networks: AllowedNetworks,
    silence: Arc<LineSilence>,
    has_answered: bool,
}

impl UnitSession {
    /// Joins the connection to the address of a device, or opens it within the timeout.
    pub async fn open(
        link: &NetworkLink,
        unit: u8,
        context: &ConnectContext,
    ) -> Result<UnitSession, DeviceFault> {
        let started = Instant::now();
        let (connection, networks) = (connection_at(link, context.org), context.networks.clone());
        let (link, silence) = (link.clone(), Arc::clone(&context.silence));
        let session = UnitSession { connection, link, unit, networks, silence, has_answered: false };
        let mut state = session.connection.state.lock().await;
        state.open = Some(session.take_open(&mut state, started).await?);
        drop(state);
        Ok(session)
    }

    /// Waits for a turn and sends a request, after its pause. The timeout counts from the sending on.
    pub async fn call(
        &mut self,
        request: Request<'_>,
        has_sent: &AtomicBool,
    ) -> Result<UnitAnswer, DeviceFault> {
        let started = Instant::now();
        let connection = Arc::clone(&self.connection);
        let mut state = connection.state.lock().await;
        let has_worked = state.open.as_ref().is_some_and(|open| open.has_answered);
        let mut answer = self.exchange_with_repeat(&mut state, started, request.clone(), has_sent).await;
        // Who joins a connection does not know that it was idle for too long. Its owners repeat their request themselves.
        let is_stale = has_worked && !self.has_answered && !has_sent.load(Ordering::Relaxed);
        if is_stale && matches!(answer, Err(DeviceFault::Closed { .. })) {
            answer = self.exchange_with_repeat(&mut state, started, request, has_sent).await;
        }
        self.has_answered |= answer.is_ok();
        answer
    }

    /// Sends a request, and a read again if its answer may be that to another.
    async fn exchange_with_repeat(
        &self,
        state: &mut ConnectionState,
        started: Instant,
        request: Request<'_>,
        has_sent: &AtomicBool,
    ) -> Result<UnitAnswer, DeviceFault> {
        let (mut answer, suspect) = self.exchange(state, started, request.clone(), has_sent).await?;
        let Some(suspect) = suspect else { return Ok(answer) };
        if holds_values(&answer) {
            (answer, _) = match self.exchange(state, started, request, has_sent).await {
                Err(DeviceFault::Timeout { .. }) => {
                    return Err(self.link.peer.unsolicited(&self.silence, NUMBERED_FRAMES));
                }
                exchanged => exchanged?,
            };
        }
        self.silence.record_checked(suspect);
        Ok(answer)
    }

    /// Sends a request and puts the connection back if the request ended in order. Returns the answer as suspect too, where it may
    /// be that to another request.
    async fn exchange(
        &self,
        state: &mut ConnectionState,
        started: Instant,
        request: Request<'_>,
        has_sent: &AtomicBool,
    ) -> Result<(UnitAnswer, Option<SuspectAnswer>), DeviceFault> {
        let peer = &self.link.peer;
        let open = self.take_open(state, started).await?;
        let pacing = open.pacing;
        // It stays there while nothing is sent: a caller may give up during the pause.
        state.open = Some(open);
        pacing.wait(peer.usage).await;
        let closed = || peer.closed("the connection was closed".to_owned());
        let mut open = state.open.take().ok_or_else(closed)?;
        open.has_sent.store(false, Ordering::Relaxed);
        self.check_unread(&open)?;
        let sent_at = Instant::now();
        let answer = open.stream.call(self.unit, request, peer.timeout).await;
        open.pacing.record_end();
        has_sent.store(open.has_sent.load(Ordering::Relaxed), Ordering::Relaxed);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.fault(error, &mut open)),
        };
        open.has_answered = true;
        let checked = self.check_silence(&mut open, sent_at.elapsed()).await?;
        state.open = checked.is_open.then_some(open);
        Ok((answer, checked.suspect))
    }

    /// Checks that no bytes arrived since the last answer, over frames without numbers.
    fn check_unread(&self, open: &OpenConnection) -> Result<(), DeviceFault> {
        let peer = &self.link.peer;
        if self.link.framing == ModbusFraming::Tcp {
            return Ok(());
        }
        if self.silence.is_resting() {
            return Err(peer.never_silent(NUMBERED_FRAMES));
        }
        // A connection that is closed is found so when it is written to.
        match open.socket.try_read(&mut [0; 1]) {
            Ok(1..) => Err(peer.unsolicited(&self.silence, NUMBERED_FRAMES)),
            Ok(0) | Err(_) => Ok(()),
        }
    }

    /// Checks the latest answer, over frames without numbers.
    async fn check_silence(
        &self,
        open: &mut OpenConnection,
        round_trip: Duration,
    ) -> Result<CheckedAnswer, DeviceFault> {
        if self.link.framing == ModbusFraming::Tcp {
            return Ok(CheckedAnswer::believed());
        }
        let peer = &self.link.peer;
        let (request, received) = self.take_latest(open);
        let (answer, rest) = rtu_frames::split_answer(&received);
        let limit = peer.timeout;
        let exchange =
            UnnumberedAnswer { request: &request, answer, is_answer: true, rest, round_trip, limit };
        let socket = AnsweredSocket::Tcp(&open.socket);
        let checked = check_answer(socket, &mut open.recent, &self.silence, exchange).await;
        checked.map_err(|doubt| match doubt {
            AnswerDoubt::Closed(error) => peer.closed(describe_io_error(&error)),
            AnswerDoubt::Unsolicited | AnswerDoubt::Copy => peer.unsolicited(&self.silence, NUMBERED_FRAMES),
        })
    }

    /// Fault of a request without an answer. Where what came in its place is an answer to another request, frames without numbers
    /// cannot be told apart.
    fn fault(&self, error: ExchangeError, open: &mut OpenConnection) -> DeviceFault {
        let peer = &self.link.peer;
        self.silence.forget_checks();
        if self.link.framing == ModbusFraming::RtuOverTcp && matches!(error, ExchangeError::Malformed(_)) {
            let (request, received) = self.take_latest(open);
            let (answer, _) = rtu_frames::split_answer(&received);
            if open.recent.add(&request, answer, Duration::ZERO, peer.timeout).is_some() {
                return peer.unsolicited(&self.silence, NUMBERED_FRAMES);
            }
        }
        error.at(peer.address(), peer.timeout)
    }

    /// The latest request and what has come since, without its echo.
    fn take_latest(&self, open: &OpenConnection) -> (Vec<u8>, Vec<u8>) {
        let LatestExchange { request, mut received } = std::mem::take(&mut *open.latest.lock());
        if self.link.is_echoed {
            received.drain(..request.len().min(received.len()));
        }
        (request, received)
    }

    /// Takes the open connection out of the state, or opens it. Those who waited for an attempt to connect since `started`
    /// share its failure: otherwise the timeouts of many units would add up.
    async fn take_open(
        &self,
        state: &mut ConnectionState,
        started: Instant,
    ) -> Result<OpenConnection, DeviceFault> {
        if let Some(open) = state.open.take() {
            return Ok(open);
        }
        if let Some((_, fault)) = state.failed.as_ref().filter(|(at, _)| *at > started) {
            return Err(fault.clone());
        }
        match open_connection(&self.link, &self.networks).await {
            Ok(open) => Ok(open),
            Err(fault) => {
                state.failed = Some((Instant::now(), fault.clone()));
                Err(fault)
            }
        }
    }
}

/// Whether an answer holds what was read. Such a request is sent again where its answer may be that to another.
fn holds_values(answer: &UnitAnswer) -> bool {
    matches!(
        answer,
        Ok(Response::ReadCoils(_)
            | Response::ReadDiscreteInputs(_)
            | Response::ReadHoldingRegisters(_)
            | Response::ReadInputRegisters(_))
    )
}

/// Returns the connection that all devices of an organization with these settings share, or a new one for a device that shares none.
fn connection_at(link: &NetworkLink, org: Option<OrgId>) -> Arc<UnitConnection> {
    if !link.is_shared {
        return Arc::default();
    }
    let key = (org, link.peer.host.to_ascii_lowercase(), link.peer.port, link.framing, link.is_echoed);
    let mut connections = CONNECTIONS.lock();
    connections.retain(|_, connection| connection.strong_count() > 0);
    if let Some(connection) = connections.get(&key).and_then(Weak::upgrade) {
        return connection;
    }
    let connection = Arc::default();
    connections.insert(key, Arc::downgrade(&connection));
    connection
}

/// tokio-modbus has neither timeouts nor socket options, so the stream is opened here.
async fn open_connection(
    link: &NetworkLink,
    networks: &AllowedNetworks,
) -> Result<OpenConnection, DeviceFault> {
    let NetworkLink { peer, framing, is_echoed, .. } = link;
    let socket = Arc::new(peer.within_timeout(peer.connect_tcp(networks)).await?);
    let (has_sent, answering) = (Arc::<AtomicBool>::default(), AnsweringUnit::default());
    let latest = Arc::<parking_lot::Mutex<LatestExchange>>::default();
    let wire = StrictStream::new(Arc::clone(&socket), Arc::clone(&has_sent), Arc::clone(&latest));
    let unit_at = framing.unit_position();
    // Each request sets its own unit.
    let context = match framing {
        ModbusFraming::Tcp => {
            let wire = AnswerStream::new(TransactionStream::new(wire), false, unit_at, answering.clone());
            tcp::attach_slave(wire, Slave::broadcast())
        }
        ModbusFraming::RtuOverTcp => {
            let wire = AnswerStream::new(wire, *is_echoed, unit_at, answering.clone());
            rtu::attach_slave(wire, Slave::broadcast())
        }
    };
    Ok(OpenConnection {
        stream: UnitStream::new(context, answering),
        pacing: RequestPacing::opened_now(),
        has_sent,
        has_answered: false,
        socket,
        latest,
        recent: RecentAnswers::default(),
    })
}

#[cfg(test)]
#[path = "unit_connection_tests.rs"]
mod tests;

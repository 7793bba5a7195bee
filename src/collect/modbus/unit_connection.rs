//! TCP connections that units share. A gateway has the units of a serial line behind one address, and many accept one
//! connection only.
//!
//! The open connections are one list in the process, by address and framing: devices of all pollers, one-off requests and
//! tests of settings take turns on the same one. A failed request closes it for all; whoever is next opens it again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_modbus::client::{rtu, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use super::answer_stream::{AnswerStream, AnsweringUnit};
use super::exchange::UnitStream;
use super::link::{ModbusFraming, NetworkLink};
use super::strict_stream::StrictStream;
use crate::collect::client::ConnectContext;
use crate::collect::connection_usage::RequestPacing;
use crate::collect::fault::DeviceFault;
use crate::collect::networks::AllowedNetworks;
use crate::domain::OrgId;

/// Organization, host, port, framing, and whether requests are echoed. No organization waits for another's devices.
type ConnectionKey = (Option<OrgId>, String, u16, ModbusFraming, bool);

/// Connections that somebody uses, and some that nobody uses any more.
static CONNECTIONS: parking_lot::Mutex<BTreeMap<ConnectionKey, Weak<UnitConnection>>> =
    parking_lot::Mutex::new(BTreeMap::new());

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
}

/// The use of a connection by one unit.
pub struct UnitSession {
    connection: Arc<UnitConnection>,
    link: NetworkLink,
    unit: u8,
    networks: AllowedNetworks,
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
        let session = UnitSession { connection, link: link.clone(), unit, networks, has_answered: false };
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
    ) -> Result<Result<Response, ExceptionCode>, DeviceFault> {
        let started = Instant::now();
        let connection = Arc::clone(&self.connection);
        let mut state = connection.state.lock().await;
        let has_worked = state.open.as_ref().is_some_and(|open| open.has_answered);
        let mut answer = self.exchange(&mut state, started, request.clone(), has_sent).await;
        // Who joins a connection does not know that it was idle for too long. Its owners repeat their request themselves.
        let is_stale = has_worked && !self.has_answered && !has_sent.load(Ordering::Relaxed);
        if is_stale && matches!(answer, Err(DeviceFault::Closed { .. })) {
            answer = self.exchange(&mut state, started, request, has_sent).await;
        }
        self.has_answered |= answer.is_ok();
        answer
    }

    /// Sends a request and puts the connection back if the request ended in order.
    async fn exchange(
        &self,
        state: &mut ConnectionState,
        started: Instant,
        request: Request<'_>,
        has_sent: &AtomicBool,
    ) -> Result<Result<Response, ExceptionCode>, DeviceFault> {
        let peer = &self.link.peer;
        let open = self.take_open(state, started).await?;
        let pacing = open.pacing;
        // It stays there while nothing is sent: a caller may give up during the pause.
        state.open = Some(open);
        pacing.wait(peer.usage).await;
        let closed = || peer.closed("the connection was closed".to_owned());
        let mut open = state.open.take().ok_or_else(closed)?;
        open.has_sent.store(false, Ordering::Relaxed);
        let answer = open.stream.call(self.unit, request, peer.timeout).await;
        open.pacing.record_end();
        has_sent.store(open.has_sent.load(Ordering::Relaxed), Ordering::Relaxed);
        let answer = answer.map_err(|error| error.at(peer.address(), peer.timeout))?;
        open.has_answered = true;
        state.open = Some(open);
        Ok(answer)
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
    let stream = peer.within_timeout(peer.connect_tcp(networks)).await?;
    let (has_sent, answering) = (Arc::<AtomicBool>::default(), AnsweringUnit::default());
    let wire = StrictStream::new(stream, Arc::clone(&has_sent));
    let wire = AnswerStream::new(wire, *is_echoed, framing.unit_position(), answering.clone());
    // Each request sets its own unit.
    let context = match framing {
        ModbusFraming::Tcp => tcp::attach_slave(wire, Slave::broadcast()),
        ModbusFraming::RtuOverTcp => rtu::attach_slave(wire, Slave::broadcast()),
    };
    let stream = UnitStream::new(context, answering);
    Ok(OpenConnection { stream, pacing: RequestPacing::opened_now(), has_sent, has_answered: false })
}

#[cfg(test)]
#[path = "unit_connection_tests.rs"]
mod tests;

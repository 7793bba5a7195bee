//! State of one Engine.IO session, without I/O and without a clock: what arrives goes in, with its time, and what is to
//! be sent comes out.
//!
//! A session is on polling or on a WebSocket. On polling, a second WebSocket may probe it and take over, and each poll is
//! answered once: with what is queued, else with a packet that means nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use tokio::time::Instant;

use super::outbox::{Outbox, Overflow, PacketBatch};
use super::packet::{self, ClientPacket};

/// How often a client sends a ping.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How late a ping may be.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a poll waits for a packet.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);
/// Maximum bytes of the packets that one poll returns, if it has more than one.
const MAX_POLL_BYTES: usize = 64 << 10;

/// Transport of a session's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Polling,
    WebSocket,
}

/// Why a session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCause {
    /// The client closed it.
    Client,
    /// The client left the namespace `/`, the only one there is.
    Namespace,
    PingTimeout,
    /// The client broke the rules of its transport, or its connection failed.
    Transport,
    MalformedPacket,
    /// The client did not read for too long.
    SlowReader,
    /// Another client needed its place.
    Evicted,
    /// The server stops, or cannot tell whether it missed messages.
    Server,
}

/// A poll that cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollRefused;

/// Reaction to a packet of a WebSocket that probes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeStep {
    /// Send this on the WebSocket.
    Reply(&'static str),
    /// The WebSocket is the session's transport from now on.
    Upgraded,
    /// Close the WebSocket; the session stays as it is.
    Refused,
}

/// An upgrade of a session on polling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upgrade {
    None,
    /// A WebSocket is open that has not probed yet.
    Attached,
    /// The client has probed it, and stops polling.
    Probed,
}

/// A poll that waits for a packet.
#[derive(Debug, Clone, Copy)]
struct WaitingPoll {
    number: u64,
    deadline: Instant,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    transport: Transport,
    upgrade: Upgrade,
    outbox: Outbox,
    poll: Option<WaitingPoll>,
    polls: u64,
    ping_deadline: Instant,
    closed: Option<CloseCause>,
}

/// Returns the packet that opens the session of this id.
pub fn open_packet(id: &str, transport: Transport) -> String {
    let upgrades: &[&str] = match transport {
        Transport::Polling => &["websocket"],
        Transport::WebSocket => &[],
    };
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    packet::open(id, upgrades, millis(PING_INTERVAL), millis(PING_TIMEOUT))
}

impl Session {
    /// Begins a session. On a WebSocket its first packets are queued, before anything else can be; on polling they are
    /// the answer to the handshake.
    pub fn new(id: &str, transport: Transport, now: Instant) -> Session {
        let mut session = Session::empty(transport, now);
        if transport == Transport::WebSocket {
            session.answer(open_packet(id, transport).into());
            session.answer(packet::CONNECTED.into());
        }
        session
    }

    fn empty(transport: Transport, now: Instant) -> Session {
        Session {
            transport,
            upgrade: Upgrade::None,
            outbox: Outbox::default(),
            poll: None,
            polls: 0,
            ping_deadline: now + PING_INTERVAL + PING_TIMEOUT,
            closed: None,
        }
    }

    /// Returns the transport that carries the packets now: an upgrade replaces polling by a WebSocket.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Returns the first cause for which the session has ended; `None` while it is open.
    pub fn closed(&self) -> Option<CloseCause> {
        self.closed
    }

    /// Ends the session; the first cause counts.
    pub fn close(&mut self, cause: CloseCause) {
        if self.closed.is_none() {
            self.closed = Some(cause);
            self.outbox.clear();
        }
    }

    /// Ends the session if the client's ping is overdue.
    pub fn expire(&mut self, now: Instant) {
        if now >= self.ping_deadline {
            self.close(CloseCause::PingTimeout);
        }
    }

    /// Takes a packet of the session's transport.
    pub fn receive(&mut self, packet: ClientPacket, now: Instant) {
        if self.closed.is_some() {
            return;
        }
        match packet {
            ClientPacket::Ping { .. } => {
                self.ping_deadline = now + PING_INTERVAL + PING_TIMEOUT;
                self.answer(packet::PONG.into());
            }
            ClientPacket::Connect(namespace) if namespace != "/" => {
                self.answer(packet::invalid_namespace(&namespace).into());
            }
            ClientPacket::Disconnect(namespace) if namespace == "/" => self.close(CloseCause::Namespace),
            ClientPacket::Close => self.close(CloseCause::Client),
            // Every client is connected to `/` from the beginning.
            ClientPacket::Connect(_)
            | ClientPacket::Disconnect(_)
            | ClientPacket::Upgrade
            | ClientPacket::Ignored => {}
        }
    }

    /// Queues a packet for this client alone.
    pub fn answer(&mut self, packet: Utf8Bytes) {
        if self.closed.is_none()
            && let Err(Overflow) = self.outbox.push_own(packet)
        {
            self.close(CloseCause::SlowReader);
        }
    }

    /// Queues packets that go to every session.
    pub fn broadcast(&mut self, batch: &Arc<PacketBatch>) {
        if self.closed.is_none()
            && let Err(Overflow) = self.outbox.push_shared(batch)
        {
            self.close(CloseCause::SlowReader);
        }
    }

    /// Begins a poll and returns its number. A second one beside it ends the session, as the protocol wants.
    pub fn begin_poll(&mut self, now: Instant) -> Result<u64, PollRefused> {
        if self.closed.is_some() || self.transport != Transport::Polling {
            return Err(PollRefused);
        }
        if self.poll.is_some() {
            self.close(CloseCause::Transport);
            return Err(PollRefused);
        }
        self.polls += 1;
        self.poll = Some(WaitingPoll { number: self.polls, deadline: now + POLL_TIMEOUT });
        Ok(self.polls)
    }

    /// Returns when a waiting poll must be answered.
    pub fn poll_deadline(&self) -> Option<Instant> {
        self.poll.map(|poll| poll.deadline)
    }

    /// Returns the packets with which the waiting poll is answered; `None` while it has to wait.
    pub fn take_for_poll(&mut self, now: Instant) -> Option<Vec<Utf8Bytes>> {
        let poll = self.poll?;
        let packets = match self.closed {
            Some(CloseCause::Client) => vec![packet::NOOP.into()],
            Some(_) => vec![packet::CLOSE.into()],
            None if self.transport == Transport::WebSocket => vec![packet::NOOP.into()],
            None if !self.outbox.is_empty() => self.outbox.take(MAX_POLL_BYTES),
            None if self.upgrade == Upgrade::Probed || now >= poll.deadline => vec![packet::NOOP.into()],
            None => return None,
        };
        self.poll = None;
        Some(packets)
    }

    /// Ends the session if this poll still waits: its client is gone.
    pub fn abandon_poll(&mut self, number: u64) {
        if self.poll.is_some_and(|poll| poll.number == number) {
            self.poll = None;
            self.close(CloseCause::Transport);
        }
    }

    /// Attaches a WebSocket that may take over; false if the session is not on polling or already has one.
    pub fn attach_probe(&mut self) -> bool {
        let is_free =
            self.closed.is_none() && self.transport == Transport::Polling && self.upgrade == Upgrade::None;
        if is_free {
            self.upgrade = Upgrade::Attached;
        }
        is_free
    }

    /// Takes a packet of the WebSocket that probes the session.
    pub fn probe(&mut self, packet: &ClientPacket) -> ProbeStep {
        match (packet, self.upgrade) {
            _ if self.closed.is_some() => ProbeStep::Refused,
            (ClientPacket::Ping { is_probe: true }, Upgrade::Attached | Upgrade::Probed) => {
                self.upgrade = Upgrade::Probed;
                ProbeStep::Reply(packet::PROBE_PONG)
            }
            (ClientPacket::Upgrade, Upgrade::Probed) => {
                self.upgrade = Upgrade::None;
                self.transport = Transport::WebSocket;
                ProbeStep::Upgraded
            }
            _ => ProbeStep::Refused,
        }
    }

    /// Detaches the WebSocket: the session ends if it was the transport, and goes on polling otherwise.
    pub fn end_socket(&mut self) {
        self.upgrade = Upgrade::None;
        if self.transport == Transport::WebSocket {
            self.close(CloseCause::Transport);
        }
    }

    /// Takes all packets for the WebSocket that is the session's transport.
    pub fn take_for_socket(&mut self) -> Vec<Utf8Bytes> {
        self.outbox.take(usize::MAX)
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

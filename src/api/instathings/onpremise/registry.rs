//! The open sessions by id, within limits that leave places for other networks.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::outbox::PacketBatch;
use super::session::{CloseCause, Session, Transport};
use crate::domain::{Error, Result};

/// Random bytes of an id, which has 20 characters.
const ID_BYTES: usize = 15;

/// A session that its requests, its WebSocket and the broadcaster share.
#[derive(Debug)]
pub struct SharedSession {
    pub id: String,
    network: IpAddr,
    opened: Instant,
    /// Whether the client has used the session after it was opened.
    is_confirmed: AtomicBool,
    state: Mutex<Session>,
    /// Wakes the poll that waits.
    pub poll_wake: Notify,
    /// Wakes the WebSocket that carries or probes the session.
    pub socket_wake: Notify,
}

impl SharedSession {
    /// Changes the session, then wakes whoever waits for its packets.
    pub fn update<T>(&self, change: impl FnOnce(&mut Session) -> T) -> T {
        let changed = change(&mut self.state.lock());
        self.poll_wake.notify_one();
        self.socket_wake.notify_one();
        changed
    }

    /// Reads or takes from the session without waking anybody.
    pub fn read<T>(&self, read: impl FnOnce(&mut Session) -> T) -> T {
        read(&mut self.state.lock())
    }

    /// Records that the client goes on with the session: it is not evicted for a new one.
    pub fn confirm(&self) {
        self.is_confirmed.store(true, Ordering::Relaxed);
    }

    /// Whether the session has ended, by either side; the registry does not return it any more.
    pub fn is_closed(&self) -> bool {
        self.read(|session| session.closed().is_some())
    }
}

/// All sessions of the interface.
#[derive(Debug)]
pub struct SessionRegistry {
    most: usize,
    open: Mutex<HashMap<String, Arc<SharedSession>>>,
}

impl SessionRegistry {
    /// Creates a registry of at most `most` sessions, `onpremise.connections`.
    pub fn new(most: usize) -> SessionRegistry {
        SessionRegistry { most, open: Mutex::default() }
    }

    /// Opens a session. A network may have at most as many as it leaves free for others. At a limit, the oldest session
    /// whose client never came back makes room.
    ///
    /// # Errors
    /// `Throttled` when the network has its share, `Busy` when all places are taken.
    pub fn open(&self, network: IpAddr, transport: Transport, now: Instant) -> Result<Arc<SharedSession>> {
        let mut open = self.open.lock();
        let own = |open: &Sessions| open.values().filter(|session| session.network == network).count();
        let has_share = |open: &Sessions| own(open) >= self.most.saturating_sub(open.len());
        if open.len() >= self.most || has_share(&open) {
            open.retain(|_, session| !session.is_closed());
        }
        if open.len() >= self.most && !evict(&mut open, None) {
            return Err(Error::busy(format!("all {} sessions are taken (onpremise.connections)", self.most)));
        }
        if has_share(&open) && !evict(&mut open, Some(network)) {
            return Err(Error::throttled(1));
        }
        let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; ID_BYTES]>());
        let session = Arc::new(SharedSession {
            network,
            opened: now,
            is_confirmed: AtomicBool::new(transport == Transport::WebSocket),
            state: Mutex::new(Session::new(&id, transport, now)),
            id,
            poll_wake: Notify::new(),
            socket_wake: Notify::new(),
        });
        open.insert(session.id.clone(), session.clone());
        Ok(session)
    }

    /// Returns the session of this id, unless it has ended.
    pub fn get(&self, id: &str) -> Option<Arc<SharedSession>> {
        self.open.lock().get(id).filter(|session| !session.is_closed()).cloned()
    }

    /// Ends the sessions whose pings are overdue, and removes those that have ended. Returns how many are open.
    pub fn sweep(&self, now: Instant) -> usize {
        let mut open = self.open.lock();
        open.retain(|_, session| {
            let was_closed = session.is_closed();
            let is_open = session.read(|session| {
                session.expire(now);
                session.closed().is_none()
            });
            if !is_open && !was_closed {
                session.update(|_| ());
            }
            is_open
        });
        open.len()
    }

    /// Queues packets for every session.
    pub fn broadcast(&self, batch: &Arc<PacketBatch>) {
        for session in self.open.lock().values() {
            session.update(|session| session.broadcast(batch));
        }
    }

    /// Ends every session.
    pub fn close_all(&self, cause: CloseCause) {
        for (_, session) in self.open.lock().drain() {
            session.update(|session| session.close(cause));
        }
    }
}

type Sessions = HashMap<String, Arc<SharedSession>>;

/// Ends the oldest session whose client never came back: of this network, or else of the network that has most of them.
/// Returns whether there was one.
fn evict(open: &mut Sessions, network: Option<IpAddr>) -> bool {
    let unconfirmed = || {
        let of_network = open.values().filter(move |s| network.is_none_or(|network| s.network == network));
        of_network.filter(|session| !session.is_confirmed.load(Ordering::Relaxed))
    };
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    unconfirmed().for_each(|session| *counts.entry(session.network).or_default() += 1);
    let oldest = unconfirmed().min_by_key(|session| (Reverse(counts.get(&session.network)), session.opened));
    let Some(id) = oldest.map(|session| session.id.clone()) else { return false };
    if let Some(session) = open.remove(&id) {
        session.update(|session| session.close(CloseCause::Evicted));
    }
    true
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;
    use crate::domain::Kind;

    fn network(n: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, n))
    }

    #[test]
    fn ids_have_twenty_characters_and_are_found_until_they_end() {
        let sessions = SessionRegistry::new(4);
        let now = Instant::now();
        let session = sessions.open(network(1), Transport::Polling, now).unwrap();
        assert_eq!(session.id.len(), 20);
        assert!(sessions.get(&session.id).is_some() && sessions.get("nothing").is_none());
        session.update(|session| session.close(CloseCause::Client));
        assert!(sessions.get(&session.id).is_none());
        assert_eq!(sessions.sweep(now), 0);
        let session = sessions.open(network(1), Transport::Polling, now).unwrap();
        assert_eq!(sessions.sweep(now + Duration::from_secs(29)), 1);
        assert_eq!(sessions.sweep(now + Duration::from_secs(30)), 0);
        assert!(session.is_closed());
    }

    #[test]
    fn a_flood_of_handshakes_evicts_itself_and_leaves_room_for_others() {
        let sessions = SessionRegistry::new(8);
        let mut now = Instant::now();
        let mut open = |n, transport| {
            now += Duration::from_millis(1);
            sessions.open(network(n), transport, now)
        };
        let healthy = open(1, Transport::Polling).unwrap();
        healthy.confirm();
        let flood: Vec<_> = (0..100).map(|_| open(1, Transport::Polling).unwrap()).collect();
        assert_eq!(flood.iter().filter(|session| !session.is_closed()).count(), 3);
        assert!(!healthy.is_closed());
        let other = open(2, Transport::Polling).unwrap();
        assert!(!other.is_closed());
        assert_eq!(
            open(1, Transport::WebSocket).unwrap().read(|session| session.transport()),
            Transport::WebSocket
        );
    }

    #[test]
    fn sessions_in_use_are_not_evicted() {
        let sessions = SessionRegistry::new(4);
        let now = Instant::now();
        let open = |n| sessions.open(network(n), Transport::WebSocket, now);
        let used = [open(1).unwrap(), open(1).unwrap()];
        assert_eq!(open(1).unwrap_err().kind, Kind::Throttled);
        let others = [open(2).unwrap(), open(3).unwrap()];
        assert_eq!(open(4).unwrap_err().kind, Kind::Busy);
        assert!(used.iter().chain(&others).all(|session| !session.is_closed()));
        others[0].update(|session| session.close(CloseCause::Client));
        assert!(open(4).is_ok(), "a place is free");
    }
}

//! How many connections a listener has at once, and which of them makes room for a new one when there are no more.
//!
//! A client is unknown until it has proven on its connection who it is. Unknown clients make room first, the oldest of the
//! network that has most of them: whoever has no key keeps nobody out. After them clients that ask for nothing make room.
//! A client at work is never closed for another: then newcomers are refused.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::app::session::network;

/// A known client that has been idle for so long may have to make room. WebSockets ping each other more often.
const IDLE_BEFORE_EVICTION: Duration = Duration::from_secs(30);
/// Connections that were told to close and still hold their descriptor, beside those of the limit.
const MAX_CLOSING: usize = 64;
/// Between two lines of the log that tell of a limit which is reached.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The connections of one listener.
#[derive(Debug)]
pub struct ConnectionLimit {
    /// The key of the configuration that says how many.
    key: &'static str,
    most: usize,
    /// Sockets that are held, those included that are about to close.
    sockets: AtomicUsize,
    open: Mutex<Open>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    by_id: HashMap<u64, Arc<ConnectionState>>,
    told: Option<Instant>,
}

/// What the listener knows of a connection.
#[derive(Debug)]
pub struct ConnectionState {
    network: IpAddr,
    since: Instant,
    is_known: AtomicBool,
    /// Requests whose answer has not begun.
    running: AtomicUsize,
    /// The last time an answer began or a byte of one was taken.
    moved: Mutex<Instant>,
    is_closing: AtomicBool,
    closing: CancellationToken,
}

/// The right to be connected, given back when it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    limit: Arc<ConnectionLimit>,
    id: u64,
    state: Arc<ConnectionState>,
}

impl ConnectionLimit {
    pub fn new(key: &'static str, most: usize) -> Arc<Self> {
        let (sockets, freed) = (AtomicUsize::new(0), Notify::new());
        Arc::new(Self { key, most, sockets, open: Mutex::default(), freed })
    }

    /// What whoever is refused is told.
    pub fn refusal(&self) -> String {
        format!("all {} connections are taken ({})", self.most, self.key)
    }

    /// Waits until another socket may be accepted: not while too many are still closing.
    pub async fn room(&self) {
        while self.sockets.load(Ordering::Acquire) >= self.most.saturating_add(MAX_CLOSING) {
            self.freed().await;
        }
    }

    /// Waits until a connection has ended.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Lets a connection in; when there are no more, another that is worth less is closed for it. `None` when there is no
    /// such.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        self.enter_at(address, Instant::now())
    }

    fn enter_at(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<ConnectionPermit> {
        let mut open = self.open.lock();
        if open.by_id.len() >= self.most {
            let evicted = choose(&open.by_id, now);
            self.tell(&mut open.told, now, evicted.is_some());
            open.by_id.remove(&evicted?)?.close();
        }
        let id = open.next_id;
        open.next_id += 1;
        let state = Arc::new(ConnectionState::new(network(address), now));
        open.by_id.insert(id, state.clone());
        self.sockets.fetch_add(1, Ordering::AcqRel);
        Some(ConnectionPermit { limit: self.clone(), id, state })
    }

    fn tell(&self, told: &mut Option<Instant>, now: Instant, is_let_in: bool) {
        if told.is_some_and(|told| now < told + TELL_EVERY) {
            return;
        }
        *told = Some(now);
        let (limit, most) = (self.key, self.most);
        if is_let_in {
            tracing::warn!(limit, most, "all connections are taken: idle ones make room for new ones");
        } else {
            tracing::warn!(limit, most, "all connections are taken and in use: new ones are refused");
        }
    }
}

/// Which connection is closed for another: an unknown client's, or one that is idle.
fn choose(open: &HashMap<u64, Arc<ConnectionState>>, now: Instant) -> Option<u64> {
    let mut unknown: HashMap<IpAddr, usize> = HashMap::new();
    for state in open.values().filter(|state| !state.is_known()) {
        *unknown.entry(state.network).or_default() += 1;
    }
    let first = open.iter().filter(|(_, state)| !state.is_known());
    let first = first.min_by_key(|(_, state)| (Reverse(unknown.get(&state.network)), state.since));
    let idle = || {
        let idle = open
            .iter()
            .filter(|(_, state)| state.idle_since().is_some_and(|s| s + IDLE_BEFORE_EVICTION <= now));
        idle.min_by_key(|(_, state)| state.idle_since())
    };
    first.or_else(idle).map(|(id, _)| *id)
}

impl ConnectionState {
    fn new(network: IpAddr, now: Instant) -> Self {
        Self {
            network,
            since: now,
            is_known: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            moved: Mutex::new(now),
            is_closing: AtomicBool::new(false),
            closing: CancellationToken::new(),
        }
    }

    /// The client has proven who it is.
    pub fn set_known(&self) {
        self.is_known.store(true, Ordering::Release);
    }

    fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Acquire)
    }

    /// The client has proven who it is, and is at work until it leaves.
    pub fn set_known_and_busy(&self) {
        if !self.is_known.swap(true, Ordering::AcqRel) {
            self.begin_request();
        }
    }

    pub fn begin_request(&self) {
        self.running.fetch_add(1, Ordering::AcqRel);
    }

    pub fn end_request(&self) {
        self.set_moved();
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// An answer began, or a byte of one was taken.
    pub fn set_moved(&self) {
        *self.moved.lock() = Instant::now();
    }

    /// Since when nothing has moved; `None` while a request waits for its answer.
    pub fn idle_since(&self) -> Option<Instant> {
        (self.running.load(Ordering::Acquire) == 0).then(|| *self.moved.lock())
    }

    /// Whether the connection has to end for another.
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.closing.cancel();
    }

    /// Resolves when the connection has to end for another.
    pub fn closing(&self) -> WaitForCancellationFutureOwned {
        self.closing.clone().cancelled_owned()
    }
}

impl ConnectionPermit {
    pub fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.limit.open.lock().by_id.remove(&self.id);
        self.limit.sockets.fetch_sub(1, Ordering::AcqRel);
        self.limit.freed.notify_one();
    }
}

#[cfg(test)]
#[path = "connection_limit_tests.rs"]
mod tests;

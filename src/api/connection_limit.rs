//! Connection limit of a listener, with eviction when it is reached.
//!
//! Unauthenticated connections are evicted first, the oldest of the network that has most of them, so that clients
//! without a key cannot keep others out. Idle authenticated connections come next. Authenticated connections with a
//! running request are never evicted; if there are no others, new connections are refused.

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
use crate::app::system::connections::ConnectionGauge;
use crate::domain::server_status::ListenerConnections;

/// An authenticated connection idle for this long may be evicted. WebSockets ping more often than that.
const IDLE_BEFORE_EVICTION: Duration = Duration::from_secs(30);
/// Maximum evicted connections that still hold their descriptor, beyond the limit itself.
const MAX_CLOSING_CONNECTIONS: usize = 64;
/// Minimum interval between log lines about the limit being reached.
const LIMIT_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Limit and open connections of one listener.
#[derive(Debug)]
pub struct ConnectionLimit {
    /// Configuration key of the limit.
    key: &'static str,
    most: usize,
    /// Open sockets, including those about to close.
    sockets: AtomicUsize,
    open: Mutex<OpenConnections>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next_id: u64,
    by_id: HashMap<u64, Arc<ConnectionState>>,
    last_logged: Option<Instant>,
}

/// State of one connection, shared with its listener.
#[derive(Debug)]
pub struct ConnectionState {
    network: IpAddr,
    since: Instant,
    is_authenticated: AtomicBool,
    /// Number of requests whose response has not begun.
    running: AtomicUsize,
    /// The last time a response began or the client took a byte of one.
    last_activity: Mutex<Instant>,
    is_closing: AtomicBool,
    closing: CancellationToken,
}

/// A slot of the limit, released on drop.
#[derive(Debug)]
pub struct ConnectionPermit {
    limit: Arc<ConnectionLimit>,
    id: u64,
    state: Arc<ConnectionState>,
}

impl ConnectionLimit {
    /// Creates a limit of `most` connections. Refusals name `key`; without `.connections` it is the listener's name in metrics.
    pub fn new(key: &'static str, most: usize) -> Arc<Self> {
        let (sockets, freed) = (AtomicUsize::new(0), Notify::new());
        Arc::new(Self { key, most, sockets, open: Mutex::default(), freed })
    }

    /// Returns the message for a refused client.
    pub fn refusal_message(&self) -> String {
        format!("all {} connections are taken ({})", self.most, self.key)
    }

    /// Waits until another socket may be accepted, which is not while too many are still closing.
    pub async fn wait_for_capacity(&self) {
        while self.sockets.load(Ordering::Acquire) >= self.most.saturating_add(MAX_CLOSING_CONNECTIONS) {
            self.wait_for_release().await;
        }
    }

    /// Waits until a connection has ended.
    pub async fn wait_for_release(&self) {
        self.freed.notified().await;
    }

    /// Admits a connection. At the limit it evicts another one; `None` when none can be evicted.
    pub fn try_acquire(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        self.try_acquire_at(address, Instant::now())
    }

    fn try_acquire_at(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<ConnectionPermit> {
        let mut open = self.open.lock();
        if open.by_id.len() >= self.most {
            let evicted = choose_eviction(&open.by_id, now);
            self.log_limit_reached(&mut open.last_logged, now, evicted.is_some());
            open.by_id.remove(&evicted?)?.close();
        }
        let id = open.next_id;
        open.next_id += 1;
        let state = Arc::new(ConnectionState::new(network(address), now));
        open.by_id.insert(id, state.clone());
        self.sockets.fetch_add(1, Ordering::AcqRel);
        Some(ConnectionPermit { limit: self.clone(), id, state })
    }

    fn log_limit_reached(&self, last_logged: &mut Option<Instant>, now: Instant, is_let_in: bool) {
        if last_logged.is_some_and(|last_logged| now < last_logged + LIMIT_LOG_INTERVAL) {
            return;
        }
        *last_logged = Some(now);
        let (limit, most) = (self.key, self.most);
        if is_let_in {
            tracing::warn!(limit, most, "connection limit reached: idle connections are closed for new ones");
        } else {
            tracing::warn!(
                limit,
                most,
                "connection limit reached, no idle connections: new ones are refused"
            );
        }
    }
}

impl ConnectionGauge for ConnectionLimit {
    fn connections(&self) -> ListenerConnections {
        let listener = self.key.strip_suffix(".connections").unwrap_or(self.key);
        ListenerConnections { listener, open: self.open.lock().by_id.len(), limit: self.most }
    }
}

/// Chooses the connection to evict: an unauthenticated one, else an idle one.
fn choose_eviction(open: &HashMap<u64, Arc<ConnectionState>>, now: Instant) -> Option<u64> {
    let mut unknown: HashMap<IpAddr, usize> = HashMap::new();
    for state in open.values().filter(|state| !state.is_authenticated()) {
        *unknown.entry(state.network).or_default() += 1;
    }
    let first = open.iter().filter(|(_, state)| !state.is_authenticated());
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
            is_authenticated: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            last_activity: Mutex::new(now),
            is_closing: AtomicBool::new(false),
            closing: CancellationToken::new(),
        }
    }

    /// Marks the client as authenticated.
    pub fn set_authenticated(&self) {
        self.is_authenticated.store(true, Ordering::Release);
    }

    fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Acquire)
    }

    /// Marks the client as authenticated, and as busy until it disconnects.
    pub fn set_authenticated_and_busy(&self) {
        if !self.is_authenticated.swap(true, Ordering::AcqRel) {
            self.begin_request();
        }
    }

    /// Counts a request as running. Until it ends, the connection is not idle: an authenticated one is not evicted.
    pub fn begin_request(&self) {
        self.running.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends a request counted by `begin_request`; the idle time starts over.
    pub fn end_request(&self) {
        self.record_activity();
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// Records that a response began, or that the client took a byte of one.
    pub fn record_activity(&self) {
        *self.last_activity.lock() = Instant::now();
    }

    /// Time of the last activity; `None` while a request waits for its response.
    pub fn idle_since(&self) -> Option<Instant> {
        (self.running.load(Ordering::Acquire) == 0).then(|| *self.last_activity.lock())
    }

    /// Whether the connection has been evicted.
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.closing.cancel();
    }

    /// Resolves when the connection is evicted.
    pub fn closing(&self) -> WaitForCancellationFutureOwned {
        self.closing.clone().cancelled_owned()
    }
}

impl ConnectionPermit {
    /// Returns the connection's state, to mark its client as authenticated and to wait for its eviction.
    pub fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }

    /// Marks the client as authenticated, and as busy until it disconnects, which protects it from eviction. Returns
    /// `false` when it has been evicted already: its slot belongs to another connection.
    #[must_use]
    pub fn try_protect(&self) -> bool {
        // Evictions happen under this lock.
        let _open = self.limit.open.lock();
        let is_open = !self.state.is_closing();
        if is_open {
            self.state.set_authenticated_and_busy();
        }
        is_open
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

//! Requests to cancel, which come over connections of their own: whoever knows a connection's secret ends its statement.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::session::network;
use crate::auth::throttle::{Budget, Throttle};
use crate::domain::Micros;

/// Requests of one address that end nothing, in a minute: a client may ask when its statement has just ended. With more of
/// them a secret of 32 bits could be guessed.
const GUESSES: Budget = Budget { attempts: 60, window_us: 60_000_000 };
/// Bytes of the secret of a client that speaks protocol 3.2, and of all others.
const LONG_SECRET: usize = 32;
const SHORT_SECRET: usize = 4;

/// The connections that are open.
#[derive(Debug)]
pub struct Open {
    connections: Mutex<HashMap<i32, Known>>,
    guesses: Mutex<Throttle<IpAddr>>,
    since: Instant,
}

impl Default for Open {
    fn default() -> Self {
        let guesses = Mutex::new(Throttle::new(GUESSES));
        Self { connections: Mutex::default(), guesses, since: Instant::now() }
    }
}

#[derive(Debug)]
struct Known {
    secret: Bytes,
    cancelled: Arc<Notify>,
}

/// A connection's entry, gone with it.
#[derive(Debug)]
pub struct Entry {
    open: Arc<Open>,
    pub pid: i32,
    pub secret: Bytes,
    /// Wakes who waits: nobody, unless a statement runs.
    pub cancelled: Arc<Notify>,
}

impl Open {
    /// Adds a connection, with a number and a secret of its own.
    pub fn enter(self: &Arc<Self>, takes_long_secrets: bool) -> Entry {
        let mut open = self.connections.lock();
        let fresh = std::iter::repeat_with(|| rand::random_range(1..=i32::MAX));
        let pid = fresh.into_iter().find(|pid| !open.contains_key(pid)).expect("the numbers do not end");
        let secret: [u8; LONG_SECRET] = rand::random();
        let length = if takes_long_secrets { LONG_SECRET } else { SHORT_SECRET };
        let secret = Bytes::copy_from_slice(&secret[..length]);
        let cancelled = Arc::new(Notify::new());
        open.insert(pid, Known { secret: secret.clone(), cancelled: cancelled.clone() });
        Entry { open: self.clone(), pid, secret, cancelled }
    }

    /// Ends what runs on a connection; says nothing of whether there is one. Whoever has guessed too often is not listened
    /// to for a while, right or wrong.
    pub fn cancel(&self, from: IpAddr, pid: i32, secret: &Bytes) {
        let now = Micros(i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX));
        self.cancel_at(now, from, pid, secret);
    }

    fn cancel_at(&self, now: Micros, from: IpAddr, pid: i32, secret: &Bytes) {
        let from = network(from);
        if self.guesses.lock().take(&from, now).is_err() {
            return;
        }
        if let Some(known) = self.connections.lock().get(&pid)
            && known.secret == secret
        {
            known.cancelled.notify_waiters();
            self.guesses.lock().give_back(&from);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.connections.lock().remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cancelled(open: &Open, entry: &Entry, from: &str, (second, secret): (i64, &Bytes)) -> bool {
        let mut waiting = Box::pin(entry.cancelled.clone().notified_owned());
        waiting.as_mut().enable();
        open.cancel_at(Micros(second * 1_000_000), from.parse().unwrap(), entry.pid, secret);
        futures::FutureExt::now_or_never(waiting).is_some()
    }

    #[test]
    fn secrets_are_not_guessed() {
        let open = Arc::new(Open::default());
        let (short, long) = (open.enter(false), open.enter(true));
        let (one, other) = ("10.0.0.1", "10.0.0.2");
        assert_eq!((short.secret.len(), long.secret.len()), (4, 32));
        assert!(is_cancelled(&open, &long, one, (0, &long.secret)));
        assert!(
            !is_cancelled(&open, &long, other, (0, &long.secret.slice(..4))),
            "a part of it is not enough"
        );
        for _ in 0..2 * GUESSES.attempts {
            assert!(is_cancelled(&open, &short, one, (0, &short.secret)), "who knows it is never throttled");
        }
        let wrong = Bytes::from_static(b"\0\0\0");
        for _ in 0..GUESSES.attempts {
            assert!(!is_cancelled(&open, &short, one, (0, &wrong)));
        }
        assert!(!is_cancelled(&open, &short, one, (0, &short.secret)), "too many guesses");
        assert!(is_cancelled(&open, &short, other, (0, &short.secret)), "another address");
        assert!(is_cancelled(&open, &short, one, (2, &short.secret)), "after a while");
    }
}

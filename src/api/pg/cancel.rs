//! Cancel requests. They arrive on separate connections; the secret of a connection authorises cancelling its
//! statement.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::app::session::network;
use crate::auth::rate_limiter::{AttemptBudget, RateLimiter};
use crate::domain::Micros;

/// Failed cancel requests of one network per minute; some are legitimate, because a statement may just have ended. More
/// of them would allow guessing a 32-bit secret.
const GUESS_BUDGET: AttemptBudget = AttemptBudget { attempts: 60, window_us: 60_000_000 };
/// Length of a secret in bytes: for protocol 3.2, and for older versions.
const LONG_SECRET: usize = 32;
const SHORT_SECRET: usize = 4;

/// Open connections that can be cancelled, by process id.
#[derive(Debug)]
pub struct CancelRegistry {
    connections: Mutex<HashMap<i32, CancelTarget>>,
    guesses: Mutex<RateLimiter<IpAddr>>,
    since: Instant,
}

impl Default for CancelRegistry {
    fn default() -> Self {
        let guesses = Mutex::new(RateLimiter::new(GUESS_BUDGET));
        Self { connections: Mutex::default(), guesses, since: Instant::now() }
    }
}

#[derive(Debug)]
struct CancelTarget {
    secret: Bytes,
    cancelled: Arc<Notify>,
}

/// The registry entry of a connection, removed on drop.
#[derive(Debug)]
pub struct CancelHandle {
    registry: Arc<CancelRegistry>,
    pub pid: i32,
    pub secret: Bytes,
    /// Notified on cancel; has a waiter only while a statement runs.
    pub cancelled: Arc<Notify>,
}

impl CancelRegistry {
    /// Registers a connection under a random process id and secret.
    pub fn register(self: &Arc<Self>, takes_long_secrets: bool) -> CancelHandle {
        let mut open = self.connections.lock();
        let fresh = std::iter::repeat_with(|| rand::random_range(1..=i32::MAX));
        let pid = fresh.into_iter().find(|pid| !open.contains_key(pid)).expect("the numbers do not end");
        let secret: [u8; LONG_SECRET] = rand::random();
        let length = if takes_long_secrets { LONG_SECRET } else { SHORT_SECRET };
        let secret = Bytes::copy_from_slice(&secret[..length]);
        let cancelled = Arc::new(Notify::new());
        open.insert(pid, CancelTarget { secret: secret.clone(), cancelled: cancelled.clone() });
        CancelHandle { registry: self.clone(), pid, secret, cancelled }
    }

    /// Cancels the running statement of a connection, without telling whether it exists. After too many failed requests
    /// a network is ignored for a while, even with the right secret.
    pub fn cancel(&self, from: IpAddr, pid: i32, secret: &Bytes) {
        let now = Micros(i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX));
        self.cancel_at(now, from, pid, secret);
    }

    fn cancel_at(&self, now: Micros, from: IpAddr, pid: i32, secret: &Bytes) {
        let from = network(from);
        if self.guesses.lock().try_acquire(&from, now).is_err() {
            return;
        }
        if let Some(known) = self.connections.lock().get(&pid)
            && known.secret == secret
        {
            known.cancelled.notify_waiters();
            self.guesses.lock().refund(&from);
        }
    }
}

impl Drop for CancelHandle {
    fn drop(&mut self) {
        self.registry.connections.lock().remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cancelled(
        open: &CancelRegistry,
        entry: &CancelHandle,
        from: &str,
        (second, secret): (i64, &Bytes),
    ) -> bool {
        let mut waiting = Box::pin(entry.cancelled.clone().notified_owned());
        waiting.as_mut().enable();
        open.cancel_at(Micros(second * 1_000_000), from.parse().unwrap(), entry.pid, secret);
        futures::FutureExt::now_or_never(waiting).is_some()
    }

    #[test]
    fn secrets_are_not_guessed() {
        let open = Arc::new(CancelRegistry::default());
        let (short, long) = (open.register(false), open.register(true));
        let (one, other) = ("10.0.0.1", "10.0.0.2");
        assert_eq!((short.secret.len(), long.secret.len()), (4, 32));
        assert!(is_cancelled(&open, &long, one, (0, &long.secret)));
        assert!(
            !is_cancelled(&open, &long, other, (0, &long.secret.slice(..4))),
            "a part of it is not enough"
        );
        for _ in 0..2 * GUESS_BUDGET.attempts {
            assert!(is_cancelled(&open, &short, one, (0, &short.secret)), "who knows it is never throttled");
        }
        let wrong = Bytes::from_static(b"\0\0\0");
        for _ in 0..GUESS_BUDGET.attempts {
            assert!(!is_cancelled(&open, &short, one, (0, &wrong)));
        }
        assert!(!is_cancelled(&open, &short, one, (0, &short.secret)), "too many guesses");
        assert!(is_cancelled(&open, &short, other, (0, &short.secret)), "another address");
        assert!(is_cancelled(&open, &short, one, (2, &short.secret)), "after a while");
    }
}

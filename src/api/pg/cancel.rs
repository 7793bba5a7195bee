//! Requests to cancel, which come over connections of their own: whoever knows a connection's secret ends its statement.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The connections that are open.
#[derive(Debug, Default)]
pub struct Open(Mutex<HashMap<i32, Known>>);

#[derive(Debug)]
struct Known {
    secret: i32,
    cancelled: Arc<Notify>,
}

/// A connection's entry, gone with it.
#[derive(Debug)]
pub struct Entry {
    open: Arc<Open>,
    pub pid: i32,
    pub secret: i32,
    /// Wakes who waits: nobody, unless a statement runs.
    pub cancelled: Arc<Notify>,
}

impl Open {
    /// Adds a connection, with a number and a secret of its own.
    pub fn enter(self: &Arc<Self>) -> Entry {
        let mut open = self.0.lock();
        let fresh = std::iter::repeat_with(|| rand::random_range(1..=i32::MAX));
        let pid = fresh.into_iter().find(|pid| !open.contains_key(pid)).expect("the numbers do not end");
        let (secret, cancelled) = (rand::random(), Arc::new(Notify::new()));
        open.insert(pid, Known { secret, cancelled: cancelled.clone() });
        Entry { open: self.clone(), pid, secret, cancelled }
    }

    /// Ends what runs on a connection; says nothing of whether there is one.
    pub fn cancel(&self, pid: i32, secret: &Bytes) {
        let open = self.0.lock();
        if let Some(known) = open.get(&pid)
            && secret[..] == known.secret.to_be_bytes()
        {
            known.cancelled.notify_waiters();
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.0.lock().remove(&self.pid);
    }
}

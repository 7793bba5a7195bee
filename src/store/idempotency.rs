//! Idempotency keys: a request repeated with its key gets the first answer, and writes nothing.
//!
//! Keys, body hashes and answers travel in the log record of the rows they belong to, so the promise holds across
//! a crash. Entries live for `TTL_US` and are bounded in number and bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::wal::Idempotent;
use crate::domain::{Error, FieldError, Kind, Micros, Result};

/// 24 hours.
pub const TTL_US: i64 = 24 * 3600 * 1_000_000;
const MAX_ENTRIES: usize = 200_000;
const MAX_BYTES: usize = 64 << 20;
/// Longest key accepted, in bytes.
pub const MAX_KEY: usize = 255;

type Id = (String, String);

enum Entry {
    /// The first request is being written; the channel closes when it ends, either way.
    Pending([u8; 32], watch::Receiver<()>),
    Done(Arc<Idempotent>),
}

#[derive(Default)]
struct Table {
    entries: HashMap<Id, Entry>,
    /// Done entries, oldest first.
    order: VecDeque<Arc<Idempotent>>,
    bytes: usize,
}

/// All live keys.
#[derive(Default)]
pub struct Idempotency {
    table: Mutex<Table>,
}

/// What to do with a request that carries a key.
pub enum Begin {
    /// Write it, then `Claim::finish`; dropping the claim lets a retry try again.
    First(Claim),
    /// It was written before: answer this.
    Replay(Vec<u8>),
}

/// The right to write a key's request.
pub struct Claim {
    owner: Arc<Idempotency>,
    id: Id,
    body_hash: [u8; 32],
    _done: watch::Sender<()>,
}

impl Idempotency {
    /// Claims a key, or waits for a concurrent request with the same one.
    ///
    /// # Errors
    /// `Invalid` when the key was used with another body; `Throttled` when too many keys are live.
    pub async fn begin(
        self: &Arc<Self>,
        scope: &str,
        key: &str,
        hash: [u8; 32],
        now: Micros,
    ) -> Result<Begin> {
        if key.is_empty() || key.len() > MAX_KEY {
            let message = format!("must be 1 to {MAX_KEY} bytes long");
            return Err(Error::fields(vec![FieldError::new("Idempotency-Key", message)]));
        }
        loop {
            let mut waiting = {
                let mut table = self.table.lock();
                table.expire(now.0);
                let id = (scope.to_owned(), key.to_owned());
                match table.entries.get(&id) {
                    Some(Entry::Done(done)) if done.body_hash == hash => {
                        return Ok(Begin::Replay(done.answer.clone()));
                    }
                    Some(Entry::Pending(first, done)) if *first == hash => done.clone(),
                    Some(_) => return Err(other_body(key)),
                    None => {
                        table.check_room()?;
                        let (sender, receiver) = watch::channel(());
                        table.entries.insert(id.clone(), Entry::Pending(hash, receiver));
                        return Ok(Begin::First(Claim {
                            owner: self.clone(),
                            id,
                            body_hash: hash,
                            _done: sender,
                        }));
                    }
                }
            };
            // Errs once the sender is dropped, which is what is waited for.
            let _ = waiting.changed().await;
        }
    }

    /// Takes over an entry found in the log or a checkpoint.
    pub fn restore(&self, entry: Idempotent) {
        self.table.lock().insert(Arc::new(entry));
    }

    /// The entries to keep across a restart.
    pub fn live(&self, now: Micros) -> Vec<Arc<Idempotent>> {
        let mut table = self.table.lock();
        table.expire(now.0);
        table.order.iter().cloned().collect()
    }
}

impl Claim {
    /// The entry to log with the request's rows.
    pub fn entry(&self, answer: Vec<u8>, now: Micros) -> Idempotent {
        let (scope, key) = self.id.clone();
        Idempotent { scope, key, body_hash: self.body_hash, answer, expires_at: now.0.saturating_add(TTL_US) }
    }

    /// Records the answer of the request, now durable.
    pub fn finish(self, entry: Idempotent) {
        self.owner.table.lock().insert(Arc::new(entry));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut table = self.owner.table.lock();
        if matches!(table.entries.get(&self.id), Some(Entry::Pending(..))) {
            table.entries.remove(&self.id);
        }
    }
}

impl Table {
    fn insert(&mut self, entry: Arc<Idempotent>) {
        self.bytes += size(&entry);
        let id = (entry.scope.clone(), entry.key.clone());
        self.order.push_back(entry.clone());
        if let Some(Entry::Done(old)) = self.entries.insert(id, Entry::Done(entry)) {
            self.order.retain(|e| !Arc::ptr_eq(e, &old));
            self.bytes -= size(&old);
        }
    }

    fn expire(&mut self, now: i64) {
        while let Some(oldest) = self.order.front().filter(|e| e.expires_at <= now) {
            self.bytes -= size(oldest);
            self.entries.remove(&(oldest.scope.clone(), oldest.key.clone()));
            self.order.pop_front();
        }
    }

    fn check_room(&self) -> Result<()> {
        if self.entries.len() < MAX_ENTRIES && self.bytes < MAX_BYTES {
            return Ok(());
        }
        let message = "too many idempotency keys are in use; send without a key or retry later";
        Err(Error::new(Kind::Throttled, message))
    }
}

fn size(entry: &Idempotent) -> usize {
    entry.scope.len() + entry.key.len() + entry.answer.len() + 128
}

fn other_body(key: &str) -> Error {
    let mut error = Error::conflict(format!("the Idempotency-Key `{key}` was used with another body"));
    error.fields.push(FieldError::new("Idempotency-Key", "was used with another body"));
    error
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod tests;

//! Idempotency keys: a request repeated with its key gets the first answer, and writes nothing.
//!
//! Keys, body hashes and answers travel in the log record of the rows they belong to, so the promise holds across
//! a crash. Entries live for `TTL_US` and are bounded in number and bytes, of which every caller and every
//! organization has a share: one who uses up theirs is refused alone. None goes before its time to make room: its
//! request would count twice.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::shares::{Amount, Full, Shares};
use super::wal::Idempotent;
use crate::domain::{Error, FieldError, Kind, Micros, Result};

/// 24 hours.
pub const TTL_US: i64 = 24 * 3600 * 1_000_000;
/// Of all callers together: some 90 MB with what keeps them in order.
const MAX_ENTRIES: usize = 200_000;
const MAX_BYTES: usize = 64 << 20;
/// What an entry takes besides its texts.
const ENTRY_BYTES: usize = 128;
/// Longest key accepted, in bytes.
pub const MAX_KEY: usize = 255;

type Id = (String, String);

enum Entry {
    /// The first request is being written; the channel closes when it ends, either way.
    Pending([u8; 32], watch::Receiver<()>),
    Done(Arc<Idempotent>),
}

struct Table {
    entries: HashMap<Id, Entry>,
    /// Done entries, oldest first.
    order: VecDeque<Arc<Idempotent>>,
    shares: Shares,
}

impl Default for Table {
    fn default() -> Self {
        let whole = Amount { entries: MAX_ENTRIES, bytes: MAX_BYTES };
        Self { entries: HashMap::new(), order: VecDeque::new(), shares: Shares::new(whole) }
    }
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
    /// `Invalid` when the key was used with another body; `Throttled` when this caller, or its organization,
    /// has as many live keys as it may.
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
                        table.shares.check(scope).map_err(too_many)?;
                        table.shares.add(scope, size(&id, 0));
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
            table.shares.remove(&self.id.0, size(&self.id, 0));
        }
    }
}

impl Table {
    fn insert(&mut self, entry: Arc<Idempotent>) {
        let id = (entry.scope.clone(), entry.key.clone());
        match self.entries.remove(&id) {
            // The log is replayed over a checkpoint that has it already.
            Some(Entry::Done(old)) if old == entry => {
                self.entries.insert(id, Entry::Done(old));
                return;
            }
            Some(Entry::Done(old)) => {
                self.order.retain(|e| !Arc::ptr_eq(e, &old));
                self.shares.remove(&id.0, size(&id, old.answer.len()));
            }
            Some(Entry::Pending(..)) => self.shares.remove(&id.0, size(&id, 0)),
            None => {}
        }
        self.shares.add(&id.0, size(&id, entry.answer.len()));
        self.order.push_back(entry.clone());
        self.entries.insert(id, Entry::Done(entry));
    }

    fn expire(&mut self, now: i64) {
        while let Some(oldest) = self.order.pop_front_if(|e| e.expires_at <= now) {
            let id = (oldest.scope.clone(), oldest.key.clone());
            self.entries.remove(&id);
            self.shares.remove(&id.0, size(&id, oldest.answer.len()));
        }
    }
}

fn size((scope, key): &Id, answer: usize) -> usize {
    scope.len() + key.len() + answer + ENTRY_BYTES
}

fn too_many(full: Full) -> Error {
    let whose = match full {
        Full::Caller => "this caller",
        Full::Org => "this organization",
    };
    let message = format!(
        "too many idempotency keys of {whose} are in use (each for 24 hours); send without a key or retry later"
    );
    Error::new(Kind::Throttled, message)
}

fn other_body(key: &str) -> Error {
    let mut error = Error::conflict(format!("the Idempotency-Key `{key}` was used with another body"));
    error.fields.push(FieldError::new("Idempotency-Key", "was used with another body"));
    error
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod tests;

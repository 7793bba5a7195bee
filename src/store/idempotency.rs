//! Idempotency keys: a request repeated with its key gets the first answer and writes nothing.
//!
//! Keys, body hashes and answers are stored in the log record of the rows they belong to, so the guarantee survives a
//! crash. Entries live for `TTL_US`. They are bounded in number and bytes, with a share for every caller and every
//! organization: one that exhausts its share is refused alone. No entry is evicted early to make room, because its
//! request could then be written twice.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::fair_quota::{FairQuota, QuotaExceeded, QuotaUsage};
use super::wal::IdempotencyRecord;
use crate::domain::{Error, FieldError, Kind, Micros, Result};

/// 24 hours.
pub const TTL_US: i64 = 24 * 3600 * 1_000_000;
/// Limit of entries of all callers together: about 90 MB with the ordering structures.
const MAX_ENTRIES: usize = 200_000;
const MAX_BYTES: usize = 64 << 20;
/// Memory of an entry besides its texts, bytes.
const ENTRY_OVERHEAD_BYTES: usize = 128;
/// Maximum key length, bytes.
pub const MAX_KEY_BYTES: usize = 255;

type ScopedKey = (String, String);

enum KeyState {
    /// The first request is being written; the channel closes when it ends, with or without success.
    Pending([u8; 32], watch::Receiver<()>),
    Done(Arc<IdempotencyRecord>),
}

struct KeyTable {
    entries: HashMap<ScopedKey, KeyState>,
    /// Completed entries, oldest first.
    order: VecDeque<Arc<IdempotencyRecord>>,
    shares: FairQuota,
}

impl Default for KeyTable {
    fn default() -> Self {
        let whole = QuotaUsage { entries: MAX_ENTRIES, bytes: MAX_BYTES };
        Self { entries: HashMap::new(), order: VecDeque::new(), shares: FairQuota::new(whole) }
    }
}

/// All live keys.
#[derive(Default)]
pub struct IdempotencyKeys {
    table: Mutex<KeyTable>,
}

/// Decision for a request that carries a key.
pub enum BeginOutcome {
    /// Write the request, then call `Claim::finish`; dropping the claim lets a retry try again.
    First(Claim),
    /// The request was written before: return this answer.
    Replay(Vec<u8>),
}

/// Exclusive right to write the request of a key.
pub struct Claim {
    owner: Arc<IdempotencyKeys>,
    id: ScopedKey,
    body_hash: [u8; 32],
    _done: watch::Sender<()>,
}

impl IdempotencyKeys {
    /// Claims a key, or waits for a concurrent request with the same one.
    ///
    /// # Errors
    /// `Conflict` when the key was used with another body; `Invalid` for a key that is empty or too long; `Throttled` when
    /// this caller or its organization has reached its limit of live keys.
    pub async fn begin(
        self: &Arc<Self>,
        scope: &str,
        key: &str,
        hash: [u8; 32],
        now: Micros,
    ) -> Result<BeginOutcome> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            let message = format!("must be 1 to {MAX_KEY_BYTES} bytes long");
            return Err(Error::fields(vec![FieldError::new("Idempotency-Key", message)]));
        }
        loop {
            let mut waiting = {
                let mut table = self.table.lock();
                table.expire(now.0);
                let id = (scope.to_owned(), key.to_owned());
                match table.entries.get(&id) {
                    Some(KeyState::Done(done)) if done.body_hash == hash => {
                        return Ok(BeginOutcome::Replay(done.answer.clone()));
                    }
                    Some(KeyState::Pending(first, done)) if *first == hash => done.clone(),
                    Some(_) => return Err(other_body(key)),
                    None => {
                        table.shares.check(scope).map_err(too_many)?;
                        table.shares.add(scope, size(&id, 0));
                        let (sender, receiver) = watch::channel(());
                        table.entries.insert(id.clone(), KeyState::Pending(hash, receiver));
                        return Ok(BeginOutcome::First(Claim {
                            owner: self.clone(),
                            id,
                            body_hash: hash,
                            _done: sender,
                        }));
                    }
                }
            };
            // `changed` fails once the sender is dropped, which is the awaited event.
            let _ = waiting.changed().await;
        }
    }

    /// Restores an entry found in the log or in a checkpoint.
    pub fn restore(&self, entry: IdempotencyRecord) {
        self.table.lock().insert(Arc::new(entry));
    }

    /// Returns the entries to keep across a restart.
    pub fn live_entries(&self, now: Micros) -> Vec<Arc<IdempotencyRecord>> {
        let mut table = self.table.lock();
        table.expire(now.0);
        table.order.iter().cloned().collect()
    }
}

impl Claim {
    /// Returns the entry to log with the request's rows.
    pub fn entry(&self, answer: Vec<u8>, now: Micros) -> IdempotencyRecord {
        let (scope, key) = self.id.clone();
        IdempotencyRecord {
            scope,
            key,
            body_hash: self.body_hash,
            answer,
            expires_at: now.0.saturating_add(TTL_US),
        }
    }

    /// Records the answer of the request, which is now durable.
    pub fn finish(self, entry: IdempotencyRecord) {
        self.owner.table.lock().insert(Arc::new(entry));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut table = self.owner.table.lock();
        if matches!(table.entries.get(&self.id), Some(KeyState::Pending(..))) {
            table.entries.remove(&self.id);
            table.shares.remove(&self.id.0, size(&self.id, 0));
        }
    }
}

impl KeyTable {
    fn insert(&mut self, entry: Arc<IdempotencyRecord>) {
        let id = (entry.scope.clone(), entry.key.clone());
        match self.entries.remove(&id) {
            // The log is replayed over a checkpoint that already contains this entry.
            Some(KeyState::Done(old)) if old == entry => {
                self.entries.insert(id, KeyState::Done(old));
                return;
            }
            Some(KeyState::Done(old)) => {
                self.order.retain(|e| !Arc::ptr_eq(e, &old));
                self.shares.remove(&id.0, size(&id, old.answer.len()));
            }
            Some(KeyState::Pending(..)) => self.shares.remove(&id.0, size(&id, 0)),
            None => {}
        }
        self.shares.add(&id.0, size(&id, entry.answer.len()));
        self.order.push_back(entry.clone());
        self.entries.insert(id, KeyState::Done(entry));
    }

    fn expire(&mut self, now: i64) {
        while let Some(oldest) = self.order.pop_front_if(|e| e.expires_at <= now) {
            let id = (oldest.scope.clone(), oldest.key.clone());
            self.entries.remove(&id);
            self.shares.remove(&id.0, size(&id, oldest.answer.len()));
        }
    }
}

fn size((scope, key): &ScopedKey, answer: usize) -> usize {
    scope.len() + key.len() + answer + ENTRY_OVERHEAD_BYTES
}

fn too_many(full: QuotaExceeded) -> Error {
    let whose = match full {
        QuotaExceeded::Caller => "this caller",
        QuotaExceeded::Org => "this organization",
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

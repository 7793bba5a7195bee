//! Memory accounting per connection and for all connections together: of prepared statements and portals, which are
//! kept between messages, and of messages being received.

use std::mem::size_of;
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::PgError;

/// Maximum bytes of statements and portals that one connection keeps. Drivers that keep a statement for each of their
/// queries take a hundredth of it.
pub const MAX_RETAINED_BYTES: usize = 16 << 20;
/// Maximum bytes that all connections keep together, without messages being received.
const MAX_SHARED_BYTES: usize = 64 << 20;
/// Bytes guaranteed to each connection, so that others never cause the refusal of ordinary statements.
const PRIVATE_BYTES_PER_CONNECTION: usize = 64 << 10;
/// Copies of a message: as received, as text, as statement, and in the engine.
const MESSAGE_COPIES: usize = 4;
/// Number of messages of maximum length that all connections together may be sending.
const MAX_LONGEST_MESSAGES: usize = 2;

/// Memory that all connections of the listener hold beyond their guaranteed share.
#[derive(Debug)]
pub struct PgMemoryPool {
    most: usize,
    shared_bytes: Mutex<usize>,
}

/// Memory that one connection holds.
#[derive(Debug)]
pub struct ConnectionMemory {
    memory: Arc<PgMemoryPool>,
    held: Mutex<ReservedBytes>,
}

#[derive(Debug, Default)]
struct ReservedBytes {
    total: usize,
    /// The part of `total` that is kept after the message.
    kept: usize,
}

/// Bytes counted until this is dropped.
#[derive(Debug)]
pub struct PgReservation {
    account: Arc<ConnectionMemory>,
    bytes: usize,
    is_kept: bool,
}

impl PgMemoryPool {
    /// Creates a pool for messages of at most `max_message` bytes.
    pub fn new(max_message: usize) -> Arc<Self> {
        let messages = max_message.saturating_mul(MESSAGE_COPIES * MAX_LONGEST_MESSAGES);
        Arc::new(Self { most: messages.saturating_add(MAX_SHARED_BYTES), shared_bytes: Mutex::default() })
    }
}

impl ConnectionMemory {
    /// Creates the account of a connection that holds nothing; beyond its guaranteed bytes it takes from the pool.
    pub fn new(memory: Arc<PgMemoryPool>) -> Arc<Self> {
        Arc::new(Self { memory, held: Mutex::default() })
    }

    /// Reserves memory that is kept after the message: a statement or the values of a portal.
    ///
    /// # Errors
    /// 54000 when the connection keeps too much, 53200 when all connections hold too much.
    pub fn reserve_retained(self: &Arc<Self>, bytes: usize) -> Result<PgReservation, PgError> {
        self.take(bytes.saturating_add(size_of::<PgReservation>()), true)
    }

    /// Reserves memory for a message of `bytes` bytes that is being received.
    ///
    /// # Errors
    /// 53200 when all connections hold too much.
    pub fn reserve_message(self: &Arc<Self>, bytes: usize) -> Result<PgReservation, PgError> {
        self.take(bytes.saturating_mul(MESSAGE_COPIES), false)
    }

    fn take(self: &Arc<Self>, bytes: usize, is_kept: bool) -> Result<PgReservation, PgError> {
        let mut usage = self.held.lock();
        let total = usage.total.saturating_add(bytes);
        if is_kept && usage.kept.saturating_add(bytes) > MAX_RETAINED_BYTES {
            let message = format!(
                "a connection keeps at most {MAX_RETAINED_BYTES} bytes of prepared statements and portals; close some"
            );
            return Err(PgError::Protocol("54000", message));
        }
        self.share(shared_bytes(usage.total), shared_bytes(total))?;
        usage.total = total;
        if is_kept {
            usage.kept += bytes;
        }
        Ok(PgReservation { account: self.clone(), bytes, is_kept })
    }

    /// Moves this connection's share of the pool from `before` to `after` bytes.
    fn share(&self, before: usize, after: usize) -> Result<(), PgError> {
        if before == after {
            return Ok(());
        }
        let mut taken = self.memory.shared_bytes.lock();
        let now = taken.saturating_sub(before).saturating_add(after);
        if after > before && now > self.memory.most {
            let message = "out of memory: all connections together hold too much of messages and statements; try again later";
            return Err(PgError::Protocol("53200", message.to_owned()));
        }
        *taken = now;
        Ok(())
    }
}

fn shared_bytes(total: usize) -> usize {
    total.saturating_sub(PRIVATE_BYTES_PER_CONNECTION)
}

impl Drop for PgReservation {
    fn drop(&mut self) {
        let mut usage = self.account.held.lock();
        let total = usage.total.saturating_sub(self.bytes);
        // Releasing is never refused.
        self.account.share(shared_bytes(usage.total), shared_bytes(total)).unwrap_or(());
        usage.total = total;
        if self.is_kept {
            usage.kept = usage.kept.saturating_sub(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, PgError>) -> &'static str {
        match result {
            Err(PgError::Protocol(code, _)) => code,
            Err(_) => "another",
            Ok(_) => "none",
        }
    }

    #[test]
    fn a_connection_keeps_so_much_and_gets_it_back() {
        let account = ConnectionMemory::new(PgMemoryPool::new(0));
        let half = account.reserve_retained(MAX_RETAINED_BYTES / 2).unwrap();
        assert_eq!(code(account.reserve_retained(MAX_RETAINED_BYTES / 2)), "54000");
        let message = account.reserve_message(MAX_RETAINED_BYTES / 2).expect("messages are counted apart");
        drop((half, message));
        assert_eq!(code(account.reserve_retained(MAX_RETAINED_BYTES / 2)), "none");
        assert_eq!((account.held.lock().total, *account.memory.shared_bytes.lock()), (0, 0));
    }

    #[test]
    fn all_connections_share_one_account_and_have_a_little_of_their_own() {
        let memory = PgMemoryPool::new(1 << 20);
        let mut reservations = Vec::new();
        let refused = loop {
            match ConnectionMemory::new(memory.clone()).reserve_retained(MAX_RETAINED_BYTES / 2) {
                Ok(kept) => reservations.push(kept),
                refused => break code(refused),
            }
        };
        assert_eq!((reservations.len(), refused), (9, "53200"));
        let other = ConnectionMemory::new(memory.clone());
        assert_eq!(code(other.reserve_message(1 << 20)), "53200");
        let _ordinary =
            other.reserve_retained(PRIVATE_BYTES_PER_CONNECTION / 2).expect("what is its own nobody takes");
        reservations.pop();
        assert_eq!(code(other.reserve_message(1 << 20)), "none");
        drop(reservations);
        assert_eq!(*memory.shared_bytes.lock(), 0);
    }
}

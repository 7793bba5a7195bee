//! Memory that connections keep from one message to the next, and messages on their way in: counted for each connection
//! and for all of them together.

use std::mem::size_of;
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::Fault;

/// What one connection keeps of statements and portals, bytes. Drivers that keep a statement for each of their queries
/// take a hundredth of it.
pub const MAX_KEPT_BYTES: usize = 16 << 20;
/// What all connections keep together, beside messages on their way in.
const MAX_SHARED_BYTES: usize = 64 << 20;
/// What each connection has for itself, whatever the others keep: ordinary statements are never refused for others.
const OWN_BYTES: usize = 64 << 10;
/// A message is held as it came, as text, as statement and by the engine.
const COPIES: usize = 4;
/// Messages of the longest length that all connections may be sending at the same time.
const LONGEST_MESSAGES: usize = 2;

/// What all connections of the listener hold beyond their own.
#[derive(Debug)]
pub struct Memory {
    most: usize,
    taken: Mutex<usize>,
}

/// What one connection holds.
#[derive(Debug)]
pub struct Account {
    memory: Arc<Memory>,
    held: Mutex<Holdings>,
}

#[derive(Debug, Default)]
struct Holdings {
    total: usize,
    /// Of it, what stays after the message.
    kept: usize,
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub struct Held {
    account: Arc<Account>,
    bytes: usize,
    is_kept: bool,
}

impl Memory {
    /// For messages of at most so many bytes.
    pub fn new(max_message: usize) -> Arc<Self> {
        let messages = max_message.saturating_mul(COPIES * LONGEST_MESSAGES);
        Arc::new(Self { most: messages.saturating_add(MAX_SHARED_BYTES), taken: Mutex::default() })
    }
}

impl Account {
    pub fn new(memory: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self { memory, held: Mutex::default() })
    }

    /// Counts what stays after a message: a statement or the values of a portal.
    ///
    /// # Errors
    /// 54000 when the connection keeps too much, 53200 when all of them do.
    pub fn keep(self: &Arc<Self>, bytes: usize) -> Result<Held, Fault> {
        self.take(bytes.saturating_add(size_of::<Held>()), true)
    }

    /// Counts a message of so many bytes that is on its way.
    ///
    /// # Errors
    /// 53200 when all connections hold too much.
    pub fn receive(self: &Arc<Self>, bytes: usize) -> Result<Held, Fault> {
        self.take(bytes.saturating_mul(COPIES), false)
    }

    fn take(self: &Arc<Self>, bytes: usize, is_kept: bool) -> Result<Held, Fault> {
        let mut held = self.held.lock();
        let total = held.total.saturating_add(bytes);
        if is_kept && held.kept.saturating_add(bytes) > MAX_KEPT_BYTES {
            let message = format!(
                "a connection keeps at most {MAX_KEPT_BYTES} bytes of prepared statements and portals; close some"
            );
            return Err(Fault::Protocol("54000", message));
        }
        self.share(beyond(held.total), beyond(total))?;
        held.total = total;
        if is_kept {
            held.kept += bytes;
        }
        Ok(Held { account: self.clone(), bytes, is_kept })
    }

    /// Takes of what is shared, or gives back.
    fn share(&self, before: usize, after: usize) -> Result<(), Fault> {
        if before == after {
            return Ok(());
        }
        let mut taken = self.memory.taken.lock();
        let now = taken.saturating_sub(before).saturating_add(after);
        if after > before && now > self.memory.most {
            let message = "out of memory: all connections together hold too much of messages and statements; try again later";
            return Err(Fault::Protocol("53200", message.to_owned()));
        }
        *taken = now;
        Ok(())
    }
}

fn beyond(total: usize) -> usize {
    total.saturating_sub(OWN_BYTES)
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.account.held.lock();
        let total = held.total.saturating_sub(self.bytes);
        // Giving back is never refused.
        self.account.share(beyond(held.total), beyond(total)).unwrap_or(());
        held.total = total;
        if self.is_kept {
            held.kept = held.kept.saturating_sub(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Fault>) -> &'static str {
        match result {
            Err(Fault::Protocol(code, _)) => code,
            Err(_) => "another",
            Ok(_) => "none",
        }
    }

    #[test]
    fn a_connection_keeps_so_much_and_gets_it_back() {
        let account = Account::new(Memory::new(0));
        let half = account.keep(MAX_KEPT_BYTES / 2).unwrap();
        assert_eq!(code(account.keep(MAX_KEPT_BYTES / 2)), "54000");
        let message = account.receive(MAX_KEPT_BYTES / 2).expect("messages are counted apart");
        drop((half, message));
        assert_eq!(code(account.keep(MAX_KEPT_BYTES / 2)), "none");
        assert_eq!((account.held.lock().total, *account.memory.taken.lock()), (0, 0));
    }

    #[test]
    fn all_connections_share_one_account_and_have_a_little_of_their_own() {
        let memory = Memory::new(1 << 20);
        let mut held = Vec::new();
        let refused = loop {
            match Account::new(memory.clone()).keep(MAX_KEPT_BYTES / 2) {
                Ok(kept) => held.push(kept),
                refused => break code(refused),
            }
        };
        assert_eq!((held.len(), refused), (9, "53200"));
        let other = Account::new(memory.clone());
        assert_eq!(code(other.receive(1 << 20)), "53200");
        let _ordinary = other.keep(OWN_BYTES / 2).expect("what is its own nobody takes");
        held.pop();
        assert_eq!(code(other.receive(1 << 20)), "none");
        drop(held);
        assert_eq!(*memory.taken.lock(), 0);
    }
}

//! A growing buffer whose memory is in the account of request bodies.

use crate::app::body_memory::BodyMemoryReservation;
use crate::domain::Error;

/// Initial buffer for a body.
const INITIAL_BUFFER_BYTES: usize = 16 * 1024;

/// A growing buffer with its reservation, which covers all allocated bytes: while the buffer moves, old and new.
pub struct AccountedBuffer {
    pub bytes: Vec<u8>,
    pub reservation: BodyMemoryReservation,
    /// Reserved for other memory beside the buffer.
    pub extra_bytes: usize,
}

impl AsRef<[u8]> for AccountedBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AccountedBuffer {
    /// Returns an empty buffer; `beside` bytes of the reservation are for other memory.
    pub fn new(reservation: BodyMemoryReservation, beside: usize) -> Self {
        Self { bytes: Vec::new(), reservation, extra_bytes: beside }
    }

    /// Reserves more bytes for what is made of the content.
    ///
    /// # Errors
    /// `Busy` when the bodies of all callers, or of this one, hold too much memory.
    pub fn reserve_beside(&mut self, bytes: usize) -> Result<(), Error> {
        self.reservation.try_grow_to(self.reservation.bytes() + bytes)
    }

    /// Makes room for `more` bytes; the buffer will hold at most `most`.
    ///
    /// # Errors
    /// `Busy` when the bodies of all callers, or of this one, hold too much memory.
    pub fn make_room(&mut self, more: usize, most: usize) -> Result<(), Error> {
        let (has, needed) = (self.bytes.capacity(), self.bytes.len() + more);
        if needed <= has {
            return Ok(());
        }
        let wanted = (has * 2).max(INITIAL_BUFFER_BYTES).min(most).max(needed);
        self.reservation.try_grow_to(self.extra_bytes + has + wanted)?;
        self.bytes.reserve_exact(wanted - self.bytes.len());
        self.reservation.shrink(self.extra_bytes + wanted);
        Ok(())
    }
}

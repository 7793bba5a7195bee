//! Sessions: people logged in to the administration. Of a session's token only a hash is stored.

use super::{Micros, SessionId, UserId};

/// A session lasts a fixed time from its login, however much it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    pub created_at: Micros,
    pub expires_at: Micros,
}

impl Session {
    pub fn is_valid_at(&self, now: Micros) -> bool {
        now < self.expires_at
    }
}

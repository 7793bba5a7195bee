//! Login sessions of users in the administration. Only a hash of a session's token is stored.

use super::{Micros, SessionId, UserId};

/// A session expires a fixed time after its login, regardless of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Row id.
    pub id: SessionId,
    /// User who logged in.
    pub user: UserId,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Time of the login.
    pub created_at: Micros,
    /// Time from which the session is refused.
    pub expires_at: Micros,
}

impl Session {
    /// Whether the session has not expired at `now`.
    pub fn is_valid_at(&self, now: Micros) -> bool {
        now < self.expires_at
    }
}

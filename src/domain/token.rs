//! Opaque access tokens of clients, each with a refresh token. Only their hashes are stored.

use super::{ClientId, Micros, TokenId, UserId};

/// A pair of tokens. Both expire at the same time; the refresh token is used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Row id.
    pub id: TokenId,
    /// Client that the tokens were issued to.
    pub client: ClientId,
    /// User whose rights the tokens carry; `None` is the client itself.
    pub user: Option<UserId>,
    /// Hashes of the tokens.
    pub hashes: TokenHashes,
    /// Time of issue.
    pub created_at: Micros,
    /// Time from which both tokens are refused.
    pub expires_at: Micros,
}

/// SHA-256 of each token of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHashes {
    /// Of the access token.
    pub access: [u8; 32],
    /// Of the refresh token; `None` once it was used.
    pub refresh: Option<[u8; 32]>,
}

impl Token {
    /// Whether the tokens have not expired at `now`.
    pub fn is_valid_at(&self, now: Micros) -> bool {
        now < self.expires_at
    }
}

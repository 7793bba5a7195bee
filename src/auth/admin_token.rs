//! The token that an operator configures for an API without users, and its comparison.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Longer tokens are refused unread: no valid header is that long.
const MAX_TOKEN_LEN: usize = 512;
/// Tokens of at least this length are not guessed.
const MIN_SOUND_LEN: usize = 16;

/// A configured token; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken {
    hash: [u8; 32],
    is_short: bool,
}

impl AdminToken {
    /// Reads a configured token without the blanks around it; `None` when nothing is left, when it is longer than 512
    /// bytes, or when a header cannot carry it.
    pub fn parse(text: &str) -> Option<AdminToken> {
        let token = text.trim();
        let is_sound = (1..=MAX_TOKEN_LEN).contains(&token.len()) && !token.chars().any(char::is_control);
        is_sound.then(|| AdminToken { hash: hash(token), is_short: token.len() < MIN_SOUND_LEN })
    }

    /// Compares with a presented token, without the blanks around it, in constant time.
    pub fn matches(&self, presented: &str) -> bool {
        let presented = presented.trim();
        presented.len() <= MAX_TOKEN_LEN && self.hash.ct_eq(&hash(presented)).into()
    }

    /// Whether the token has fewer than 16 bytes, so that it may be guessed.
    pub fn is_short(&self) -> bool {
        self.is_short
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_compared_exactly_and_without_the_blanks_around_it() {
        let long = "x".repeat(MAX_TOKEN_LEN);
        let rows = [
            ("hush", "hush", true),
            (" hush\t", " hush ", true),
            ("hush", "Hush", false),
            ("hush", "hus", false),
            ("hush", "", false),
            ("a b", "a b", true),
            ("clé", "clé", true),
            (&long, &long, true),
            ("hush", &long, false),
        ];
        for (configured, presented, expected) in rows {
            let token = AdminToken::parse(configured).expect(configured);
            assert_eq!(token.matches(presented), expected, "{configured} {presented}");
            assert_eq!(format!("{token:?}"), "AdminToken", "a log does not show it");
        }
        for malformed in ["", " \t", "a\nb", &"x".repeat(MAX_TOKEN_LEN + 1)] {
            assert_eq!(AdminToken::parse(malformed), None, "{malformed}");
        }
    }
}

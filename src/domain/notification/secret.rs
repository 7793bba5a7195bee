//! Secrets that are stored and never shown.

use std::fmt;

/// A secret that signs. It is stored, as the passwords of devices are, and never shown: it can neither be serialised nor
/// displayed, and `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ChannelSecret(String);

impl ChannelSecret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to sign with.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ChannelSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelSecret(…)")
    }
}

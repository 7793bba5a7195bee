//! What one GraphQL request may ask.

/// Limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fields within fields.
    pub depth: usize,
    /// Field values that an answer may have, about.
    pub complexity: usize,
    /// Fields under another name.
    pub aliases: usize,
    /// Operations in one request.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 15, complexity: 250_000, aliases: 100, batch: 10 }
    }
}

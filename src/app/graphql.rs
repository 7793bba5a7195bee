//! Limits of one GraphQL request.

/// Limits of a GraphQL request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphqlLimits {
    /// Maximum nesting of fields.
    pub depth: usize,
    /// Maximum estimated number of field values in the response.
    pub complexity: usize,
    /// Maximum aliased fields.
    pub aliases: usize,
    /// Maximum operations in one request.
    pub batch: usize,
}

impl Default for GraphqlLimits {
    fn default() -> Self {
        Self { depth: 15, complexity: 250_000, aliases: 100, batch: 10 }
    }
}

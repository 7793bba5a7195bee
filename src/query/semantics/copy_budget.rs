//! Bound of the text that rewrites copy from one place of a statement to several.

use std::fmt::Display;

/// Maximum number of bytes that are copied in a statement; what people write has a few hundred.
const MAX_COPIED_BYTES: usize = 64 << 10;

/// Bytes that may still be copied in a statement. Without a bound, a part of many kilobytes with thousands of references
/// would become gigabytes.
#[derive(Debug)]
pub(super) struct CopyBudget(usize);

impl Default for CopyBudget {
    fn default() -> Self {
        Self(MAX_COPIED_BYTES)
    }
}

impl CopyBudget {
    /// Whether a part may be copied once more. After the first refusal nothing is.
    pub(super) fn allows(&mut self, part: &impl Display) -> bool {
        let left = if self.0 > 0 { self.0.checked_sub(part.to_string().len()) } else { None };
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

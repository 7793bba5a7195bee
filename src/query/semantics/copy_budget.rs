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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn a_part_with_many_references_is_not_copied_without_end() {
        let item = format!("length('{}')", "x".repeat(2000));
        let (keys, calls) = (vec!["1"; 4000].join(", "), vec!["sum(x) OVER w"; 4000].join(", "));
        for text in [
            format!("SELECT {item} FROM t GROUP BY ROLLUP ({keys})"),
            format!("SELECT {calls} FROM t WINDOW w AS (ORDER BY {item})"),
        ] {
            let mut statement = parse(&text, 50).unwrap();
            syntax::rewrite(&mut statement);
            let longer = statement.to_string().len().saturating_sub(text.len());
            assert!((1..2 * MAX_COPIED_BYTES).contains(&longer), "{longer}");
        }
    }

    #[test]
    fn after_the_first_refusal_nothing_is_copied() {
        let mut budget = CopyBudget::default();
        assert!(budget.allows(&"x".repeat(MAX_COPIED_BYTES - 1)));
        assert!(!budget.allows(&"xx"));
        assert!(!budget.allows(&"x"));
    }
}

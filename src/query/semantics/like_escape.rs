//! `LIKE pattern ESCAPE 'c'`, rewritten to a pattern whose escape character is the backslash: DataFusion (55) knows no other one.

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

/// Rewrites a constant pattern of LIKE or ILIKE with an escape character; others are refused later.
pub(super) fn rewrite(expr: &mut Expr) {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = expr else {
        return;
    };
    let Some(ValueWithSpan { value: Value::SingleQuotedString(escape), .. }) = escape_char else { return };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = &mut **pattern else {
        return;
    };
    if let Some(escaped) = with_backslashes(text, escape) {
        *text = escaped;
        *escape_char = None;
    }
}

/// Pattern with backslashes before the characters that stand for themselves; `None` where it ends with its escape character, or that is more
/// than one.
fn with_backslashes(pattern: &str, escape: &str) -> Option<String> {
    let mut chars = escape.chars();
    let (escape, None) = (chars.next(), chars.next()) else { return None };
    let (mut out, mut rest) = (String::with_capacity(pattern.len()), pattern.chars());
    while let Some(c) = rest.next() {
        let is_escaped = Some(c) == escape;
        let c = if is_escaped { rest.next()? } else { c };
        if c == '\\' || (is_escaped && matches!(c, '%' | '_')) {
            out.push('\\');
        }
        out.push(c);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_the_same_with_backslashes() {
        for (pattern, escape, expected) in [
            ("a!%%", "!", Some(r"a\%%")),
            ("a!!_", "!", Some("a!_")),
            ("a%%", "%", Some(r"a\%")),
            (r"a\c_", "", Some(r"a\\c_")),
            (r"a\_\\", r"\", Some(r"a\_\\")),
            (r"\!x", "!", Some(r"\\x")),
            ("a!", "!", None),
            ("a", "xy", None),
        ] {
            assert_eq!(with_backslashes(pattern, escape).as_deref(), expected, "{pattern} {escape}");
        }
    }
}

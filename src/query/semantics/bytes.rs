//! Texts that are cast to `bytea`, in the two forms of PostgreSQL (15, 8.4). DataFusion (55) takes the bytes of the text itself.

use std::fmt::Write;

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

/// Replaces a text that is cast to `bytea` by the bytes that it writes. Digits that are none are left for the planner, which refuses
/// them.
pub(super) fn rewrite_literal(expr: &mut Expr) {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = expr else { return };
    if !text.contains('\\') {
        return;
    }
    let digits = match text.strip_prefix("\\x") {
        Some(digits) => digits.split_ascii_whitespace().collect(),
        None => escaped(text),
    };
    *expr = Expr::value(Value::HexStringLiteral(digits));
}

/// Returns the hexadecimal digits of a text in which `\\` is a backslash and `\ooo` the byte with an octal number. What is no such form
/// stays a backslash, which is no digit.
fn escaped(text: &str) -> String {
    let mut digits = String::with_capacity(2 * text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => (b'\\', tail),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                (((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), tail)
            }
            (b'\\', _) => return text.to_owned(),
            (byte, tail) => (*byte, tail),
        };
        // A string takes all that is written to it.
        let _ = write!(digits, "{byte:02x}");
        rest = tail;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is what PostgreSQL 15 answers to `encode(…::bytea, 'hex')`.
    #[test]
    fn texts_write_bytes_in_two_forms() {
        for (text, expected) in [
            (r"\x00fF", "00fF"),
            (r"\x00 ff", "00ff"),
            (r"\x", ""),
            (r"a\\b", "615c62"),
            (r"a\000\377", "6100ff"),
            (r"\x0g", "0g"),
            (r"a\9", r"a\9"),
            (r"a\400", r"a\400"),
        ] {
            let mut expr = Expr::value(Value::SingleQuotedString(text.to_owned()));
            rewrite_literal(&mut expr);
            assert_eq!(expr, Expr::value(Value::HexStringLiteral(expected.to_owned())), "{text}");
        }
        let plain = Expr::value(Value::SingleQuotedString("abc".to_owned()));
        let mut expr = plain.clone();
        rewrite_literal(&mut expr);
        assert_eq!(expr, plain);
    }
}

//! String literals of SQL as values: plain ones and those with escapes.

use std::str::Chars;

/// Returns the text of a string literal; a word or a digit stands for itself.
pub fn value(token: &str) -> Option<String> {
    if let Some(escaped) = token.strip_prefix(['E', 'e']).and_then(quoted) {
        return Some(unescape(escaped));
    }
    if let Some(inner) = quoted(token) {
        return Some(inner.replace("''", "'"));
    }
    token.chars().all(|c| c.is_alphanumeric() || c == '_').then(|| token.to_owned())
}

fn quoted(token: &str) -> Option<&str> {
    token.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
}

/// Returns the text of an escape string (E'…') without its quotes.
fn unescape(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        match c {
            // A quote in the text is doubled.
            '\'' => text.extend(rest.next()),
            '\\' => text.extend(escape(&mut rest)),
            c => text.push(c),
        }
    }
    text
}

/// Reads an escape after its backslash.
fn escape(rest: &mut Chars<'_>) -> Option<char> {
    Some(match rest.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'x' => char::from(number(rest, 16, 2, 0)),
        digit @ '0'..='7' => char::from(number(rest, 8, 2, digit as u8 - b'0')),
        c => c,
    })
}

/// Reads at most so many digits after `value`; what does not fit in a byte wraps, as in PostgreSQL.
fn number(rest: &mut Chars<'_>, radix: u32, most: usize, mut value: u8) -> u8 {
    for _ in 0..most {
        let mut ahead = rest.clone();
        let Some(digit) = ahead.next().and_then(|c| c.to_digit(radix)) else { break };
        value = value.wrapping_mul(radix as u8).wrapping_add(digit as u8);
        *rest = ahead;
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_have_the_values_of_postgresql() {
        for (token, expected) in [
            ("'a'", Some("a")),
            ("''", Some("")),
            ("'it''s'", Some("it's")),
            (r"E'\t'", Some("\t")),
            (r"e'\x1f\1\101\'\\'''", Some("\u{1f}\u{1}A'\\'")),
            ("csv", Some("csv")),
            ("7", Some("7")),
            ("'open", None),
            ("E'open", None),
            ("\"name\"", None),
            ("(", None),
        ] {
            assert_eq!(value(token).as_deref(), expected, "{token}");
        }
    }

    proptest! {
        /// No token makes the reader panic.
        #[test]
        fn any_token_is_read(token in r"[Ee]?'?([a-fx0-9'é]|\\){0,20}'?") {
            drop(value(&token));
        }
    }
}

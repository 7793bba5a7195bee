//! JSON as devices write it: with numbers that are none or that no 64-bit floating-point number holds, a byte order mark
//! before it, and NULs after it. Pure.
//!
//! `json.dumps` of Python writes `NaN`, `Infinity` and `-Infinity`; `printf` of C writes `nan`, `-nan`, `inf` and `-inf`, and
//! that of older Windows `1.#INF` and `1.#QNAN`. These and `1e400` are read as null, so that they cost the member that holds
//! them and not the document. What is no JSON otherwise is an error.

use serde::de::DeserializeOwned;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const NULL: &[u8] = b"null";

/// Reads a document. Strict JSON is parsed once; anything else is [rewritten](rewrite) and parsed again.
///
/// # Errors
/// The mistake in the text as it came, by line and column.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let text = trimmed(text);
    serde_json::from_slice(text).or_else(|error| match rewrite(text) {
        Some(rewritten) => serde_json::from_slice(&rewritten).map_err(|_| error),
        None => Err(error),
    })
}

/// A text without what is no part of its JSON: a byte order mark before it, and NULs after it with the space around them.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let is_ending = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let len = text.iter().rposition(|byte| !is_ending(byte)).map_or(0, |last| last + 1);
    text.get(..len).unwrap_or(text)
}

/// Writes null for every number that is none or beyond 64-bit floating point. What is within strings stays. `None` where
/// there is no such number.
pub fn rewrite(text: &[u8]) -> Option<Vec<u8>> {
    let mut rewritten = Vec::new();
    let mut rest = text;
    let mut is_changed = false;
    while let Some(first) = rest.first() {
        let len = match first {
            b'"' => string_len(rest),
            _ => rest.iter().take_while(|byte| is_of_word(**byte)).count().max(1),
        };
        let (token, tail) = rest.split_at_checked(len)?;
        let is_null = is_no_number(token);
        is_changed |= is_null;
        rewritten.extend_from_slice(if is_null { NULL } else { token });
        rest = tail;
    }
    is_changed.then_some(rewritten)
}

/// Length of the string that the text begins with, with both quotes; all of the text where it does not end.
fn string_len(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().skip(1).position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Whether a byte may be in a number or a literal.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'#')
}

/// Whether a token is written for a number that is none, or is a number beyond 64-bit floating point.
fn is_no_number(token: &[u8]) -> bool {
    let digits = token.strip_prefix(b"-").or_else(|| token.strip_prefix(b"+")).unwrap_or(token);
    let is = |word: &str| digits.eq_ignore_ascii_case(word.as_bytes());
    if is("nan") || is("inf") || is("infinity") || digits.starts_with(b"1.#") {
        return true;
    }
    let Some(true) = digits.first().map(u8::is_ascii_digit) else { return false };
    let number = std::str::from_utf8(token).ok().and_then(|token| token.parse::<f64>().ok());
    number.is_some_and(f64::is_infinite)
}

#[cfg(test)]
#[path = "device_json_tests.rs"]
mod tests;

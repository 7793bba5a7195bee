//! PEM (RFC 7468): read leniently, because devices write it with lines of any length; written by `rsa::pkcs8`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Returns the DER of a text that holds one block with one of these labels; `None` for any other text. What stands
/// before the block is ignored, as `openssl req -text` writes it; after the block there may be white space only.
pub(super) fn decode(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    let (_, from_label) = text.split_once(BEGIN)?;
    let (label, rest) = from_label.split_once(DASHES)?;
    if !labels.contains(&label) {
        return None;
    }
    let (body, rest) = rest.split_once(END)?;
    let after = rest.strip_prefix(label)?.strip_prefix(DASHES)?;
    if !after.trim().is_empty() {
        return None;
    }
    let body: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_is_read_whatever_its_lines() {
        let rows = [
            ("lines", "-----BEGIN A-----\nQUJD\nREVG\n-----END A-----\n", Some("ABCDEF")),
            ("carriage_returns", "-----BEGIN A-----\r\nQUJD\r\n-----END A-----\r\n", Some("ABC")),
            ("one_line", "-----BEGIN A-----QUJD-----END A-----", Some("ABC")),
            ("text_before", "Request:\n  Data\n-----BEGIN A-----\nQUJD\n-----END A-----", Some("ABC")),
            ("another_label", "-----BEGIN C-----\nQUJD\n-----END C-----", None),
            ("labels_that_differ", "-----BEGIN A-----\nQUJD\n-----END B-----", None),
            ("two_blocks", "-----BEGIN A-----\nQUJD\n-----END A-----\n-----BEGIN A-----", None),
            ("no_end", "-----BEGIN A-----\nQUJD\n", None),
            ("no_base64", "-----BEGIN A-----\nQU*D\n-----END A-----", None),
            ("headers_of_old_pem", "-----BEGIN A-----\nProc-Type: 4\n\nQUJD\n-----END A-----", None),
            ("empty", "", None),
        ];
        for (name, text, expected) in rows {
            assert_eq!(decode(text, &["A", "B"]).as_deref(), expected.map(str::as_bytes), "{name}");
        }
    }
}

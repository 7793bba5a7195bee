//! Quotation marks of a row of CSV: a missing one joins cells and whole rows, without an error of the parser. Pure.

use std::iter::Peekable;
use std::str::Bytes;

const NEVER_CLOSED: &str =
    "a quotation mark may be missing: one is never closed, and the rest of the file is one cell";
const TEXT_BEHIND: &str =
    "a quotation mark may be missing: text follows a closing one (a mark in a cell is written twice)";

/// Returns the problem with the quotation marks of the row that a text begins with, empty lines aside.
pub fn quotation_problem(text: &str, separator: u8) -> Option<&'static str> {
    let mut bytes = text.trim_start_matches(['\n', '\r']).bytes().peekable();
    let ends_cell = |byte: &u8| matches!(*byte, b'\n' | b'\r') || *byte == separator;
    loop {
        let is_quoted = bytes.next_if_eq(&b'"').is_some();
        if is_quoted && !skip_quotation(&mut bytes) {
            return Some(NEVER_CLOSED);
        }
        // Behind a quotation there are only blanks.
        let end = if is_quoted { bytes.find(|byte| *byte != b' ') } else { bytes.find(ends_cell) };
        match end {
            Some(byte) if byte == separator => {}
            Some(byte) if !ends_cell(&byte) => return Some(TEXT_BEHIND),
            Some(_) | None => return None,
        }
    }
}

/// Skips a quoted cell behind its first mark, with the doubled marks in it. Returns whether it is closed.
fn skip_quotation(bytes: &mut Peekable<Bytes<'_>>) -> bool {
    while bytes.any(|byte| byte == b'"') {
        if bytes.next_if_eq(&b'"').is_none() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_in_order_where_each_quotation_is_closed_at_the_end_of_its_cell() {
        let rows = [
            ("a,b\n\"c", None),
            ("\r\n\na,\"b\"\r\n\"c", None),
            ("\"a \"\"b\"\"\",\"two\nlines, and more\" ,\"\"\n\"c", None),
            ("a,5\" pipe,b \"c\n", None),
            ("a,\"\"\"\"", None),
            ("", None),
            ("a,\"b\nc,d\n", Some(NEVER_CLOSED)),
            ("a,\"b\"\"\nc,d", Some(NEVER_CLOSED)),
            ("a,\"b\nc,\"d\"\n", Some(TEXT_BEHIND)),
            ("a,\"5\" pipe\",b\n", Some(TEXT_BEHIND)),
            ("a,\"b\";\"c\"\n", Some(TEXT_BEHIND)),
        ];
        for (text, problem) in rows {
            assert_eq!(quotation_problem(text, b','), problem, "{text}");
        }
        assert_eq!(quotation_problem("a;\"b\";\"c\"\n", b';'), None);
    }
}

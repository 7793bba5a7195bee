//! How deep the brackets of a document are within each other, found before it is parsed: the parser calls itself for each.
//!
//! Strings and comments are read as the parser's grammar reads them (graphql.pest of async-graphql-parser), byte for byte:
//! a bracket that is hidden here and seen there would be one that nobody counted. Where the grammar would read a document
//! in a second way, as a block string without an end, the document is refused: to GraphQL it is wrong either way.

/// The deepest nesting of brackets outside of strings and comments.
///
/// # Errors
/// What is wrong with a string that does not end.
pub fn nesting(document: &str) -> Result<usize, &'static str> {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = document.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = match first {
            b'{' | b'(' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                behind
            }
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                behind
            }
            b'#' => behind_comment(behind),
            b'"' => match behind.strip_prefix(b"\"\"") {
                Some(block) => behind_block(block).ok_or("A block string has no end.")?,
                None => behind_string(behind).ok_or("A string has no end.")?,
            },
            _ => behind,
        };
    }
    Ok(deepest)
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// What follows a comment whose `#` has been read.
fn behind_comment(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| ends_line(*byte)).unwrap_or(text.len());
    &text[end..]
}

/// What follows a string whose first quote has been read; it ends on its own line.
fn behind_string(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        rest = match rest {
            [b'"', behind @ ..] => return Some(behind),
            [b'\\', escaped, behind @ ..] if !ends_line(*escaped) => behind,
            [b'\\', ..] | [] => return None,
            [byte, ..] if ends_line(*byte) => return None,
            [_, behind @ ..] => behind,
        };
    }
}

/// What follows a block string whose first three quotes have been read.
fn behind_block(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        rest = match rest {
            [b'"', b'"', b'"', behind @ ..] => return Some(behind),
            [b'\\', b'"', b'"', b'"', behind @ ..] | [_, behind @ ..] => behind,
            [] => return None,
        };
    }
}

#[cfg(test)]
#[path = "nesting_tests.rs"]
mod tests;

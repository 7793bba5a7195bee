//! Bracket nesting depth of a document, measured before parsing because the parser recurses for each bracket.
//!
//! Strings and comments are scanned byte for byte as the parser's grammar reads them (graphql.pest of
//! async-graphql-parser): a bracket that this scan skips and the parser follows would go uncounted. Where the grammar
//! could read a document in a second way, such as an unterminated block string, the document is refused: it is invalid
//! GraphQL either way.

/// Returns the maximum nesting depth of brackets outside strings and comments.
///
/// # Errors
/// A message if a string is unterminated.
pub fn bracket_depth(document: &str) -> Result<usize, &'static str> {
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
            b'#' => skip_comment(behind),
            b'"' => match behind.strip_prefix(b"\"\"") {
                Some(block) => skip_block_string(block).ok_or("A block string has no end.")?,
                None => skip_string(behind).ok_or("A string has no end.")?,
            },
            _ => behind,
        };
    }
    Ok(deepest)
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Returns the text after a comment whose `#` has been consumed.
fn skip_comment(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| ends_line(*byte)).unwrap_or(text.len());
    &text[end..]
}

/// Returns the text after a string whose first quote has been consumed; a string ends on its own line.
fn skip_string(text: &[u8]) -> Option<&[u8]> {
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

/// Returns the text after a block string whose first three quotes have been consumed.
fn skip_block_string(text: &[u8]) -> Option<&[u8]> {
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
#[path = "bracket_depth_tests.rs"]
mod tests;

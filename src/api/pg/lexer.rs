//! Lexical rules of PostgreSQL (chapter 4.1 of its manual), token by token and without allocation.
//!
//! The tokenizer of the SQL parser is not used here. It cannot stop before the end of a text, builds about 100 bytes for
//! each byte of it, and fails on anything unterminated, which the engine is to report after the statements before it.

/// A token with its start position.
pub struct Token<'a> {
    pub text: &'a str,
    /// Offset in the text, bytes.
    pub at: usize,
}

impl Token<'_> {
    /// Returns the offset behind the token, bytes.
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// Returns the next token at or after the offset `at`, without white space and comments. Anything unterminated ends with
/// the text.
pub fn next_token(text: &str, mut at: usize) -> Option<Token<'_>> {
    loop {
        let rest = &text[at..];
        let first = rest.chars().next()?;
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += comment(rest);
        } else {
            let length = token_length(rest, first);
            return Some(Token { text: &rest[..length], at });
        }
    }
}

/// Returns the length of a block comment, which may be nested.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    let bytes = rest.as_bytes();
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn token_length(rest: &str, first: char) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    match first {
        '\'' => quoted(rest, '\'', false),
        '"' => quoted(rest, '"', false),
        '$' => dollar_quoted(rest).unwrap_or(1),
        'e' | 'E' if rest[1..].starts_with('\'') => 1 + quoted(&rest[1..], '\'', true),
        first if first.is_alphabetic() || first == '_' => {
            rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
        }
        first => first.len_utf8(),
    }
}

/// Returns the length of a quoted text, in which quotes are doubled, or escaped by a backslash if `has_escapes`.
fn quoted(rest: &str, quote: char, has_escapes: bool) -> usize {
    let mut at = 1;
    loop {
        // A text may have megabytes: searching for one character is quick.
        let found = match has_escapes {
            true => rest[at..].find([quote, '\\']),
            false => rest[at..].find(quote),
        };
        let Some(found) = found else { return rest.len() };
        let (is_escape, end) = (!rest[at + found..].starts_with(quote), at + found + 1);
        at = match rest[end..].chars().next() {
            Some(next) if is_escape || next == quote => end + next.len_utf8(),
            _ => return end,
        };
    }
}

/// Returns the length of `$tag$ … $tag$`; `None` for a parameter such as `$1`.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag_end = 1 + rest[1..].find('$')?;
    let tag = &rest[..=tag_end];
    let name = &tag[1..tag_end];
    if name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        return None;
    }
    let body = &rest[tag.len()..];
    Some(body.find(tag).map_or(rest.len(), |end| tag.len() + end + tag.len()))
}

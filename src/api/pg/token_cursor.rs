//! Cursor over the tokens of a statement, for the parsers of session commands.

use super::lexer::next_token;

/// A place between the tokens of a statement.
#[derive(Debug, Clone, Copy)]
pub struct TokenCursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> TokenCursor<'a> {
    /// Places a cursor before the first token of a statement.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads the next token as it is written; `None` at the end.
    pub fn next(&mut self) -> Option<&'a str> {
        let token = next_token(self.text, self.at)?;
        self.at = token.end();
        Some(token.text)
    }

    /// Reads the next token in upper case, as keywords are compared; empty at the end.
    pub fn next_upper(&mut self) -> String {
        self.next().unwrap_or_default().to_ascii_uppercase()
    }

    /// Reads a word if it is the next token.
    pub fn next_is(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        let is = ahead.next().is_some_and(|found| found.eq_ignore_ascii_case(word));
        if is {
            *self = ahead;
        }
        is
    }

    /// Whether no token follows.
    pub fn is_at_end(mut self) -> bool {
        self.next().is_none()
    }

    /// Reads a name: unquoted, or folded to lower case.
    pub fn name(&mut self) -> Option<String> {
        self.next().map(plain_name)
    }

    /// Reads a name as `name` does, if the next token is one; a quoted name has at least one character.
    pub fn identifier(&mut self) -> Option<String> {
        let mut ahead = *self;
        let token = ahead.next()?;
        let is_plain = token.starts_with(|first: char| first.is_alphabetic() || first == '_');
        // An escape string (E'…') begins with a letter and is no name.
        let is_name = (is_plain && !token.ends_with('\'')) || (token.starts_with('"') && token.len() > 2);
        if !is_name {
            return None;
        }
        *self = ahead;
        Some(plain_name(token))
    }

    /// Reads the digits that follow, if any; a number is one token for each of its digits.
    pub fn digits(&mut self) -> Option<&'a str> {
        let start = next_token(self.text, self.at)?.at;
        let rest = &self.text[start..];
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        self.at = start + length;
        Some(&rest[..length])
    }

    /// Returns the text that follows, without white space around it.
    pub fn rest(&self) -> &'a str {
        self.text[self.at..].trim()
    }

    /// Returns the text between an earlier place and this one.
    pub fn since(&self, earlier: TokenCursor<'a>) -> &'a str {
        self.text[earlier.at..self.at].trim()
    }

    /// Reads the text inside the parentheses that follow, if any.
    pub fn parenthesized(&mut self) -> Option<&'a str> {
        if !self.next_is("(") {
            return None;
        }
        let (start, mut depth) = (self.at, 1);
        while let Some(token) = self.next() {
            match token {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(self.text[start..self.at - 1].trim());
            }
        }
        None
    }
}

/// Returns the name that a token is: unquoted, or folded to lower case.
pub fn plain_name(token: &str) -> String {
    match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => token.to_ascii_lowercase(),
    }
}

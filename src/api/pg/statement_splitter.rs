//! Splits the text of a simple query into statements, and the arguments of SQL `EXECUTE` into expressions.

use super::lexer::next_token;
use super::parameter::MAX_PARAMETERS;
use super::session_command::{SessionCommand, parse_command};
use crate::app::bulk_work;
use crate::domain::Result;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimpleStatement {
    /// A command about the session itself.
    Command(SessionCommand),
    /// Any other statement, which the engine parses.
    Query(String),
}

/// Texts up to this length are split in less than a millisecond; bytes.
pub const LONG_TEXT_BYTES: usize = 64 << 10;

/// Maximum statements of one text: each takes some memory beside its text.
pub const MAX_STATEMENTS: usize = 1000;

/// Returns the non-empty statements of a text in order, at most one more than `MAX_STATEMENTS`.
pub fn split_statements(text: &str) -> Vec<SimpleStatement> {
    split(text).into_iter().map(classify).collect()
}

/// Splits like [`split_statements`], a long text on the threads for large work.
///
/// # Errors
/// `Unavailable` when those threads cannot be started.
pub async fn split_any_length(text: &str) -> Result<Vec<SimpleStatement>> {
    let text = text.to_owned();
    bulk_work::run(text.len() <= LONG_TEXT_BYTES, move || split_statements(&text)).await
}

/// Splits a list of expressions at commas outside parentheses; returns at most one more than is allowed.
pub fn split_arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut at, mut depth) = (Vec::new(), 0, 0, 0);
    while let Some(token) = next_token(text, at) {
        at = token.end();
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "," if depth == 0 => {
                parts.push(text[start..token.at].trim());
                if parts.len() > MAX_PARAMETERS {
                    return parts;
                }
                start = at;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() || !parts.is_empty() {
        parts.push(last);
    }
    parts
}

/// Cuts at semicolons outside of quotes, comments and dollar quotes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut has_tokens = false;
    while let Some(token) = next_token(text, at) {
        at = token.end();
        if token.text == ";" {
            if has_tokens {
                parts.push(text[start..token.at].trim());
                if parts.len() > MAX_STATEMENTS {
                    return parts;
                }
            }
            (start, has_tokens) = (at, false);
        } else {
            has_tokens = true;
        }
    }
    if has_tokens {
        parts.push(text[start..].trim());
    }
    parts
}

fn classify(text: &str) -> SimpleStatement {
    parse_command(text).map_or_else(|| SimpleStatement::Query(text.to_owned()), SimpleStatement::Command)
}

#[cfg(test)]
#[path = "statement_splitter_tests.rs"]
mod tests;

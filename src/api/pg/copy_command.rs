//! COPY TO STDOUT: what is copied, and in which format. Every other COPY is refused.

use super::copy_format::CopyFormat;
use super::copy_options;
use super::error::StatementRefusal;
use super::token_cursor::TokenCursor;

/// A COPY TO STDOUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyStatement {
    pub query: String,
    pub format: CopyFormat,
}

const FORM: &str =
    "COPY must have the form COPY (SELECT ...) TO STDOUT or COPY table TO STDOUT, optionally with options";
const OLD_BINARY: &str = "COPY BINARY is not supported: write COPY ... TO STDOUT WITH (FORMAT binary)";
const NO_COPY_FROM: &str = "COPY FROM is not supported: POST /ingest takes readings";
const NO_FILES: &str = "COPY to a file or a program of the server is not supported: use COPY ... TO STDOUT, which psql's \
                        \\copy writes to a file, or POST /sql";

/// Reads what follows COPY.
///
/// # Errors
/// 0A000 for a COPY that is no COPY TO STDOUT or has an option that is not supported, 42601 for one of another form, 22023
/// for an option with a value that it cannot have.
pub fn parse(words: &mut TokenCursor<'_>) -> Result<CopyStatement, StatementRefusal> {
    let syntax = || StatementRefusal::syntax(FORM);
    if words.next_is("BINARY") {
        return Err(StatementRefusal::unsupported(OLD_BINARY));
    }
    let query = source(words).ok_or_else(syntax)?;
    match words.next_upper().as_str() {
        "TO" => {}
        "FROM" => return Err(StatementRefusal::unsupported(NO_COPY_FROM)),
        _ => return Err(syntax()),
    }
    if !words.next_is("STDOUT") {
        let target = words.next().ok_or_else(syntax)?;
        let is_file = target.ends_with('\'') || target.eq_ignore_ascii_case("PROGRAM");
        return Err(if is_file { StatementRefusal::unsupported(NO_FILES) } else { syntax() });
    }
    Ok(CopyStatement { query, format: copy_options::parse(words)? })
}

/// Reads a query in parentheses, or a table with or without a list of columns; returns the query.
fn source(words: &mut TokenCursor<'_>) -> Option<String> {
    if let Some(query) = words.parenthesized() {
        return (!query.is_empty()).then(|| query.to_owned());
    }
    let start = *words;
    words.identifier()?;
    while words.next_is(".") {
        words.identifier()?;
    }
    let table = words.since(start);
    let columns = words.parenthesized().unwrap_or("*");
    Some(format!("SELECT {columns} FROM {table}"))
}

#[cfg(test)]
#[path = "copy_command_tests.rs"]
mod tests;

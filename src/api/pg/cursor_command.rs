//! Statements about cursors: DECLARE, FETCH, MOVE and CLOSE. Cursors only read, and only go forward.

use super::error::StatementRefusal;
use super::token_cursor::TokenCursor;

/// A statement about cursors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CursorCommand {
    Declare(CursorDeclaration),
    Fetch(CursorStep),
    /// As FETCH, but the rows are not sent.
    Move(CursorStep),
    /// A cursor's name, or all.
    Close(Option<String>),
}

/// A cursor as DECLARE describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorDeclaration {
    pub name: String,
    /// Whether rows are sent in the binary format when a simple query fetches them.
    pub is_binary: bool,
    /// WITH HOLD: whether the cursor outlives its transaction.
    pub is_held: bool,
    pub query: String,
}

/// The next rows of a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorStep {
    pub cursor: String,
    /// At least one; `None` for all that are left.
    pub rows: Option<usize>,
}

const DECLARE_FORM: &str =
    "DECLARE must have the form DECLARE name [BINARY] [NO SCROLL] CURSOR [WITH HOLD] FOR SELECT ...";
const STEP_FORM: &str =
    "must be followed by NEXT, a number or ALL, and the name of the cursor, as in FETCH 100 FROM c";
const CLOSE_FORM: &str = "CLOSE must be followed by the name of a cursor, or ALL";
const FORWARD_ONLY: &str = "cursors go forward only: fetch NEXT, a number of at least 1, or ALL";

/// Reads the statement that begins with `word`, which is DECLARE, FETCH, MOVE or CLOSE.
///
/// # Errors
/// 42601 for a statement of another form, 22003 for a number that is too large, 0A000 for a direction other than forward.
pub fn parse(word: &str, words: &mut TokenCursor<'_>) -> Result<CursorCommand, StatementRefusal> {
    match word {
        "DECLARE" => declaration(words).map(CursorCommand::Declare),
        "FETCH" => step(word, words).map(CursorCommand::Fetch),
        "MOVE" => step(word, words).map(CursorCommand::Move),
        _ => close(words).ok_or_else(|| StatementRefusal::syntax(CLOSE_FORM)),
    }
}

fn declaration(words: &mut TokenCursor<'_>) -> Result<CursorDeclaration, StatementRefusal> {
    let wrong = || StatementRefusal::syntax(DECLARE_FORM);
    let name = words.identifier().ok_or_else(wrong)?;
    let mut is_binary = false;
    while !words.next_is("CURSOR") {
        match words.next_upper().as_str() {
            "BINARY" => is_binary = true,
            // Every statement reads from a snapshot. A cursor with SCROLL is refused when it is to go backward.
            "INSENSITIVE" | "ASENSITIVE" | "SCROLL" => {}
            "NO" if words.next_is("SCROLL") => {}
            _ => return Err(wrong()),
        }
    }
    let is_held = words.next_is("WITH");
    if (is_held || words.next_is("WITHOUT")) && !words.next_is("HOLD") {
        return Err(wrong());
    }
    if !words.next_is("FOR") || words.is_at_end() {
        return Err(wrong());
    }
    Ok(CursorDeclaration { name, is_binary, is_held, query: words.rest().to_owned() })
}

fn step(word: &str, words: &mut TokenCursor<'_>) -> Result<CursorStep, StatementRefusal> {
    let mut ahead = *words;
    let is_name_alone = ahead.next().is_some() && ahead.is_at_end();
    let rows = if is_name_alone { Some(1) } else { direction(words)? };
    let _ = words.next_is("FROM") || words.next_is("IN");
    let cursor = words.identifier().filter(|_| words.is_at_end());
    let cursor = cursor.ok_or_else(|| StatementRefusal::syntax(format!("{word} {STEP_FORM}")))?;
    Ok(CursorStep { cursor, rows })
}

/// Reads how many rows are wanted; without a direction it is one.
fn direction(words: &mut TokenCursor<'_>) -> Result<Option<usize>, StatementRefusal> {
    if let Some(digits) = words.digits() {
        return count(digits).map(Some);
    }
    let mut ahead = *words;
    let rows = match ahead.next_upper().as_str() {
        "NEXT" => Some(1),
        "ALL" => None,
        "FORWARD" if ahead.next_is("ALL") => None,
        "FORWARD" => match ahead.digits() {
            Some(digits) => Some(count(digits)?),
            None => Some(1),
        },
        "PRIOR" | "FIRST" | "LAST" | "ABSOLUTE" | "RELATIVE" | "BACKWARD" | "-" => {
            return Err(StatementRefusal::unsupported(FORWARD_ONLY));
        }
        _ => return Ok(Some(1)),
    };
    *words = ahead;
    Ok(rows)
}

fn count(digits: &str) -> Result<usize, StatementRefusal> {
    match digits.parse() {
        // Zero is the current row once more, which has been sent.
        Ok(0) => Err(StatementRefusal::unsupported(FORWARD_ONLY)),
        Ok(rows) => Ok(rows),
        Err(_) => {
            let message = format!("the number of rows is too large; {} is the largest, or ALL", usize::MAX);
            Err(StatementRefusal { code: "22003", message })
        }
    }
}

fn close(words: &mut TokenCursor<'_>) -> Option<CursorCommand> {
    let name = if words.next_is("ALL") { None } else { Some(words.identifier()?) };
    words.is_at_end().then_some(CursorCommand::Close(name))
}

#[cfg(test)]
#[path = "cursor_command_tests.rs"]
mod tests;

//! Session commands, recognised without PostgreSQL's grammar.

use super::copy_command::{self, CopyStatement};
use super::cursor_command::{self, CursorCommand};
use super::error::StatementRefusal;
use super::parameter::MAX_PARAMETERS;
use super::token_cursor::{TokenCursor, plain_name};

/// A session command. None of them changes data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// BEGIN, START TRANSACTION.
    Begin {
        /// In small letters, as SHOW returns it.
        isolation: Option<String>,
    },
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT, ROLLBACK TO SAVEPOINT.
    Rollback {
        to_savepoint: bool,
    },
    Savepoint,
    Release,
    /// `SET name = value`, with the value in the form that SHOW returns; `None` is DEFAULT.
    Set {
        name: String,
        value: Option<String>,
        is_local: bool,
    },
    /// A setting's name, or `all`.
    Show(String),
    /// A setting's name, or `all`.
    Reset(String),
    Discard {
        all: bool,
    },
    /// A statement's name, or all.
    Deallocate(Option<String>),
    /// DECLARE, FETCH, MOVE, CLOSE.
    Cursor(CursorCommand),
    /// COPY TO STDOUT.
    Copy(CopyStatement),
    /// A COPY or a statement about cursors that is not run.
    Refused(StatementRefusal),
    /// LISTEN, UNLISTEN and others that are accepted without effect.
    NoOp(&'static str),
    Prepare {
        name: String,
        types: Vec<String>,
        query: String,
    },
    /// `EXECUTE name (arguments)`, the arguments as expressions.
    Execute {
        name: String,
        arguments: String,
    },
}

/// Maximum length of a qualified setting name, bytes; no setting has a longer one.
const MAX_NAME_BYTES: usize = 256;

/// Recognises a session command; `None` for a statement that the engine runs.
pub fn parse_command(text: &str) -> Option<SessionCommand> {
    let mut words = TokenCursor::new(text);
    Some(match words.next_upper().as_str() {
        "BEGIN" => SessionCommand::Begin { isolation: isolation(&mut words) },
        "START" if words.next_is("TRANSACTION") => SessionCommand::Begin { isolation: isolation(&mut words) },
        "COMMIT" | "END" => SessionCommand::Commit,
        "ROLLBACK" | "ABORT" => SessionCommand::Rollback { to_savepoint: returns_to_savepoint(&mut words) },
        "SAVEPOINT" => SessionCommand::Savepoint,
        "RELEASE" => SessionCommand::Release,
        "SET" => set(&mut words)?,
        "SHOW" => SessionCommand::Show(parse_show(&mut words)?),
        // Every connection has the one role.
        "RESET" if words.next_is("SESSION") || words.next_is("ROLE") => SessionCommand::NoOp("RESET"),
        "RESET" => SessionCommand::Reset(parse_show(&mut words)?),
        "DISCARD" => SessionCommand::Discard { all: words.next_is("ALL") },
        "DEALLOCATE" => {
            words.next_is("PREPARE");
            let all = words.next_is("ALL");
            SessionCommand::Deallocate(if all { None } else { Some(words.name()?) })
        }
        "COPY" => copy_command::parse(&mut words).map_or_else(SessionCommand::Refused, SessionCommand::Copy),
        word @ ("DECLARE" | "FETCH" | "MOVE" | "CLOSE") => {
            let parsed = cursor_command::parse(word, &mut words);
            parsed.map_or_else(SessionCommand::Refused, SessionCommand::Cursor)
        }
        "LISTEN" => SessionCommand::NoOp("LISTEN"),
        "UNLISTEN" => SessionCommand::NoOp("UNLISTEN"),
        "PREPARE" => {
            let name = words.name()?;
            let each = |list: &str| -> Vec<String> {
                list.split(',').take(MAX_PARAMETERS + 1).map(|name| name.trim().to_owned()).collect()
            };
            let types = words.parenthesized().map(each);
            let has_query = words.next_is("AS");
            let query = words.rest().to_owned();
            has_query.then(|| SessionCommand::Prepare { name, types: types.unwrap_or_default(), query })?
        }
        "EXECUTE" => {
            let name = words.name()?;
            SessionCommand::Execute { name, arguments: words.parenthesized().unwrap_or_default().to_owned() }
        }
        _ => return None,
    })
}

fn returns_to_savepoint(words: &mut TokenCursor<'_>) -> bool {
    let _ = words.next_is("WORK") || words.next_is("TRANSACTION");
    words.next_is("TO")
}

fn set(words: &mut TokenCursor<'_>) -> Option<SessionCommand> {
    let is_session = words.next_is("SESSION");
    let is_local = !is_session && words.next_is("LOCAL");
    let setting = |name: &str, value: &str| setting(name, value, is_local);
    let name = match words.next()?.to_ascii_uppercase().as_str() {
        "TIME" if words.next_is("ZONE") => return Some(setting("timezone", words.rest())),
        "NAMES" => return Some(setting("client_encoding", words.rest())),
        "TRANSACTION" => return Some(transaction_modes(words, "transaction_isolation")),
        "CHARACTERISTICS" => return Some(transaction_modes(words, "default_transaction_isolation")),
        "AUTHORIZATION" if is_session => return Some(role("session_authorization", words.rest())),
        "ROLE" => {
            let _ = words.next_is("=") || words.next_is("TO");
            return Some(role("role", words.rest()));
        }
        name => qualified(words, plain_name(name)),
    };
    let has_value = words.next_is("=") || words.next_is("TO");
    has_value.then(|| setting(&name, words.rest()))
}

fn setting(name: &str, value: &str, is_local: bool) -> SessionCommand {
    let (value, is_single) = without_comments(value);
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|_| is_single);
    let is_initial =
        value.eq_ignore_ascii_case("DEFAULT") || (name == "timezone" && value.eq_ignore_ascii_case("LOCAL"));
    let value = match inner {
        Some(inner) if inner.contains('\'') => Some(inner.replace("''", "'")),
        Some(inner) => Some(inner.to_owned()),
        None if is_initial => None,
        None if is_single && value.starts_with('"') => Some(plain_name(value)),
        None => Some(value.to_owned()),
    };
    SessionCommand::Set { name: name.to_ascii_lowercase(), value, is_local }
}

/// The text of a value without the comments behind it, and whether it is one token.
fn without_comments(text: &str) -> (&str, bool) {
    let start = TokenCursor::new(text);
    let (mut words, mut count) = (start, 0);
    while words.next().is_some() {
        count += 1;
    }
    (words.since(start), count == 1)
}

/// A connection has the one role that its key has.
fn role(name: &str, value: &str) -> SessionCommand {
    let (value, _) = without_comments(value);
    let is_initial = ["DEFAULT", "NONE", "'none'"].iter().any(|word| value.eq_ignore_ascii_case(word));
    if is_initial { SessionCommand::NoOp("SET") } else { setting(name, value, false) }
}

/// Reads the modes of SET TRANSACTION. All transactions only read, so that the level of isolation alone matters.
fn transaction_modes(words: &mut TokenCursor<'_>, name: &str) -> SessionCommand {
    if words.next_is("SNAPSHOT") {
        let message =
            "SET TRANSACTION SNAPSHOT is not supported: each statement sees what is stored when it begins";
        return SessionCommand::Refused(StatementRefusal::unsupported(message));
    }
    match isolation(words) {
        // The level of a transaction ends with it.
        Some(level) => SessionCommand::Set { name: name.to_owned(), value: Some(level), is_local: false },
        None => SessionCommand::NoOp("SET"),
    }
}

/// Reads the level of isolation among the modes of a transaction, in small letters.
fn isolation(words: &mut TokenCursor<'_>) -> Option<String> {
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case("ISOLATION") && words.next_is("LEVEL") {
            let level = words.name()?;
            let has_second = level == "read" || level == "repeatable";
            let second = words.name().filter(|_| has_second);
            return Some([Some(level), second].into_iter().flatten().collect::<Vec<_>>().join(" "));
        }
    }
    None
}

/// Reads the dotted parts after a name, up to the maximum name length.
fn qualified(words: &mut TokenCursor<'_>, mut name: String) -> String {
    while name.len() <= MAX_NAME_BYTES && words.next_is(".") {
        name.push('.');
        name.push_str(&words.name().unwrap_or_default());
    }
    name
}

/// Reads the name of a setting; `None` for statements that the engine can run, such as SHOW TABLES.
fn parse_show(words: &mut TokenCursor<'_>) -> Option<String> {
    let name = words.name()?;
    match name.as_str() {
        "tables" | "columns" | "functions" => None,
        "time" if words.next_is("ZONE") => Some("timezone".to_owned()),
        "transaction" if words.next_is("ISOLATION") => Some("transaction_isolation".to_owned()),
        "session" if words.next_is("AUTHORIZATION") => Some("session_authorization".to_owned()),
        _ => Some(qualified(words, name).to_ascii_lowercase()),
    }
}

#[cfg(test)]
#[path = "session_command_tests.rs"]
mod tests;

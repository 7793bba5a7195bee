//! Session commands, recognised without PostgreSQL's grammar.

use super::lexer::next_token;
use super::parameter::MAX_PARAMETERS;

/// A session command. None of them changes data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT, ROLLBACK TO SAVEPOINT.
    Rollback {
        to_savepoint: bool,
    },
    Savepoint,
    Release,
    /// `SET name = value`, with the value in the form that SHOW returns.
    Set {
        name: String,
        value: String,
    },
    /// A setting's name, or `all`.
    Show(String),
    Reset,
    Discard {
        all: bool,
    },
    /// A statement's name, or all.
    Deallocate(Option<String>),
    /// COPY and cursors; the message says what to use instead.
    Unsupported(&'static str),
    /// CLOSE, LISTEN, UNLISTEN: accepted without effect.
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

const NO_COPY: &str =
    "COPY is not supported: ask with SELECT; POST /sql answers whole files, POST /ingest takes them";
const NO_CURSORS: &str = "cursors are not supported: ask the SELECT itself; a client that binds its statement can have the \
                          rows in parts, as many as it fetches at a time";

/// Maximum length of a qualified setting name, bytes; no setting has a longer one.
const MAX_NAME_BYTES: usize = 256;

/// Cursor over the tokens of a statement.
struct TokenCursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> TokenCursor<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let token = next_token(self.text, self.at)?;
        self.at = token.end();
        Some(token.text)
    }

    fn next_upper(&mut self) -> String {
        self.next().unwrap_or_default().to_ascii_uppercase()
    }

    fn next_is(&mut self, word: &str) -> bool {
        let before = self.at;
        let is = self.next().is_some_and(|found| found.eq_ignore_ascii_case(word));
        if !is {
            self.at = before;
        }
        is
    }

    /// Reads a name: unquoted, or folded to lower case.
    fn name(&mut self) -> Option<String> {
        self.next().map(plain_name)
    }

    fn rest(&self) -> &'a str {
        self.text[self.at..].trim()
    }

    /// Reads the text inside the parentheses that follow, if any.
    fn parenthesized(&mut self) -> Option<&'a str> {
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

fn plain_name(token: &str) -> String {
    match token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => token.to_ascii_lowercase(),
    }
}

/// Recognises a session command; `None` for a statement that the engine runs.
pub fn parse_command(text: &str) -> Option<SessionCommand> {
    let mut words = TokenCursor { text, at: 0 };
    Some(match words.next_upper().as_str() {
        "BEGIN" => SessionCommand::Begin,
        "START" if words.next_is("TRANSACTION") => SessionCommand::Begin,
        "COMMIT" | "END" => SessionCommand::Commit,
        "ROLLBACK" | "ABORT" => SessionCommand::Rollback { to_savepoint: returns_to_savepoint(&mut words) },
        "SAVEPOINT" => SessionCommand::Savepoint,
        "RELEASE" => SessionCommand::Release,
        "SET" => set(&mut words)?,
        "SHOW" => SessionCommand::Show(parse_show(&mut words)?),
        "RESET" => SessionCommand::Reset,
        "DISCARD" => SessionCommand::Discard { all: words.next_is("ALL") },
        "DEALLOCATE" => {
            words.next_is("PREPARE");
            let all = words.next_is("ALL");
            SessionCommand::Deallocate(if all { None } else { Some(words.name()?) })
        }
        "COPY" => SessionCommand::Unsupported(NO_COPY),
        "DECLARE" | "FETCH" | "MOVE" => SessionCommand::Unsupported(NO_CURSORS),
        "CLOSE" => SessionCommand::NoOp("CLOSE CURSOR"),
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
    let _ = words.next_is("SESSION") || words.next_is("LOCAL");
    let name = match words.next()?.to_ascii_uppercase().as_str() {
        "TIME" if words.next_is("ZONE") => return Some(setting("timezone", words.rest())),
        "NAMES" => return Some(setting("client_encoding", words.rest())),
        // Any isolation level will do: transactions only read, each statement from a snapshot.
        "CHARACTERISTICS" | "TRANSACTION" => return Some(setting("transaction", words.rest())),
        name => qualified(words, plain_name(name)),
    };
    let has_value = words.next_is("=") || words.next_is("TO");
    has_value.then(|| setting(&name, words.rest()))
}

fn setting(name: &str, value: &str) -> SessionCommand {
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let value = inner.map_or_else(|| value.to_owned(), |inner| inner.replace("''", "'"));
    SessionCommand::Set { name: name.to_ascii_lowercase(), value }
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
        _ => Some(qualified(words, name)),
    }
}

#[cfg(test)]
#[path = "session_command_tests.rs"]
mod tests;

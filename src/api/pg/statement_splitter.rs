//! Splits the text of a simple query into statements and recognises session commands, by PostgreSQL's lexical rules
//! (chapter 4.1 of its manual) and without its grammar.

use super::parameter::MAX_PARAMETERS;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimpleStatement {
    /// A command about the session itself.
    Command(SessionCommand),
    /// Any other statement, which the engine parses.
    Query(String),
}

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

/// Maximum statements of one text: each takes some memory beside its text.
pub const MAX_STATEMENTS: usize = 1000;
/// Maximum length of a qualified setting name, bytes; no setting has a longer one.
const MAX_NAME_BYTES: usize = 256;

/// Returns the non-empty statements of a text in order, at most one more than `MAX_STATEMENTS`.
pub fn split_statements(text: &str) -> Vec<SimpleStatement> {
    split(text).into_iter().map(classify).collect()
}

/// Splits a list of expressions at commas outside parentheses; returns at most one more than is allowed.
pub fn split_arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut at, mut depth) = (Vec::new(), 0, 0, 0);
    while let Some(token) = next(text, at) {
        at = token.at + token.text.len();
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

/// A token with its start position.
struct Token<'a> {
    text: &'a str,
    at: usize,
}

/// Cuts at semicolons outside of quotes, comments and dollar quotes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut has_tokens = false;
    while let Some(token) = next(text, at) {
        at = token.at + token.text.len();
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

/// Returns the next token at or after `at`, skipping comments.
fn next(text: &str, mut at: usize) -> Option<Token<'_>> {
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
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && has_escapes {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    rest.len()
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

fn classify(text: &str) -> SimpleStatement {
    parse_command(text).map_or_else(|| SimpleStatement::Query(text.to_owned()), SimpleStatement::Command)
}

/// Cursor over the tokens of a statement.
struct TokenCursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> TokenCursor<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let token = next(self.text, self.at)?;
        self.at = token.at + token.text.len();
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

fn parse_command(text: &str) -> Option<SessionCommand> {
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
#[path = "statement_splitter_tests.rs"]
mod tests;

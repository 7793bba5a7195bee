//! The text of a simple query cut into its statements, and what kind each is: by PostgreSQL's lexical rules, without
//! knowing its grammar. Chapter 4.1 of its manual.

use super::extended::MAX_PARAMETERS;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Something about the connection itself.
    Command(Command),
    /// Everything else is for the engine to judge.
    Query(String),
}

/// What tools say to a session. None of it changes data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT; back to a savepoint when it is one.
    Rollback {
        to_savepoint: bool,
    },
    Savepoint,
    Release,
    /// `SET name = value`, with the value as it would be written by SHOW.
    Set {
        name: String,
        value: String,
    },
    /// By its name, or all.
    Show(String),
    Reset,
    Discard {
        all: bool,
    },
    /// A name, or all.
    Deallocate(Option<String>),
    /// COPY and cursors: why not, and what to do instead.
    Unsupported(&'static str),
    /// CLOSE, LISTEN, UNLISTEN: of things there are none of.
    Nothing(&'static str),
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

/// Statements of one text: each takes some memory beside its own text.
pub const MAX_STATEMENTS: usize = 1000;
/// Bytes of a setting's name, with points in it; longer ones name nothing.
const MAX_NAME_BYTES: usize = 256;

/// The statements of a text, in order; empty ones left out. One more than may be are enough of them.
pub fn statements(text: &str) -> Vec<Said> {
    split(text).into_iter().map(classify).collect()
}

/// The expressions of a list, which commas separate where no parentheses are open; no more of them than one too many.
pub fn arguments(text: &str) -> Vec<&str> {
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

/// A piece of a statement and where it begins.
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

/// The token at or after `at`, comments left out.
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

/// The length of a comment, which can hold others.
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

/// The length of a text in quotes, in which they stand twice, or behind a backslash where that means something.
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

/// The length of `$tag$ … $tag$`; `None` when it is no such thing, but a parameter.
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

fn classify(text: &str) -> Said {
    command(text).map_or_else(|| Said::Query(text.to_owned()), Said::Command)
}

/// Tokens of a statement one after the other.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
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

    /// A name as it is meant: without its quotes, or in lower case.
    fn name(&mut self) -> Option<String> {
        self.next().map(plain_name)
    }

    fn rest(&self) -> &'a str {
        self.text[self.at..].trim()
    }

    /// What stands in the parentheses that come next, if they do, up to the one that closes them.
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

fn command(text: &str) -> Option<Command> {
    let mut words = Words { text, at: 0 };
    Some(match words.next_upper().as_str() {
        "BEGIN" => Command::Begin,
        "START" if words.next_is("TRANSACTION") => Command::Begin,
        "COMMIT" | "END" => Command::Commit,
        "ROLLBACK" | "ABORT" => Command::Rollback { to_savepoint: returns_to_savepoint(&mut words) },
        "SAVEPOINT" => Command::Savepoint,
        "RELEASE" => Command::Release,
        "SET" => set(&mut words)?,
        "SHOW" => Command::Show(shown(&mut words)?),
        "RESET" => Command::Reset,
        "DISCARD" => Command::Discard { all: words.next_is("ALL") },
        "DEALLOCATE" => {
            words.next_is("PREPARE");
            let all = words.next_is("ALL");
            Command::Deallocate(if all { None } else { Some(words.name()?) })
        }
        "COPY" => Command::Unsupported(NO_COPY),
        "DECLARE" | "FETCH" | "MOVE" => Command::Unsupported(NO_CURSORS),
        "CLOSE" => Command::Nothing("CLOSE CURSOR"),
        "LISTEN" => Command::Nothing("LISTEN"),
        "UNLISTEN" => Command::Nothing("UNLISTEN"),
        "PREPARE" => {
            let name = words.name()?;
            let each = |list: &str| -> Vec<String> {
                list.split(',').take(MAX_PARAMETERS + 1).map(|name| name.trim().to_owned()).collect()
            };
            let types = words.parenthesized().map(each);
            let has_query = words.next_is("AS");
            let query = words.rest().to_owned();
            has_query.then(|| Command::Prepare { name, types: types.unwrap_or_default(), query })?
        }
        "EXECUTE" => {
            let name = words.name()?;
            Command::Execute { name, arguments: words.parenthesized().unwrap_or_default().to_owned() }
        }
        _ => return None,
    })
}

fn returns_to_savepoint(words: &mut Words<'_>) -> bool {
    let _ = words.next_is("WORK") || words.next_is("TRANSACTION");
    words.next_is("TO")
}

fn set(words: &mut Words<'_>) -> Option<Command> {
    let _ = words.next_is("SESSION") || words.next_is("LOCAL");
    let name = match words.next()?.to_ascii_uppercase().as_str() {
        "TIME" if words.next_is("ZONE") => return Some(setting("timezone", words.rest())),
        "NAMES" => return Some(setting("client_encoding", words.rest())),
        // Isolation of transactions that only read a snapshot each: any will do.
        "CHARACTERISTICS" | "TRANSACTION" => return Some(setting("transaction", words.rest())),
        name => qualified(words, plain_name(name)),
    };
    let has_value = words.next_is("=") || words.next_is("TO");
    has_value.then(|| setting(&name, words.rest()))
}

fn setting(name: &str, value: &str) -> Command {
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let value = inner.map_or_else(|| value.to_owned(), |inner| inner.replace("''", "'"));
    Command::Set { name: name.to_ascii_lowercase(), value }
}

/// A name with what follows it behind points; no further than a name can be long.
fn qualified(words: &mut Words<'_>, mut name: String) -> String {
    while name.len() <= MAX_NAME_BYTES && words.next_is(".") {
        name.push('.');
        name.push_str(&words.name().unwrap_or_default());
    }
    name
}

/// The name of a setting; `None` for what the engine can show.
fn shown(words: &mut Words<'_>) -> Option<String> {
    let name = words.name()?;
    match name.as_str() {
        "tables" | "columns" | "functions" => None,
        "time" if words.next_is("ZONE") => Some("timezone".to_owned()),
        "transaction" if words.next_is("ISOLATION") => Some("transaction_isolation".to_owned()),
        _ => Some(qualified(words, name)),
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;

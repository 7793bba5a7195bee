//! File format of named queries: a header of comments, then one SELECT statement.
//!
//! ```sql
//! -- name: hourly-mean
//! -- description: What a stream was on average
//! -- param: stream bigint
//! -- param: step interval = '1 hour'
//! SELECT …
//! ```

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};
use serde_json::Value;

use super::param_value;
use crate::domain::Micros;
use crate::domain::named_query::{NamedQuery, Param, ParamKind};

const MAX_NAME_BYTES: usize = 64;

/// The fields in the comments at the head of a file.
#[derive(Default)]
struct Header {
    name: Option<String>,
    description: Option<String>,
    params: Vec<Param>,
}

/// Parses a file.
///
/// # Errors
/// A message with the problem, and with the line if known.
pub fn parse(text: &str) -> Result<NamedQuery, String> {
    let mut header = Header::default();
    for (number, line) in text.lines().enumerate() {
        match line.trim().strip_prefix("--") {
            Some(comment) => header.read(comment).map_err(|why| format!("line {}: {why}", number + 1))?,
            None if line.trim().is_empty() => {}
            None => break,
        }
    }
    check_statement(text)?;
    check_use(text, &header.params)?;
    let name = header.name.ok_or("it lacks a line `-- name: …`")?;
    let description = header.description.ok_or("it lacks a line `-- description: …`")?;
    let statement = with_typed_params(text, &header.params)?;
    Ok(NamedQuery { name, description, params: header.params, text: text.to_owned(), statement })
}

impl Header {
    /// Reads one comment. A comment that does not begin with a word and a colon is free text.
    fn read(&mut self, comment: &str) -> Result<(), String> {
        let Some((key, rest)) = comment.trim().split_once(':') else { return Ok(()) };
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase()) {
            return Ok(());
        }
        let rest = rest.trim();
        match key {
            "name" => set_once(&mut self.name, key, read_name(rest)?),
            "description" if rest.is_empty() => Err("the description is empty".to_owned()),
            "description" => set_once(&mut self.description, key, rest.to_owned()),
            "param" => {
                let param = read_param(rest)?;
                if self.params.iter().any(|known| known.name == param.name) {
                    return Err(format!("the parameter `{}` is declared twice", param.name));
                }
                self.params.push(param);
                Ok(())
            }
            _ => Err(format!("`{key}` is not known; there are name, description and param")),
        }
    }
}

fn set_once(place: &mut Option<String>, key: &str, value: String) -> Result<(), String> {
    match place.replace(value) {
        Some(_) => Err(format!("there is a second {key}")),
        None => Ok(()),
    }
}

fn read_name(text: &str) -> Result<String, String> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(format!("the name `{text}` is not 1 to {MAX_NAME_BYTES} lower-case letters, digits and hyphens"))
}

/// Parses `NAME TYPE [= DEFAULT]`.
fn read_param(text: &str) -> Result<Param, String> {
    let (declared, default) = match text.split_once('=') {
        Some((declared, default)) => (declared, Some(default.trim())),
        None => (text, None),
    };
    let words: Vec<_> = declared.split_whitespace().collect();
    let [name, kind] = words[..] else {
        return Err(format!("`{text}` is not `NAME TYPE` or `NAME TYPE = DEFAULT`"));
    };
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(is_word) {
        return Err(format!("the parameter `{name}` is not lower-case letters, digits and `_`"));
    }
    let kinds = || ParamKind::ALL.map(ParamKind::name).join(", ");
    let kind: ParamKind =
        kind.parse().map_err(|()| format!("`{kind}` is not a type of a parameter: use {}", kinds()))?;
    let default = default.map(|text| read_default(kind, text)).transpose();
    let default = default.map_err(|why| format!("the default of `{name}`: {why}"))?;
    Ok(Param { name: name.to_owned(), kind, default })
}

/// Parses a SQL literal. Times and intervals remain text: `now` is the time at which the query runs.
fn read_default(kind: ParamKind, text: &str) -> Result<Value, String> {
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let value = match quoted {
        Some(inner) => Value::from(inner.replace("''", "'")),
        None if text.eq_ignore_ascii_case("null") => return Ok(Value::Null),
        None => serde_json::from_str(text)
            .ok()
            .filter(|value: &Value| value.is_number() || value.is_boolean())
            .ok_or_else(|| format!("`{text}` is not a literal: a number, true, false, null or a 'text'"))?,
    };
    // A value that is valid at one time is valid at any.
    param_value::parse_value(kind, &value, Micros(i64::from(u32::MAX) * 1_000_000)).map(|_| value)
}

fn check_statement(text: &str) -> Result<(), String> {
    let unreadable = |e: datafusion::error::DataFusionError| crate::query::error::from_datafusion(e).message;
    let parser = DFParserBuilder::new(text).with_dialect(&PostgreSqlDialect {}).build();
    let statements = parser.and_then(|mut parser| parser.parse_statements()).map_err(unreadable)?;
    let statements = Vec::from(statements);
    let [Statement::Statement(statement)] = &statements[..] else {
        return Err("it must contain exactly one SELECT statement".to_owned());
    };
    match statement.as_ref() {
        ast::Statement::Query(_) => Ok(()),
        _ => Err("its statement is not read-only: it must be a SELECT".to_owned()),
    }
}

/// Casts each time and interval parameter: their values arrive as text, and the planner does not know parameter types.
/// Values of other kinds have their own types.
fn with_typed_params(text: &str, params: &[Param]) -> Result<String, String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location();
    let tokens = tokens.map_err(|e| e.to_string())?;
    let cast = |name: &str| {
        let kind =
            params.iter().find(|param| param.name == name.trim_start_matches('$')).map(|param| param.kind);
        match kind {
            Some(ParamKind::Interval) => format!("CAST({name} AS INTERVAL)"),
            // The type of `ts` itself, so that a comparison with it needs no cast.
            Some(ParamKind::Timestamp) => {
                format!("arrow_cast({name}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
            }
            Some(ParamKind::Bigint | ParamKind::Double | ParamKind::Text | ParamKind::Boolean) | None => {
                name.to_owned()
            }
        }
    };
    let (mut written, mut copied) = (String::new(), 0);
    for token in &tokens {
        if let Token::Placeholder(name) = &token.token {
            let at = offset(text, token.span.start);
            written.push_str(&text[copied..at]);
            written.push_str(&cast(name));
            copied = at + name.len();
        }
    }
    written.push_str(&text[copied..]);
    Ok(written)
}

/// Returns the byte offset of a line and column, both counted in characters from 1.
fn offset(text: &str, at: Location) -> usize {
    let chars = text.char_indices().scan((1, 1), |(line, column), (offset, c)| {
        let here = (*line, *column, offset);
        (*line, *column) = if c == '\n' { (*line + 1, 1) } else { (*line, *column + 1) };
        Some(here)
    });
    let mut found = chars.filter(|(line, column, _)| (*line, *column) == (at.line, at.column));
    found.next().map_or(text.len(), |(.., offset)| offset)
}

/// Checks that every `$name` is declared, and every declared one is used.
fn check_use(text: &str, params: &[Param]) -> Result<(), String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().map_err(|e| e.to_string())?;
    let used = tokens.iter().filter_map(|token| match token {
        Token::Placeholder(name) => Some(name.trim_start_matches('$')),
        _ => None,
    });
    let used: Vec<_> = used.collect();
    if let Some(name) = used.iter().find(|name| params.iter().all(|param| param.name != **name)) {
        return Err(format!("it uses `${name}`, which no `-- param: …` declares"));
    }
    match params.iter().find(|param| !used.contains(&param.name.as_str())) {
        Some(param) => Err(format!("it declares `{}` and does not use it", param.name)),
        None => Ok(()),
    }
}

//! Options of COPY TO STDOUT, in the list of today (`WITH (FORMAT csv, HEADER)`) and in the old form (`CSV HEADER`).

use super::copy_format::{CopyFormat, CsvQuotes, LineFormat};
use super::error::StatementRefusal;
use super::string_literal;
use super::token_cursor::TokenCursor;

const LIST_FORM: &str = "COPY: options must have the form WITH (FORMAT csv, HEADER) or WITH CSV HEADER";
/// Characters that cannot be the delimiter of the text format.
const NO_TEXT_DELIMITERS: &str = "\\.abcdefghijklmnopqrstuvwxyz0123456789";

/// The name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormatName {
    Text,
    Csv,
    Binary,
}

/// The options as they are written; `None` for those that are not.
#[derive(Debug, Default)]
struct CopyOptions {
    format: Option<FormatName>,
    has_header: Option<bool>,
    delimiter: Option<String>,
    null: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
}

/// Reads the options up to the end of the statement.
///
/// # Errors
/// 42601 for options of another form, 0A000 for unknown ones, 22023 for values that they cannot have.
pub fn parse(words: &mut TokenCursor<'_>) -> Result<CopyFormat, StatementRefusal> {
    let syntax = || StatementRefusal::syntax(LIST_FORM);
    let mut options = CopyOptions::default();
    let has_with = words.next_is("WITH");
    if words.next_is("(") {
        loop {
            let name = words.identifier().ok_or_else(syntax)?;
            options.read(&name, words)?;
            if words.next_is(")") {
                break;
            }
            if !words.next_is(",") {
                return Err(syntax());
            }
        }
    } else {
        if has_with && words.is_at_end() {
            return Err(syntax());
        }
        while let Some(name) = words.identifier() {
            options.read(&name, words)?;
        }
    }
    if words.is_at_end() { options.into_format() } else { Err(syntax()) }
}

impl CopyOptions {
    /// Reads the value of an option.
    fn read(&mut self, name: &str, words: &mut TokenCursor<'_>) -> Result<(), StatementRefusal> {
        match name {
            "csv" => set(&mut self.format, name, FormatName::Csv),
            "binary" => set(&mut self.format, name, FormatName::Binary),
            "header" => set(&mut self.has_header, name, boolean(words).unwrap_or(true)),
            "format" => match text(name, words)?.to_ascii_lowercase().as_str() {
                "csv" => set(&mut self.format, name, FormatName::Csv),
                "text" => set(&mut self.format, name, FormatName::Text),
                "binary" => set(&mut self.format, name, FormatName::Binary),
                _ => Err(StatementRefusal::invalid_value("COPY: FORMAT must be text, csv or binary")),
            },
            "delimiter" => set(&mut self.delimiter, name, text(name, words)?),
            "null" => set(&mut self.null, name, text(name, words)?),
            "quote" => set(&mut self.quote, name, text(name, words)?),
            "escape" => set(&mut self.escape, name, text(name, words)?),
            "encoding" => match text(name, words)?.to_ascii_lowercase().as_str() {
                "utf8" | "utf-8" => Ok(()),
                _ => Err(StatementRefusal::unsupported("COPY: ENCODING must be UTF8")),
            },
            _ => Err(StatementRefusal::unsupported(
                "COPY: an option that is not supported; valid are FORMAT, HEADER, DELIMITER, NULL, QUOTE, ESCAPE and ENCODING",
            )),
        }
    }

    fn into_format(self) -> Result<CopyFormat, StatementRefusal> {
        if self.format == Some(FormatName::Binary) {
            let texts = [&self.delimiter, &self.null, &self.quote, &self.escape];
            let is_plain = self.has_header.is_none() && texts.iter().all(|text| text.is_none());
            let message = "COPY: the format binary takes no HEADER, DELIMITER, NULL, QUOTE and ESCAPE";
            return is_plain.then_some(CopyFormat::Binary).ok_or_else(|| StatementRefusal::syntax(message));
        }
        self.into_lines().map(CopyFormat::Lines)
    }

    fn into_lines(self) -> Result<LineFormat, StatementRefusal> {
        let is_csv = self.format == Some(FormatName::Csv);
        if !is_csv && (self.quote.is_some() || self.escape.is_some()) {
            return Err(StatementRefusal::unsupported("COPY: QUOTE and ESCAPE need the format csv"));
        }
        let delimiter = character("DELIMITER", self.delimiter, if is_csv { b',' } else { b'\t' })?;
        let csv = match is_csv {
            true => {
                let quote = character("QUOTE", self.quote, b'"')?;
                Some(CsvQuotes { quote, escape: character("ESCAPE", self.escape, quote)? })
            }
            false => None,
        };
        let null = self.null.unwrap_or_else(|| if is_csv { String::new() } else { "\\N".to_owned() });
        let format = LineFormat { csv, has_header: self.has_header.unwrap_or(false), delimiter, null };
        check(&format).map_err(StatementRefusal::invalid_value)?;
        Ok(format)
    }
}

/// Checks that a reader can tell the parts of a row apart.
fn check(format: &LineFormat) -> Result<(), &'static str> {
    let has = |byte| format.null.as_bytes().contains(&byte);
    if has(b'\n') || has(b'\r') {
        return Err("COPY: NULL must not contain an end of line");
    }
    if has(format.delimiter) {
        return Err("COPY: NULL must not contain the delimiter");
    }
    match format.csv {
        Some(CsvQuotes { quote, .. }) if quote == format.delimiter => {
            Err("COPY: QUOTE must differ from the delimiter")
        }
        Some(CsvQuotes { quote, .. }) if has(quote) => Err("COPY: NULL must not contain the quote"),
        None if NO_TEXT_DELIMITERS.as_bytes().contains(&format.delimiter) => {
            Err("COPY: DELIMITER must not be a small letter, a digit, a dot or a backslash")
        }
        _ => Ok(()),
    }
}

fn set<T>(option: &mut Option<T>, name: &str, value: T) -> Result<(), StatementRefusal> {
    if option.replace(value).is_some() {
        let message = format!("COPY: {} is given twice", name.to_ascii_uppercase());
        return Err(StatementRefusal::syntax(message));
    }
    Ok(())
}

/// Returns the one byte that an option is.
fn character(name: &str, value: Option<String>, default: u8) -> Result<u8, StatementRefusal> {
    match value.as_deref().map(str::as_bytes) {
        None => Ok(default),
        Some(&[byte]) if !matches!(byte, b'\n' | b'\r' | 0) => Ok(byte),
        Some(_) => {
            let message = format!("COPY: {name} must be one character of one byte that does not end a line");
            Err(StatementRefusal::invalid_value(message))
        }
    }
}

/// Reads the value of HEADER, if one follows.
fn boolean(words: &mut TokenCursor<'_>) -> Option<bool> {
    let mut ahead = *words;
    let value = match string_literal::value(ahead.next()?)?.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => true,
        "false" | "off" | "0" => false,
        _ => return None,
    };
    *words = ahead;
    Some(value)
}

/// Reads the text that an option is; the old form allows AS before it.
fn text(name: &str, words: &mut TokenCursor<'_>) -> Result<String, StatementRefusal> {
    words.next_is("AS");
    words.next().and_then(string_literal::value).ok_or_else(|| {
        StatementRefusal::syntax(format!(
            "COPY: {} must be followed by a text in quotes",
            name.to_ascii_uppercase()
        ))
    })
}

#[cfg(test)]
#[path = "copy_options_tests.rs"]
mod tests;

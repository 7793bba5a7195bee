//! Cuts a body into lines, and a line into its sections. A newline inside a quoted field value does not end a line.

use super::LineError;

/// The sections of one line, as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Measurement and tags, with their escapes.
    pub series: &'a [u8],
    /// Fields, with their escapes; not empty.
    pub fields: &'a [u8],
    /// Digits of the time; empty when there is none.
    pub timestamp: &'a [u8],
}

/// Iterates over the lines of a body that are not empty and no comments, each with the number of its first line, from 1.
#[derive(Debug)]
pub struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    /// Starts at the first line of `body`.
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, number: 1 }
    }

    /// Skips spaces, empty lines and comments. Returns whether a line follows.
    fn skip_to_line(&mut self) -> bool {
        loop {
            match self.body.get(self.at) {
                None => return false,
                Some(b'\n') => {
                    self.at += 1;
                    self.number += 1;
                }
                Some(b' ' | b'\t' | b'\r' | 0) => self.at += 1,
                Some(b'#') => self.at = self.end_of_line(self.at),
                Some(_) => return true,
            }
        }
    }

    /// Index of the next newline, or of the end.
    fn end_of_line(&self, from: usize) -> usize {
        self.body[from..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.body.len(), |offset| from + offset)
    }

    /// Index of the space or newline that ends the first section. A space after a backslash belongs to the section.
    fn end_of_series(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(byte) = self.body.get(at) {
            let is_escaped = at > from && self.body[at - 1] == b'\\';
            if *byte == b'\n' || (*byte == b' ' && !is_escaped) {
                break;
            }
            at += 1;
        }
        at
    }

    /// Index of the space or newline that ends the fields, outside of quotes. A quote in the key of a field is a character like any
    /// other.
    fn end_of_fields(&self, from: usize) -> Result<usize, LineError> {
        let (mut at, mut is_quoted, mut is_value) = (from, false, false);
        while let Some(byte) = self.body.get(at) {
            match byte {
                // Whatever follows a backslash ends nothing. A newline does, outside of quotes.
                b'\\' if is_quoted || self.body.get(at + 1) != Some(&b'\n') => at += 1,
                b'"' if is_value => is_quoted = !is_quoted,
                b'=' if !is_quoted => is_value = true,
                b',' if !is_quoted => is_value = false,
                b' ' | b'\n' if !is_quoted => break,
                _ => {}
            }
            at += 1;
        }
        if is_quoted {
            return Err("a quoted field value has no end".into());
        }
        Ok(at.min(self.body.len()))
    }

    fn cut(&mut self) -> Result<Line<'a>, LineError> {
        let body = self.body;
        let start = self.at;
        let end = self.end_of_series(start);
        let series = trim_end(&body[start..end]);
        let fields_start = skip_spaces(body, end);
        self.at = fields_start;
        let fields_end = self.end_of_fields(fields_start).inspect_err(|_| self.at = start)?;
        let fields = trim_end(&body[fields_start..fields_end]);
        self.at = fields_end;
        if fields.is_empty() {
            return Err("has no fields: `measurement field=value` is expected".into());
        }
        let time_end = self.end_of_line(fields_end);
        self.at = time_end;
        Ok(Line { series, fields, timestamp: body[fields_end..time_end].trim_ascii() })
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, Result<Line<'a>, LineError>);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.skip_to_line() {
            return None;
        }
        let (start, number) = (self.at, self.number);
        let line = self.cut();
        // What follows a wrong line is read again from its first newline.
        self.at = self.end_of_line(self.at);
        let newlines = self.body[start..self.at].iter().filter(|byte| **byte == b'\n').count();
        self.number += newlines;
        Some((number, line))
    }
}

fn skip_spaces(body: &[u8], from: usize) -> usize {
    from + body[from..].iter().take_while(|byte| **byte == b' ').count()
}

/// Without the carriage return of a line that ends in two characters.
fn trim_end(section: &[u8]) -> &[u8] {
    section.strip_suffix(b"\r").unwrap_or(section)
}

//! InfluxDB's line protocol: `measurement[,tag=value…] field=value[,field=value…] [timestamp]`. Pure.
//!
//! The grammar is that of InfluxDB 1.x and 2.x, which agree on it
//! (<https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>). `lines` cuts a body into lines and each line
//! into its three sections without a copy; `series` reads the first section, `fields` the second, `timestamp` the third.
//! A section that is repeated in every line, as the first one mostly is, can so be compared as bytes before it is read.

pub mod fields;
pub mod lines;
pub mod series;
pub mod timestamp;

use std::borrow::Cow;

/// Why a line is refused: a phrase that follows `line N: `.
pub type LineError = Cow<'static, str>;

/// Returns a section as text.
///
/// # Errors
/// Bytes that are not UTF-8.
fn utf8(bytes: &[u8]) -> Result<&str, LineError> {
    std::str::from_utf8(bytes).map_err(|_| LineError::from("is not UTF-8"))
}

/// Removes the backslash before every character of `escaped`. Every other backslash stands for itself.
fn unescape<'a>(text: &'a str, escaped: &[char]) -> Cow<'a, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match rest.peek() {
            Some(following) if next == '\\' && escaped.contains(following) => plain.extend(rest.next()),
            _ => plain.push(next),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;

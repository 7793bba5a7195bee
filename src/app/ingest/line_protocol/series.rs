//! The first section of a line: the measurement and its tags.

use std::borrow::Cow;

use super::{LineError, unescape, utf8};

/// Characters that a backslash escapes in a measurement.
const MEASUREMENT_ESCAPES: &[char] = &[',', ' '];
/// Characters that a backslash escapes in the keys and values of tags, and in the keys of fields.
pub(super) const KEY_ESCAPES: &[char] = &[',', '=', ' '];

/// Measurement and tags without their escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series<'a> {
    /// Not empty.
    pub measurement: Cow<'a, str>,
    /// Keys and values, none of them empty, sorted by key; no key twice.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Reads the first section of a line.
///
/// # Errors
/// An empty measurement, a tag without a key or value, a key that is repeated, and bytes that are not UTF-8.
pub fn parse(section: &[u8]) -> Result<Series<'_>, LineError> {
    let mut parts = split_unescaped(utf8(section)?, ',');
    let measurement = unescape(parts.next().unwrap_or_default(), MEASUREMENT_ESCAPES);
    if measurement.is_empty() {
        return Err("has no measurement".into());
    }
    let mut tags = parts.map(parse_tag).collect::<Result<Vec<_>, _>>()?;
    tags.sort_by(|one, other| one.0.cmp(&other.0));
    if let Some(pair) = tags.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("has the tag `{}` twice", pair[0].0).into());
    }
    Ok(Series { measurement, tags })
}

fn parse_tag(text: &str) -> Result<(Cow<'_, str>, Cow<'_, str>), LineError> {
    let mut parts = split_unescaped(text, '=');
    let (Some(key), Some(value), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("`{text}` is no tag: `key=value` is expected").into());
    };
    if key.is_empty() || value.is_empty() {
        return Err(format!("the tag `{text}` has an empty key or value").into());
    }
    Ok((unescape(key, KEY_ESCAPES), unescape(value, KEY_ESCAPES)))
}

/// Splits at every `separator` that no backslash precedes.
fn split_unescaped(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut previous = ' ';
    text.split(move |next| {
        let is_end = next == separator && previous != '\\';
        previous = next;
        is_end
    })
}

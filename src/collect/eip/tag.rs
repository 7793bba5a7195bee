//! Paths of tags as text, such as `Program:Main.axes[2].position` or `status.3`, and as they are in a request. Pure.
//!
//! 1756-PM020, "CIP addressing examples": a name is a symbolic segment, an index a member segment. The program of a tag
//! is a name of its own. A bit has no segment: the integer is read, and the bit taken from it.

use std::fmt;
use std::str::FromStr;

/// Valid forms of a path, for error messages.
pub const FORM: &str = "write a tag such as speed, Program:Main.speed, axes[2].position or status.3 (a bit)";

/// Longest path in bytes. A request of one tag then fits into the 504 bytes of an unconnected message.
const MAX_PATH_BYTES: usize = 400;
/// Names in a controller have at most 40 characters; a program or a module adds words with colons.
const MAX_NAME_BYTES: usize = 120;
/// Arrays have at most three dimensions.
const MAX_DIMENSIONS: usize = 3;
/// The widest integer has 64 bits.
const MAX_BIT: u8 = 63;

/// Extended symbolic segment of ASCII characters (CIP volume 1, appendix C-1.4.5).
const SYMBOL_SEGMENT: u8 = 0x91;
/// Logical segments of a member id in 8, 16 and 32 bits (C-1.4.2).
const ELEMENT_8: u8 = 0x28;
const ELEMENT_16: u8 = 0x29;
const ELEMENT_32: u8 = 0x2A;

/// Path of a tag on a controller. Two paths are equal when they mean the same tag: letter case makes no difference.
#[derive(Debug, Clone)]
pub struct TagPath {
    segments: Vec<TagSegment>,
    bit: Option<u8>,
}

/// Why a text is no path of a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no tag ({why}): {FORM}")]
pub struct InvalidTagPath {
    given: String,
    why: &'static str,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TagSegment {
    Name(String),
    /// Indexes of an element, one for each dimension.
    Element(Vec<u32>),
}

impl TagPath {
    /// The bit of the integer that is meant; `None` for the whole value.
    pub fn bit(&self) -> Option<u8> {
        self.bit
    }

    /// The path without its bit.
    pub fn without_bit(&self) -> TagPath {
        TagPath { segments: self.segments.clone(), bit: None }
    }

    /// Index of the element that the path ends with, if that array has one dimension.
    pub fn last_index(&self) -> Option<u32> {
        match self.segments.last() {
            Some(TagSegment::Element(indexes)) => match indexes[..] {
                [index] => Some(index),
                _ => None,
            },
            _ => None,
        }
    }

    /// This path with another last index; the path itself if it does not end with one.
    pub fn with_last_index(&self, index: u32) -> TagPath {
        let mut path = self.clone();
        if let (Some(TagSegment::Element(indexes)), Some(_)) = (path.segments.last_mut(), self.last_index()) {
            *indexes = vec![index];
        }
        path
    }

    /// Path of a member of the structure at this path.
    pub fn member(&self, name: &str) -> TagPath {
        self.below(TagSegment::Name(name.to_owned()))
    }

    /// Path of an element of the array at this path.
    pub fn element(&self, index: u32) -> TagPath {
        self.below(TagSegment::Element(vec![index]))
    }

    fn below(&self, segment: TagSegment) -> TagPath {
        let mut path = self.without_bit();
        path.segments.push(segment);
        path
    }

    /// The names and indexes as the segments of a request, padded to words. The bit is not part of them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for segment in &self.segments {
            match segment {
                TagSegment::Name(name) => bytes.extend(encode_name(name)),
                TagSegment::Element(indexes) => {
                    indexes.iter().for_each(|index| push_index(&mut bytes, *index))
                }
            }
        }
        bytes
    }
}

/// A name as a symbolic segment, padded to words; of a longer name than a segment can hold, the beginning.
pub fn encode_name(name: &str) -> Vec<u8> {
    let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let mut bytes = vec![SYMBOL_SEGMENT, len];
    bytes.extend_from_slice(&name.as_bytes()[..len.into()]);
    if len % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn push_index(bytes: &mut Vec<u8>, index: u32) {
    match (u8::try_from(index), u16::try_from(index)) {
        (Ok(index), _) => bytes.extend([ELEMENT_8, index]),
        (_, Ok(index)) => {
            bytes.extend([ELEMENT_16, 0]);
            bytes.extend(index.to_le_bytes());
        }
        _ => {
            bytes.extend([ELEMENT_32, 0]);
            bytes.extend(index.to_le_bytes());
        }
    }
}

impl PartialEq for TagPath {
    fn eq(&self, other: &TagPath) -> bool {
        let is_same = |(one, other): (&TagSegment, &TagSegment)| match (one, other) {
            (TagSegment::Name(one), TagSegment::Name(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        };
        self.bit == other.bit
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(is_same)
    }
}

impl Eq for TagPath {}

impl fmt::Display for TagPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                TagSegment::Name(name) if position == 0 => f.write_str(name)?,
                TagSegment::Name(name) => write!(f, ".{name}")?,
                TagSegment::Element(indexes) => {
                    let indexes: Vec<String> = indexes.iter().map(u32::to_string).collect();
                    write!(f, "[{}]", indexes.join(","))?;
                }
            }
        }
        match self.bit {
            Some(bit) => write!(f, ".{bit}"),
            None => Ok(()),
        }
    }
}

impl FromStr for TagPath {
    type Err = InvalidTagPath;

    fn from_str(text: &str) -> Result<TagPath, InvalidTagPath> {
        parse(text).map_err(|why| InvalidTagPath { given: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<TagPath, &'static str> {
    if text.len() > MAX_PATH_BYTES {
        return Err("the path is longer than 400 bytes");
    }
    let (mut segments, mut bit) = (Vec::new(), None);
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && !segments.is_empty() && parts.peek().is_none() {
            bit = part.parse().ok().filter(|bit| *bit <= MAX_BIT);
            bit.ok_or("a bit is a number from 0 to 63")?;
            break;
        }
        parse_part(part, &mut segments)?;
    }
    let path = TagPath { segments, bit };
    if path.encode().len() > MAX_PATH_BYTES { Err("the path is too long for a request") } else { Ok(path) }
}

/// Parses a name and the indexes after it.
fn parse_part(part: &str, segments: &mut Vec<TagSegment>) -> Result<(), &'static str> {
    let (name, indexes) = match part.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']').ok_or("an index ends with `]`")?)),
        None => (part, None),
    };
    if !is_name(name, segments.is_empty()) {
        return Err("a name is letters, digits and `_`, and begins with no digit");
    }
    segments.push(TagSegment::Name(name.to_owned()));
    if let Some(indexes) = indexes {
        let indexes: Option<Vec<u32>> = indexes.split(',').map(parse_index).collect();
        let indexes = indexes.filter(|indexes| indexes.len() <= MAX_DIMENSIONS);
        segments
            .push(TagSegment::Element(indexes.ok_or("an element has one to three numbers as its index")?));
    }
    Ok(())
}

/// Parses digits alone: no sign, no blank.
fn parse_index(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether this is an identifier of IEC 61131-3. The first name of a path may have words behind colons, which are a
/// program (`Program:Main`) or the slot and part of a module (`Local:1:I`).
fn is_name(name: &str, is_first: bool) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut words = name.split(':');
    name.len() <= MAX_NAME_BYTES
        && words.next().is_some_and(|word| is_word(word) && !word.as_bytes()[0].is_ascii_digit())
        && words.all(|word| is_first && is_word(word))
}

#[cfg(test)]
#[path = "tag_tests.rs"]
mod tests;

//! A tag as a list describes it.

use crate::collect::registers::value_type::RegisterType;
use crate::domain::stream::StreamKind;

/// Type of a tag's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagType {
    Kind(StreamKind),
    /// A type that only registers have, which stands behind the address.
    Register(RegisterType),
    /// The type that the address has by itself.
    OfAddress,
}

/// A tag that a stream can be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    pub address: String,
    pub kind: TagType,
    pub scale: f64,
    pub offset: f64,
    pub unit: String,
    pub description: String,
    /// Something that the list says of the tag and a stream does not have.
    pub remark: Option<&'static str>,
}

impl Tag {
    /// Returns a tag that is not scaled and has no unit.
    pub fn new(address: impl Into<String>, kind: TagType) -> Tag {
        Tag {
            address: address.into(),
            kind,
            scale: 1.0,
            offset: 0.0,
            unit: String::new(),
            description: String::new(),
            remark: None,
        }
    }
}

/// A row of a list: the tag, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRow {
    pub line: u64,
    pub name: String,
    pub tag: Result<Tag, String>,
}

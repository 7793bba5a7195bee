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
    /// Indexes of the elements of an array, such as `[1,0]`, each of which becomes a stream; empty for a tag of one value.
    pub elements: Vec<String>,
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
            elements: Vec::new(),
            remark: None,
        }
    }
}

/// A tag of a list, or why there is none. The elements of an array have one each, all of the array's line.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRow {
    pub line: u64,
    pub name: String,
    pub tag: Result<Tag, String>,
}

impl TagRow {
    /// Divides the row of an array into one for each of its elements. So many more elements may the list have.
    pub fn divided(self, left_elements: &mut usize) -> Vec<TagRow> {
        let TagRow { line, name, tag } = self;
        let array = match tag {
            Ok(tag) if !tag.elements.is_empty() => tag,
            tag => return vec![TagRow { line, name, tag }],
        };
        let Some(left) = left_elements.checked_sub(array.elements.len()) else {
            let reason = "the arrays of the list have too many elements: divide the list, or list the elements \
                          that you need in the columns name, address, type";
            return vec![TagRow { line, name, tag: Err(reason.to_owned()) }];
        };
        *left_elements = left;
        let element = |index: &String| {
            let address = format!("{}{index}", array.address);
            let tag = Tag { address, elements: Vec::new(), ..array.clone() };
            TagRow { line, name: format!("{name}{index}"), tag: Ok(tag) }
        };
        array.elements.iter().map(element).collect()
    }
}

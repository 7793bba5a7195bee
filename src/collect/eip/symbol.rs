//! The list of a controller's tags: its request and its replies. Pure.
//!
//! 1756-PM020, "Accessing user-defined structures" and "Retrieving tag information": instances of class 6B are the tags
//! of the controller, and of a program below its name. A reply has as many as fit, each with its attributes.

use super::cip::{CipRequest, service};
use super::data_type::TagType;
use super::tag::encode_name;

/// Class of tags, and the attributes that are asked for: name, type, dimensions.
const SYMBOL_CLASS: u8 = 0x6B;
const ATTRIBUTES: [u16; 3] = [1, 2, 8];
/// Bits of a type: a structure; the number of dimensions; made by the system; the number or template of the type.
const IS_STRUCTURE: u16 = 0x8000;
const DIMENSIONS: u16 = 0x6000;
const IS_SYSTEM: u16 = 0x1000;
const TYPE_NUMBER: u16 = 0x0FFF;
/// The elementary types have numbers in one byte; BOOLs have the number of their bit beside it.
const ELEMENTARY_NUMBER: u16 = 0x00FF;
/// Template of the predefined structure STRING.
const STRING_TEMPLATE: u16 = 0x0FCE;

/// A tag or program of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    pub instance: u32,
    pub name: String,
    /// Type of an element; a structure has its template in place of its handle.
    pub data_type: TagType,
    /// Elements in each dimension; empty for a tag that is no array.
    pub dimensions: Vec<u32>,
    is_system: bool,
}

impl Symbol {
    /// Name of the program that this is, as tags in it begin; `None` for a tag.
    pub fn program(&self) -> Option<&str> {
        self.name.starts_with("Program:").then_some(self.name.as_str())
    }

    /// Whether this is a tag that somebody named, and no routine, task, module or other part of the system.
    pub fn is_tag(&self) -> bool {
        !self.is_system && !self.name.contains(':') && !self.name.starts_with("__")
    }
}

/// Asks for the tags from an instance on: those of the controller, or of a program.
pub fn list_request(program: Option<&str>, instance: u32) -> CipRequest {
    let mut path = program.map(encode_name).unwrap_or_default();
    path.extend([0x20, SYMBOL_CLASS]);
    match u16::try_from(instance) {
        Ok(instance) => {
            path.extend([0x25, 0]);
            path.extend(instance.to_le_bytes());
        }
        Err(_) => {
            path.extend([0x26, 0]);
            path.extend(instance.to_le_bytes());
        }
    }
    let mut data = (ATTRIBUTES.len() as u16).to_le_bytes().to_vec();
    ATTRIBUTES.iter().for_each(|attribute| data.extend(attribute.to_le_bytes()));
    CipRequest { service: service::GET_INSTANCE_ATTRIBUTE_LIST, path, data }
}

/// Parses the data of a reply; `None` for data that is no list.
pub fn parse_list(mut data: &[u8]) -> Option<Vec<Symbol>> {
    let mut symbols = Vec::new();
    while !data.is_empty() {
        let instance = u32::from_le_bytes(take(&mut data)?);
        let len = usize::from(u16::from_le_bytes(take(&mut data)?));
        let (name, rest) = data.split_at_checked(len)?;
        data = rest;
        let name = String::from_utf8_lossy(name).into_owned();
        let number = u16::from_le_bytes(take(&mut data)?);
        let mut dimensions = Vec::new();
        for dimension in 0..3 {
            let elements = u32::from_le_bytes(take(&mut data)?);
            if dimension < (number & DIMENSIONS) >> 13 {
                dimensions.push(elements);
            }
        }
        let (data_type, is_system) = (type_of(number), number & IS_SYSTEM != 0);
        symbols.push(Symbol { instance, name, data_type, dimensions, is_system });
    }
    Some(symbols)
}

fn take<const N: usize>(data: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = data.split_first_chunk::<N>()?;
    *data = rest;
    Some(*bytes)
}

fn type_of(number: u16) -> TagType {
    match (number & IS_STRUCTURE != 0, number & TYPE_NUMBER) {
        (true, STRING_TEMPLATE) => TagType::String,
        (true, template) => TagType::Structure(template),
        (false, number) => TagType::from_number(number & ELEMENTARY_NUMBER),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_list_is_asked_for_and_read() {
        for (program, instance, expected) in [
            (None, 0, "55 03 206b 2500 0000 0300 0100 0200 0800"),
            (None, 0x1_0000, "55 04 206b 2600 00000100 0300 0100 0200 0800"),
            (Some("Program:A"), 7, "55 09 9109 50726f6772616d3a41 00 206b 2500 0700 0300 0100 0200 0800"),
        ] {
            let request = list_request(program, instance).encode();
            assert_eq!(hex::encode(request), expected.replace(' ', ""), "{program:?}");
        }
        let none = "000000000000000000000000";
        let list = [
            format!("01000000 0500 7370656564 ca00 {none}"),
            "09000000 0500 666c616773 d320 020000000000000000000000".to_owned(),
            "0a000000 0400 67726964 c340 040000000500000000000000".to_owned(),
            format!("0b000000 0100 74 ce8f {none}"),
            format!("0c000000 0100 75 3481 {none}"),
            format!("0d000000 0900 50726f6772616d3a41 6810 {none}"),
            format!("0e000000 0400 5f5f5f61 c400 {none}"),
        ];
        let symbols = parse_list(&hex::decode(list.concat().replace(' ', "")).unwrap()).unwrap();
        let seen: Vec<_> = symbols
            .iter()
            .map(|symbol| (symbol.name.as_str(), symbol.data_type, &symbol.dimensions[..], symbol.is_tag()))
            .collect();
        assert_eq!(
            seen,
            [
                ("speed", TagType::Real, &[][..], true),
                ("flags", TagType::Dword, &[2], true),
                ("grid", TagType::Int, &[4, 5], true),
                ("t", TagType::String, &[], true),
                ("u", TagType::Structure(0x134), &[], true),
                ("Program:A", TagType::Other(0x68), &[], false),
                ("___a", TagType::Dint, &[], false),
            ]
        );
        assert_eq!((symbols[5].program(), symbols[0].program()), (Some("Program:A"), None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_or_refused(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse_list(&data));
        }
    }
}

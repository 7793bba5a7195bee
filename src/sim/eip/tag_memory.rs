//! Tags of the simulated controller, and the services that read and write them.
//!
//! | tag | what it is |
//! |---|---|
//! | `motor`, `tank`, `furnace` | a structure of the plant's quantities, such as `motor.speed` |
//! | `Program:Main.speed`, `Program:Main.run` | the same quantities in a program |
//! | `Program:Main.note` | a STRING |
//! | `value_bool` … `value_lreal`, `value_string` | one tag of each type |
//! | `value_string20` | a string type of the project, with the members `LEN` and `DATA` |
//! | `flags`, `numbers`, `reals`, `grid` | BOOL[256], DINT[1000], REAL[100], INT[4,5] |
//!
//! Quantities can be read, and those of the settings written; everything else holds what was written last.

use std::sync::Arc;

use opcua::types::Variant;
use parking_lot::Mutex;

use super::reply::{
    BEYOND_END, EXTENDED, OTHER_TYPE, Outcome, PARTIAL, PATH_UNKNOWN, TOO_FEW_DATA, TOO_MANY_DATA,
};
use super::tag::{self, MemoryTag, PathSegment};
use crate::sim::opcua::{QUANTITIES, Quantity};
use crate::sim::plant::Plant;

/// The tag cannot be written.
const READ_ONLY: u8 = 0x0E;
/// A value that the plant's setting cannot have.
const INVALID_VALUE: u8 = 0x09;
/// Quantities that a program has too.
const PROGRAM_TAGS: [(&str, &str); 2] =
    [("Program:Main.speed", "motor.speed"), ("Program:Main.run", "motor.run")];

/// Tags of one controller.
pub struct TagMemory {
    plant: Arc<Mutex<Plant>>,
    tags: Vec<MemoryTag>,
}

/// Target of a path.
enum Target<'a> {
    Quantity(&'static Quantity),
    /// A structure of the plant, by its name and a point.
    Machine(String),
    /// A tag, the type of the element that is meant, and the byte at which it begins.
    Memory(&'a mut MemoryTag, u16, usize),
}

impl TagMemory {
    /// Creates the memory with all tags at 0, or empty; quantities are read from `plant` at each request.
    pub fn new(plant: Arc<Mutex<Plant>>) -> TagMemory {
        let scalar = |(name, data_type): (&str, u16)| MemoryTag::new(name, data_type, &[]);
        let array = |name, data_type, dimensions| MemoryTag::new(name, data_type, dimensions);
        let mut tags: Vec<MemoryTag> = [
            ("value_bool", tag::BOOL),
            ("value_sint", tag::SINT),
            ("value_int", tag::INT),
            ("value_dint", tag::DINT),
            ("value_lint", tag::LINT),
            ("value_usint", tag::USINT),
            ("value_uint", tag::UINT),
            ("value_udint", tag::UDINT),
            ("value_ulint", tag::ULINT),
            ("value_real", tag::REAL),
            ("value_lreal", tag::LREAL),
            ("value_string", tag::STRING),
            ("value_string20", tag::STRING20),
            ("Program:Main.note", tag::STRING),
        ]
        .map(scalar)
        .into();
        tags.push(array("flags", tag::DWORD, &[8]));
        tags.push(array("numbers", tag::DINT, &[1000]));
        tags.push(array("reals", tag::REAL, &[100]));
        tags.push(array("grid", tag::INT, &[4, 5]));
        TagMemory { plant, tags }
    }

    /// Name, type and dimensions of every tag in the controller or a program; the machines as structures.
    pub fn listed(&self, program: Option<&str>) -> Vec<(String, u16, Vec<u32>)> {
        let memory = self.tags.iter().map(|tag| (tag.name.clone(), tag.data_type, tag.dimensions.clone()));
        let plant = self.plant.lock();
        let quantities = PROGRAM_TAGS.iter().filter_map(|(name, quantity)| {
            Some(((*name).to_owned(), encode(&find(quantity)?.read(&plant)).0, Vec::new()))
        });
        let machines = machines().map(|name| (name.to_owned(), tag::MACHINE, Vec::new()));
        let all = machines.chain(memory).chain(quantities);
        all.filter_map(|(name, data_type, dimensions)| match name.split_once('.') {
            Some((of, name)) => program
                .is_some_and(|program| of.eq_ignore_ascii_case(program))
                .then(|| (name.to_owned(), data_type, dimensions)),
            None => program.is_none().then_some((name, data_type, dimensions)),
        })
        .collect()
    }

    fn target(&mut self, path: &[PathSegment]) -> Result<Target<'_>, (u8, Option<u16>)> {
        let mut names = Vec::new();
        let mut indexes = Vec::new();
        for segment in path {
            match segment {
                PathSegment::Name(name) if indexes.is_empty() => names.push(name.as_str()),
                PathSegment::Element(index) => indexes.push(*index),
                _ => return Err((PATH_UNKNOWN, None)),
            }
        }
        let name = names.join(".");
        let of_program = PROGRAM_TAGS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(&name));
        let quantity = find(of_program.map_or(name.as_str(), |(_, quantity)| *quantity));
        if let Some(quantity) = quantity.filter(|_| indexes.is_empty()) {
            return Ok(Target::Quantity(quantity));
        }
        if machines().any(|machine| machine == name) && indexes.is_empty() {
            return Ok(Target::Machine(format!("{name}.")));
        }
        let beyond_end = (EXTENDED, Some(BEYOND_END));
        let at = |name: &str| self.tags.iter().position(|tag| tag.name.eq_ignore_ascii_case(name));
        if let Some(at) = at(&name) {
            let offset = self.tags[at].offset(&indexes).ok_or(beyond_end)?;
            let data_type = self.tags[at].data_type;
            return Ok(Target::Memory(&mut self.tags[at], data_type, offset));
        }
        let (owner, member) = name.rsplit_once('.').ok_or((PATH_UNKNOWN, None))?;
        let at = at(owner).filter(|at| self.tags[*at].data_type == tag::STRING20);
        let at = at.ok_or((PATH_UNKNOWN, None))?;
        let (data_type, offset) = tag::string_member(member, &indexes).ok_or((PATH_UNKNOWN, None))?;
        if offset >= tag::size(tag::STRING20) {
            return Err(beyond_end);
        }
        Ok(Target::Memory(&mut self.tags[at], data_type, offset))
    }

    /// Reads elements of a tag, as many bytes as there is space for; a fragment begins at a byte.
    pub fn read(&mut self, path: &[PathSegment], data: &[u8], space: usize, is_fragment: bool) -> Outcome {
        let [low, high, offset @ ..] = data else { return Err((TOO_FEW_DATA, None)) };
        let count = usize::from(u16::from_le_bytes([*low, *high]));
        let start = match (is_fragment, offset.first_chunk()) {
            (true, Some(offset)) => u32::from_le_bytes(*offset) as usize,
            (true, None) => return Err((TOO_FEW_DATA, None)),
            (false, _) => 0,
        };
        let plant = Arc::clone(&self.plant);
        let plant = plant.lock();
        let (data_type, bytes) = match self.target(path)? {
            Target::Quantity(quantity) => encode(&quantity.read(&plant)),
            Target::Machine(prefix) => {
                let members = QUANTITIES.iter().filter(|quantity| quantity.name.starts_with(&prefix));
                (tag::MACHINE, members.flat_map(|member| encode(&member.read(&plant)).1).collect())
            }
            Target::Memory(tag, data_type, offset) => {
                let end = offset + count.max(1) * tag::size(data_type);
                let bytes = tag.bytes.get(offset..end).ok_or((EXTENDED, Some(BEYOND_END)))?;
                (data_type, bytes.to_vec())
            }
        };
        let mut reply = tag::type_bytes(data_type);
        let rest = bytes.get(start..).ok_or((EXTENDED, Some(BEYOND_END)))?;
        let fitting = rest.len().min(space.saturating_sub(reply.len()));
        reply.extend_from_slice(&rest[..fitting]);
        Ok((if fitting < rest.len() { PARTIAL } else { 0 }, reply))
    }

    /// Writes elements of a tag, of exactly its type.
    pub fn write(&mut self, path: &[PathSegment], data: &[u8]) -> Outcome {
        let plant = Arc::clone(&self.plant);
        let mut plant = plant.lock();
        let target = self.target(path)?;
        let data_type = match &target {
            Target::Quantity(quantity) => encode(&quantity.read(&plant)).0,
            Target::Machine(_) => tag::MACHINE,
            Target::Memory(_, data_type, _) => *data_type,
        };
        let rest = data.strip_prefix(&tag::type_bytes(data_type)[..]).ok_or((EXTENDED, Some(OTHER_TYPE)))?;
        let [low, high, value @ ..] = rest else { return Err((TOO_FEW_DATA, None)) };
        let count = usize::from(u16::from_le_bytes([*low, *high]));
        match value.len().cmp(&(count * tag::size(data_type))) {
            std::cmp::Ordering::Less => return Err((TOO_FEW_DATA, None)),
            std::cmp::Ordering::Greater => return Err((TOO_MANY_DATA, None)),
            std::cmp::Ordering::Equal => {}
        }
        match target {
            Target::Quantity(quantity) if !quantity.is_writable() => Err((READ_ONLY, None)),
            Target::Quantity(quantity) => {
                let value = decode(data_type, value).ok_or((TOO_FEW_DATA, None))?;
                quantity.write(&mut plant, &value).map_err(|_| (INVALID_VALUE, None))?;
                Ok((0, Vec::new()))
            }
            Target::Machine(_) => Err((READ_ONLY, None)),
            Target::Memory(tag, _, offset) => {
                let place = tag.bytes.get_mut(offset..offset + value.len());
                place.ok_or((EXTENDED, Some(BEYOND_END)))?.copy_from_slice(value);
                Ok((0, Vec::new()))
            }
        }
    }

    /// Sets bits of an integer and clears others.
    pub fn modify(&mut self, path: &[PathSegment], data: &[u8]) -> Outcome {
        let [low, high, masks @ ..] = data else { return Err((TOO_FEW_DATA, None)) };
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let Target::Memory(tag, data_type, offset) = self.target(path)? else {
            return Err((READ_ONLY, None));
        };
        let has_no_bits = matches!(data_type, tag::REAL | tag::LREAL | tag::STRING | tag::STRING20);
        if size != tag::size(data_type) || has_no_bits {
            return Err((EXTENDED, Some(OTHER_TYPE)));
        }
        let (set, keep) = masks
            .split_at_checked(size)
            .filter(|(_, keep)| keep.len() == size)
            .ok_or((TOO_FEW_DATA, None))?;
        let bytes = tag.bytes.get_mut(offset..offset + size).ok_or((EXTENDED, Some(BEYOND_END)))?;
        for (byte, (set, keep)) in bytes.iter_mut().zip(set.iter().zip(keep)) {
            *byte = (*byte | set) & keep;
        }
        Ok((0, Vec::new()))
    }
}

/// One line for each tag, for people: its path and type.
pub fn tag_lines() -> Vec<String> {
    let memory = TagMemory::new(Arc::default());
    let plant = Plant::default();
    let quantities = QUANTITIES.iter().map(|quantity| {
        let access = if quantity.is_writable() { "rw" } else { "r" };
        format!("{}  {} {access}", quantity.name, type_name(encode(&quantity.read(&plant)).0))
    });
    let program = PROGRAM_TAGS.iter().map(|(name, of)| format!("{name}  as {of}"));
    let tags = memory.tags.iter().map(|tag| match (tag.data_type, &tag.dimensions[..]) {
        (tag::DWORD, [dwords]) => format!("{}  BOOL[{}] rw", tag.name, 32 * dwords),
        (data_type, []) => format!("{}  {} rw", tag.name, type_name(data_type)),
        (data_type, dimensions) => {
            let dimensions: Vec<String> = dimensions.iter().map(u32::to_string).collect();
            format!("{}  {}[{}] rw", tag.name, type_name(data_type), dimensions.join(","))
        }
    });
    quantities.chain(program).chain(tags).collect()
}

fn type_name(data_type: u16) -> &'static str {
    match data_type {
        tag::BOOL => "BOOL",
        tag::SINT => "SINT",
        tag::INT => "INT",
        tag::DINT => "DINT",
        tag::LINT => "LINT",
        tag::USINT => "USINT",
        tag::UINT => "UINT",
        tag::UDINT => "UDINT",
        tag::ULINT => "ULINT",
        tag::REAL => "REAL",
        tag::LREAL => "LREAL",
        tag::STRING => "STRING",
        tag::STRING20 => "STRING20",
        _ => "structure",
    }
}

fn find(name: &str) -> Option<&'static Quantity> {
    QUANTITIES.iter().find(|quantity| quantity.name == name)
}

/// Names of the machines, in the order of their quantities.
fn machines() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&str> =
        QUANTITIES.iter().filter_map(|quantity| Some(quantity.name.split_once('.')?.0)).collect();
    names.dedup();
    names.into_iter()
}

/// Type and bytes of a quantity.
fn encode(value: &Variant) -> (u16, Vec<u8>) {
    match value {
        Variant::Boolean(on) => (tag::BOOL, vec![if *on { 0xFF } else { 0 }]),
        Variant::Byte(number) => (tag::USINT, vec![*number]),
        Variant::UInt16(number) => (tag::UINT, number.to_le_bytes().into()),
        Variant::Int32(number) => (tag::DINT, number.to_le_bytes().into()),
        Variant::Int64(number) => (tag::LINT, number.to_le_bytes().into()),
        Variant::UInt64(number) => (tag::ULINT, number.to_le_bytes().into()),
        Variant::Float(number) => (tag::REAL, number.to_le_bytes().into()),
        Variant::Double(number) => (tag::LREAL, number.to_le_bytes().into()),
        _ => (tag::MACHINE, Vec::new()),
    }
}

/// The value of a quantity that can be written.
fn decode(data_type: u16, bytes: &[u8]) -> Option<Variant> {
    match data_type {
        tag::BOOL => Some(Variant::Boolean(*bytes.first()? != 0)),
        tag::UINT => Some(Variant::UInt16(u16::from_le_bytes(*bytes.first_chunk()?))),
        tag::REAL => Some(Variant::Float(f32::from_le_bytes(*bytes.first_chunk()?))),
        _ => None,
    }
}

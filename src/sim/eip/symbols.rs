//! The list of the simulated controller's tags (class 6B): the attributes that a client asks for, of as many tags as fit.

use super::reply::{Outcome, PARTIAL, PATH_UNKNOWN, TOO_FEW_DATA};
use super::tag;
use super::tag_memory::TagMemory;

/// An attribute that a symbol does not have.
const NO_SUCH_ATTRIBUTE: u8 = 0x14;
/// The one program, and a tag of the system, which clients leave out.
const PROGRAM: (&str, u16) = ("Program:Main", 0x1068);
const SYSTEM_TAG: (&str, u16) = ("__DEFVAL_00000AB1", 0x10C4);

/// Lists the tags from `instance` on, of the controller or of a program.
pub fn list(memory: &TagMemory, program: Option<&str>, instance: u32, data: &[u8], space: usize) -> Outcome {
    if program.is_some_and(|program| !program.eq_ignore_ascii_case(PROGRAM.0)) {
        return Err((PATH_UNKNOWN, None));
    }
    let [low, high, attributes @ ..] = data else { return Err((TOO_FEW_DATA, None)) };
    let count = usize::from(u16::from_le_bytes([*low, *high]));
    let attributes = attributes.get(..2 * count).ok_or((TOO_FEW_DATA, None))?;
    let attributes: Vec<u16> =
        attributes.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]])).collect();
    let mut symbols: Vec<(String, u16, Vec<u32>)> = Vec::new();
    if program.is_none() {
        for (name, data_type) in [SYSTEM_TAG, PROGRAM] {
            symbols.push((name.to_owned(), data_type, Vec::new()));
        }
    }
    symbols.extend(memory.listed(program));
    let mut reply = Vec::new();
    for (number, symbol) in (1..).zip(&symbols).filter(|(number, _)| *number >= instance) {
        let entry = entry(number, symbol, &attributes).ok_or((NO_SUCH_ATTRIBUTE, None))?;
        if reply.len() + entry.len() > space {
            return Ok((PARTIAL, reply));
        }
        reply.extend(entry);
    }
    Ok((0, reply))
}

/// One tag; `None` for an attribute that it does not have.
fn entry(instance: u32, symbol: &(String, u16, Vec<u32>), attributes: &[u16]) -> Option<Vec<u8>> {
    let (name, data_type, dimensions) = symbol;
    let mut bytes = instance.to_le_bytes().to_vec();
    for attribute in attributes {
        match attribute {
            1 => {
                bytes.extend((name.len() as u16).to_le_bytes());
                bytes.extend(name.as_bytes());
            }
            2 => bytes.extend(type_word(*data_type, dimensions.len() as u16).to_le_bytes()),
            // Address, object address and software control, which say nothing of a simulator.
            3 | 5 | 6 => bytes.extend([0; 4]),
            8 => {
                let dimension = |at: usize| dimensions.get(at).copied().unwrap_or_default();
                (0..3).for_each(|at| bytes.extend(dimension(at).to_le_bytes()));
            }
            // External access: read and write.
            10 => bytes.push(0),
            _ => return None,
        }
    }
    Some(bytes)
}

/// A structure has bit 15, and the number of dimensions is in bits 13 and 14.
fn type_word(data_type: u16, dimensions: u16) -> u16 {
    let structure = if matches!(data_type, tag::STRING | tag::STRING20 | tag::MACHINE) { 0x8000 } else { 0 };
    data_type | structure | dimensions << 13
}

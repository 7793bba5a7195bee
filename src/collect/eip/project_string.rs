//! Strings of a project: structures of a DINT `LEN` and an array of SINT `DATA`, as Studio 5000 makes for a string type with
//! a length of its own. Pure.
//!
//! A reply names a structure by its handle alone, a checksum of its members. Whether these are the members of a string is
//! asked for once: the controller knows them by their names.

use std::collections::{HashMap, HashSet};

use super::data_type::TagType;
use super::tag::TagPath;
use super::value::{MAX_VALUE_BYTES, TagData};

/// Names of the members.
const LENGTH: &str = "LEN";
const CHARACTERS: &str = "DATA";
/// Bytes of the length.
const LENGTH_BYTES: usize = 4;
/// A structure consists of whole words of so many bytes.
const WORD_BYTES: usize = 4;
/// Structures that are remembered as no strings; with more than these all are looked at again.
const MAX_OTHERS: usize = 10_000;

/// Structures of a controller, as far as it is known which of them are strings.
#[derive(Debug, Default)]
pub struct ProjectStrings {
    /// Characters of a string by the handle of its structure.
    chars: HashMap<u16, u16>,
    /// Paths of structures that are no strings, in small letters.
    others: HashSet<String>,
}

impl ProjectStrings {
    /// The type of a structure at a path, where it was learned.
    pub fn type_of(&self, handle: u16, path: &TagPath) -> Option<TagType> {
        if let Some(chars) = self.chars.get(&handle) {
            return Some(TagType::ProjectString { handle, chars: *chars });
        }
        self.others.contains(&key(path)).then_some(TagType::Structure(handle))
    }

    /// Remembers a structure as a string, and returns its type.
    pub fn learn(&mut self, handle: u16, chars: u16) -> TagType {
        self.chars.insert(handle, chars);
        TagType::ProjectString { handle, chars }
    }

    /// Remembers that the structure at a path is no string.
    pub fn learn_other(&mut self, path: &TagPath) {
        if self.others.len() >= MAX_OTHERS {
            self.others.clear();
        }
        self.others.insert(key(path));
    }
}

fn key(path: &TagPath) -> String {
    path.to_string().to_ascii_lowercase()
}

/// Finds out whether a structure is a string by reads of its members.
#[derive(Debug)]
pub struct StringProbe {
    path: TagPath,
    /// The value of the structure, or its beginning.
    raw: Vec<u8>,
    step: ProbeStep,
    /// Number of characters: at least, and at most.
    least: usize,
    most: usize,
}

/// Member that is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProbeStep {
    Length,
    FirstCharacter,
    /// The character in the middle of those that there may be.
    MiddleCharacter,
    LastCharacter,
    BeyondLast,
}

/// State of a probe after the read of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// Another member has to be read.
    Unfinished,
    /// The structure is a string of so many characters.
    String(u16),
    /// The structure is none.
    Other,
    /// The value changed between two reads, so nothing is known.
    Changed,
}

impl StringProbe {
    /// Bytes of the shortest string.
    pub const LEAST_BYTES: usize = LENGTH_BYTES + WORD_BYTES;

    /// Begins with the value of a structure, or a part of it; `None` for a value that no string has.
    pub fn new(path: &TagPath, raw: &[u8], is_partial: bool) -> Option<StringProbe> {
        let (length, rest) = raw.split_first_chunk::<LENGTH_BYTES>()?;
        let is_whole = rest.len() >= WORD_BYTES && rest.len().is_multiple_of(WORD_BYTES);
        if rest.is_empty() || !is_partial && !is_whole {
            return None;
        }
        let most = if is_partial { MAX_VALUE_BYTES - LENGTH_BYTES } else { rest.len() };
        let length = usize::try_from(i32::from_le_bytes(*length)).ok()?;
        (length <= most).then(|| StringProbe {
            path: path.clone(),
            raw: raw.to_vec(),
            step: ProbeStep::Length,
            least: rest.len().saturating_sub(WORD_BYTES - 1).max(1),
            most,
        })
    }

    /// Path of the member to read.
    pub fn member(&self) -> TagPath {
        let character = |index: usize| {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            self.path.member(CHARACTERS).element(index)
        };
        match self.step {
            ProbeStep::Length => self.path.member(LENGTH),
            ProbeStep::FirstCharacter => character(0),
            ProbeStep::MiddleCharacter => character(self.middle() - 1),
            ProbeStep::LastCharacter => character(self.least - 1),
            ProbeStep::BeyondLast => character(self.least),
        }
    }

    /// Takes the value of the member, or that there is none.
    pub fn take(&mut self, member: Option<&TagData>) -> ProbeOutcome {
        let begins_at = |start: usize, data_type: TagType, member: Option<&TagData>| match member {
            Some(data) if data.data_type != data_type => Some(ProbeOutcome::Other),
            Some(data) => (!self.raw[start..].starts_with(&data.raw)).then_some(ProbeOutcome::Changed),
            None => Some(ProbeOutcome::Other),
        };
        match self.step {
            ProbeStep::Length => {
                if let Some(end) = begins_at(0, TagType::Dint, member) {
                    return end;
                }
                self.step = ProbeStep::FirstCharacter;
            }
            ProbeStep::FirstCharacter => {
                if let Some(end) = begins_at(LENGTH_BYTES, TagType::Sint, member) {
                    return end;
                }
                self.step = ProbeStep::MiddleCharacter;
            }
            ProbeStep::MiddleCharacter if member.is_some() => self.least = self.middle(),
            ProbeStep::MiddleCharacter => self.most = self.middle() - 1,
            ProbeStep::LastCharacter if member.is_none() => return ProbeOutcome::Other,
            ProbeStep::LastCharacter => self.step = ProbeStep::BeyondLast,
            ProbeStep::BeyondLast => {
                let chars = u16::try_from(self.least).ok().filter(|_| member.is_none());
                return chars.map_or(ProbeOutcome::Other, ProbeOutcome::String);
            }
        }
        if self.step == ProbeStep::MiddleCharacter && self.least >= self.most {
            self.step = ProbeStep::LastCharacter;
        }
        ProbeOutcome::Unfinished
    }

    fn middle(&self) -> usize {
        (self.least + self.most).div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure whose member `DATA` has so many elements, and that has more bytes behind them.
    struct Fake {
        elements: usize,
        raw: Vec<u8>,
        length: TagType,
    }

    impl Fake {
        fn new(elements: usize, text: &str, more: usize) -> Fake {
            let mut raw = [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
            raw.resize(LENGTH_BYTES + elements.next_multiple_of(WORD_BYTES) + more, 0);
            Fake { elements, raw, length: TagType::Dint }
        }

        /// Answers the reads of a probe that begins with this value, and counts them.
        fn look(&self, seen: &[u8], is_partial: bool) -> (Option<ProbeOutcome>, usize) {
            let Some(mut probe) = StringProbe::new(&"lot".parse().unwrap(), seen, is_partial) else {
                return (None, 0);
            };
            for reads in 1.. {
                let path = probe.member();
                let member = match path.last_index() {
                    Some(index) => (index as usize) < self.elements,
                    None => true,
                };
                let at = path.last_index().map_or(0, |index| LENGTH_BYTES + index as usize);
                let data = match path.last_index() {
                    Some(_) => TagData {
                        data_type: TagType::Sint,
                        raw: vec![self.raw.get(at).copied().unwrap_or(0)],
                    },
                    None => TagData { data_type: self.length, raw: self.raw[..4].to_vec() },
                };
                match probe.take(member.then_some(&data)) {
                    ProbeOutcome::Unfinished => {}
                    end => return (Some(end), reads),
                }
            }
            unreachable!()
        }
    }

    #[test]
    fn strings_of_any_length_are_found() {
        for elements in [1, 2, 3, 4, 5, 19, 20, 82, 256] {
            for text in ["", "L"] {
                let fake = Fake::new(elements, text, 0);
                let (outcome, reads) = fake.look(&fake.raw, false);
                assert_eq!(outcome, Some(ProbeOutcome::String(elements as u16)), "{elements}");
                assert!(reads <= 6, "{elements}: {reads} reads");
            }
        }
        for elements in [481, 500, 1000, 4092] {
            let fake = Fake::new(elements, "Lot 7", 0);
            let (outcome, reads) = fake.look(&fake.raw[..484], true);
            assert_eq!(outcome, Some(ProbeOutcome::String(elements as u16)), "{elements}");
            assert!(reads <= 16, "{elements}: {reads} reads");
        }
    }

    #[test]
    fn other_structures_are_no_strings() {
        let more = Fake::new(20, "Lot 7", 4);
        assert_eq!(more.look(&more.raw, false).0, Some(ProbeOutcome::Other));
        let wide = Fake { length: TagType::Int, ..Fake::new(20, "Lot 7", 0) };
        assert_eq!(wide.look(&wide.raw, false).0, Some(ProbeOutcome::Other));
        let changed = Fake::new(20, "Lot 8", 0);
        assert_eq!(changed.look(&Fake::new(20, "Lot", 0).raw, false).0, Some(ProbeOutcome::Changed));
        for raw in ["", "05000000", "0500000041", "ffffffff41424344", "0900000041424344"] {
            assert_eq!(more.look(&hex::decode(raw).unwrap(), false), (None, 0), "{raw}");
        }
        assert_eq!(more.look(&[1, 2], true), (None, 0));
    }

    #[test]
    fn what_was_learned_is_not_asked_again() {
        let (lot, axis): (TagPath, TagPath) = ("lot".parse().unwrap(), "axes[2]".parse().unwrap());
        let mut known = ProjectStrings::default();
        assert_eq!(known.type_of(7, &lot), None);
        let learned = known.learn(7, 20);
        known.learn_other(&axis);
        assert_eq!(known.type_of(7, &axis), Some(learned));
        assert_eq!(known.type_of(8, &"Axes[2]".parse().unwrap()), Some(TagType::Structure(8)));
        assert_eq!(known.type_of(8, &lot), None);
    }
}

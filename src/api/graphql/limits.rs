//! What a document may ask, judged before it is validated or run: its size, how deep and wide it is, how often it repeats
//! itself. What its rows cost is judged by async-graphql, field by field (`complexity` at each of them).
//!
//! Fragments are counted as often as they are spread, but looked at once: a small document of many nested spreads can
//! stand for billions of fields, and everything behind this walks them all.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Request, ServerError};

use crate::app::graphql::Limits;

/// Bytes of a document; GraphiQL's own introspection has under 3,000.
const MOST_BYTES: usize = 100_000;
/// Brackets within brackets: the parser calls itself for each.
pub const MOST_NESTED: usize = 100;
/// Fields of an operation with its fragments spread out.
const MOST_FIELDS: u64 = 10_000;
/// Lists of the schema within lists of the schema: each multiplies the answer by tens.
const MOST_SCHEMA_LISTS: u64 = 3;
/// Such lists.
const SCHEMA_LISTS: [&str; 5] = ["fields", "inputFields", "interfaces", "possibleTypes", "types"];

/// Of a selection set, with its fragments spread out. Numbers stop growing at the largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Size {
    depth: u64,
    fields: u64,
    aliases: u64,
    schema_lists: u64,
}

impl Size {
    fn and(self, other: Size) -> Size {
        Size {
            depth: self.depth.max(other.depth),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            schema_lists: self.schema_lists.max(other.schema_lists),
        }
    }
}

/// Parses a request's document and passes it when it is within the limits.
pub fn check(limits: &Limits, request: &mut Request) -> Result<(), ServerError> {
    let bytes = request.query.len();
    if bytes > MOST_BYTES {
        return Err(over(format!("The document has {bytes} bytes; at most {MOST_BYTES} are read.")));
    }
    if nesting(&request.query) > MOST_NESTED {
        return Err(over(format!("The document is nested more than {MOST_NESTED} deep.")));
    }
    let document = request.parsed_query()?;
    let mut measure = Measure { document, known: HashMap::new() };
    for (_, operation) in document.operations.iter() {
        judge(limits, measure.of(&operation.node.selection_set)?)?;
    }
    Ok(())
}

fn judge(limits: &Limits, size: Size) -> Result<(), ServerError> {
    let rows = [
        ("fields within fields", size.depth, limits.depth as u64),
        ("aliases", size.aliases, limits.aliases as u64),
        ("fields", size.fields, MOST_FIELDS),
        ("lists of the schema within each other", size.schema_lists, MOST_SCHEMA_LISTS),
    ];
    match rows.into_iter().find(|(_, count, most)| count > most) {
        Some((what, count, most)) => Err(over(format!("The operation has {count} {what}; at most {most}."))),
        None => Ok(()),
    }
}

fn over(message: String) -> ServerError {
    ServerError::new(message, None)
}

/// The deepest nesting of brackets outside of strings and comments.
fn nesting(query: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = query.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'{' | b'(' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b'#' => rest = &behind[behind.iter().position(|b| *b == b'\n').unwrap_or(behind.len())..],
            b'"' => rest = behind_string(behind),
            _ => {}
        }
    }
    deepest
}

/// What follows a string whose first quote has been read.
fn behind_string(text: &[u8]) -> &[u8] {
    if let Some(block) = text.strip_prefix(b"\"\"") {
        let mut at = 0;
        while at < block.len() {
            if block[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if block[at..].starts_with(b"\"\"\"") {
                return &block[at + 3..];
            } else {
                at += 1;
            }
        }
        return &[];
    }
    let mut at = 0;
    while at < text.len() && text[at] != b'"' && text[at] != b'\n' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    &text[(at + 1).min(text.len())..]
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// Fragments looked at; `None` while one is being looked at.
    known: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Measure<'a> {
    fn of(&mut self, set: &'a Positioned<SelectionSet>) -> Result<Size, ServerError> {
        let mut size = Size::default();
        for selection in &set.node.items {
            let of_one = match &selection.node {
                Selection::Field(field) => {
                    let within = self.of(&field.node.selection_set)?;
                    let is_list = SCHEMA_LISTS.contains(&field.node.name.node.as_str());
                    Size {
                        depth: within.depth + 1,
                        fields: within.fields.saturating_add(1),
                        aliases: within.aliases.saturating_add(u64::from(field.node.alias.is_some())),
                        schema_lists: within.schema_lists + u64::from(is_list),
                    }
                }
                Selection::InlineFragment(fragment) => self.of(&fragment.node.selection_set)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            size = size.and(of_one);
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Size, ServerError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(over(format!("The fragment `{name}` spreads itself."))),
            None => {}
        }
        // Validation tells of one that does not exist.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.known.insert(name, None);
        let size = self.of(&fragment.node.selection_set)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;

//! Names: types are called by the terms of databases and Rust, and locals by what they hold (docs/glossary.md).

use super::source::{after, identifier};

/// No type is called so, nor by a lone participle in -ed.
const UNCLEAR_TYPES: [&str; 40] = [
    "Board", "Book", "Bound", "Came", "Chosen", "Crowd", "Done", "Door", "Each", "Edge", "Found", "Given",
    "Ground", "Held", "Kept", "Known", "Left", "Made", "Mouth", "Parts", "Pending", "Place", "Pulse",
    "Running", "Said", "Seat", "Seen", "Sent", "Shown", "Sight", "Sketch", "Standing", "Stretch", "Taken",
    "Tally", "Told", "Turn", "Wish", "World", "Written",
];

/// No `let` is called so: what was asked is a `request`, what was told a `change`, an `answer` or a `message`.
const UNCLEAR_LOCALS: [&str; 18] = [
    "asked", "board", "came", "chance", "door", "ground", "heard", "held", "question", "said", "seat",
    "sketch", "stretch", "tally", "teller", "told", "turn", "wish",
];

/// Faults of the names that code without comments and literals defines.
pub fn unclear(code: &str) -> Vec<String> {
    let types = ["struct ", "enum ", "trait ", "type "].map(|word| after(code, word).map(identifier));
    let types =
        types.into_iter().flatten().filter(|name| UNCLEAR_TYPES.contains(name) || is_participle(name));
    let locals = after(code, "let ").map(|rest| identifier(rest.strip_prefix("mut ").unwrap_or(rest)));
    let locals = locals.filter(|name| UNCLEAR_LOCALS.contains(name));
    let types = types.map(|name| format!("the type {name}: use the field's term"));
    types.chain(locals.map(|name| format!("the local {name}: say what it holds"))).collect()
}

/// Whether a name is one word that ends in -ed, such as `Watched`; `Feed` and `Speed` are nouns.
fn is_participle(name: &str) -> bool {
    let is_one_word = name.chars().skip(1).all(|c| c.is_ascii_lowercase());
    let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
    is_type && is_one_word && name.ends_with("ed") && !name.ends_with("eed")
}

//! Rust code as a list of words and signs, and what imports need to know of it.

use super::source::identifier;

/// The words and signs of blanked code. `::` is one sign.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(c) = rest.chars().next() {
        let len = match identifier(rest).len() {
            0 if rest.starts_with("::") => 2,
            0 => c.len_utf8(),
            len => len,
        };
        found.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    found
}

/// The code without items that only tests have.
pub fn without_tests<'a>(code: &[&'a str]) -> Vec<&'a str> {
    let (mut kept, mut place) = (Vec::new(), 0);
    while place < code.len() {
        match &code[place..] {
            ["#", "[", "cfg", "(", "test", ..] | ["#", "[", "cfg", "(", "all", "(", "test", ..] => {
                while code.get(place) == Some(&"#") {
                    place = block_end(code, place + 1) + 1;
                }
                place = item_end(code, place);
            }
            _ => {
                kept.push(code[place]);
                place += 1;
            }
        }
    }
    kept
}

/// Place after an item: its block or its semicolon.
fn item_end(code: &[&str], mut place: usize) -> usize {
    while place < code.len() {
        match code[place] {
            ";" => return place + 1,
            "{" => return block_end(code, place) + 1,
            "(" | "[" => place = block_end(code, place) + 1,
            _ => place += 1,
        }
    }
    place
}

/// Place of the bracket that closes the one at a place.
pub fn block_end(code: &[&str], start: usize) -> usize {
    let mut depth = 0;
    for (place, word) in code.iter().enumerate().skip(start) {
        match *word {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    code.len()
}

/// Names that an import without `use` and its semicolon brings, each with its path; `*` for everything of a module.
pub fn use_items(tree: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    // `::name` is another crate.
    if tree.first() != Some(&"::") {
        add_use_items(tree, Vec::new(), &mut found);
    }
    found
}

fn add_use_items(tree: &[&str], mut path: Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        [] => {}
        ["*", ..] => found.push(("*".to_owned(), path)),
        ["{", ..] => {
            let inner = &tree[1..block_end(tree, 0)];
            branches(inner).into_iter().for_each(|branch| add_use_items(branch, path.clone(), found));
        }
        [name, "::", rest @ ..] => {
            path.push((*name).to_owned());
            add_use_items(rest, path, found);
        }
        [name, rest @ ..] => {
            if *name != "self" || path.is_empty() {
                path.push((*name).to_owned());
            }
            let alias = match rest {
                ["as", alias] => (*alias).to_owned(),
                _ => path.last().cloned().unwrap_or_default(),
            };
            found.push((alias, path));
        }
    }
}

/// The parts of a list between its commas.
fn branches<'a, 'b>(list: &'b [&'a str]) -> Vec<&'b [&'a str]> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (place, word) in list.iter().enumerate() {
        match *word {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&list[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

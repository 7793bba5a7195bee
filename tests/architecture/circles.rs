//! Files must not import each other in circles: whoever reads one of a circle has to read them all.
//!
//! A file may use what the modules around it have: a parent and its children are one thing to each other. To a file beside them
//! they are not: a child that imports its parent has a part in every circle of the parent with files outside. Nothing else is
//! exempt but the folders listed here, each with its reason.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::{Imports, Modules};

/// Folders whose files may import each other in circles, and why.
const NATURAL: [(&str, &str); 1] = [(
    "src/api/graphql/objects/",
    "the types of the graph have fields of each other's types: a device has streams, a stream its device",
)];

/// Files of which each imports the next, and the last one the first.
type Circle = Vec<String>;

#[test]
fn no_files_import_each_other_in_circles() {
    let modules = Modules::read("src/lib.rs", &source_with_members);
    let imports = all_imports(&modules);
    assert!(imports.len() > 500, "only {} files import others: the code was not read", imports.len());
    let is_natural = |circle: &Circle| NATURAL.iter().any(|(folder, _)| is_in(circle, folder));
    let (natural, broken): (Vec<Circle>, Vec<Circle>) = circles(&modules).into_iter().partition(is_natural);
    let shown: Vec<_> = broken.iter().map(|circle| describe(circle, &imports)).collect();
    assert!(
        broken.is_empty(),
        "files import each other in circles; move what they share below them, or what needs them all above:\n\n{}",
        shown.join("\n\n")
    );
    for (folder, _) in NATURAL {
        assert!(
            natural.iter().any(|circle| is_in(circle, folder)),
            "{folder} has no circle: take it off the list"
        );
    }
}

/// The text of a file. The members of the workspace, which the library re-exports, are modules of it there.
fn source_with_members(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(super::root().join(path)).ok()?;
    let module =
        |line: &str| match line.strip_prefix("pub use basalt_").and_then(|rest| rest.split_once("::")) {
            Some((_, name)) if path == "src/lib.rs" => format!("pub mod {name}\n"),
            _ => format!("{line}\n"),
        };
    Some(text.lines().map(module).collect())
}

fn is_in(circle: &[String], folder: &str) -> bool {
    circle.iter().all(|file| file.starts_with(folder))
}

/// The imports of files, also from modules around them.
fn all_imports(modules: &Modules) -> Imports {
    let mut imports = modules.imports();
    for (file, upward) in modules.upward_imports() {
        imports.entry(file).or_default().extend(upward);
    }
    imports
}

/// The shortest circle through each file that is in one, each circle once.
fn circles(modules: &Modules) -> Vec<Circle> {
    let core = without_ends(&modules.imports());
    let below = core.keys().filter_map(|file| shortest_circle(&core, file, &|_| false));
    let mut found = BTreeMap::new();
    for circle in below.chain(circles_beside_parents(modules)) {
        let files: BTreeSet<String> = circle.iter().cloned().collect();
        found.entry(files).or_insert(circle);
    }
    found.into_values().collect()
}

/// The shortest circle through each parent that runs through a file beside it and its children. What is around the parent is
/// one thing with it, and imports of that are not followed.
fn circles_beside_parents(modules: &Modules) -> Vec<Circle> {
    let (around, upward) = (modules.files_around(), modules.upward_imports());
    let is_below = |file: &str, other: &str| around.get(file).is_some_and(|files| files.contains(other));
    let core = without_ends(&all_imports(modules));
    let parents: BTreeSet<&String> = upward.values().flat_map(BTreeMap::keys).collect();
    let circle_of = |parent: &String| {
        let mut imports = core.clone();
        for (file, files) in &mut imports {
            files.retain(|other, _| !(is_below(parent, other) && is_below(file, other)));
        }
        shortest_circle(&imports, parent, &|file| file == parent || is_below(file, parent))
    };
    parents.into_iter().filter_map(circle_of).collect()
}

/// The files that import one of these and are imported by one of these: the others are in no circle.
fn without_ends(imports: &Imports) -> Imports {
    let mut core = imports.clone();
    loop {
        let before = core.len();
        let imported: BTreeSet<String> = core.values().flat_map(|files| files.keys().cloned()).collect();
        core.retain(|file, _| imported.contains(file));
        let left: BTreeSet<String> = core.keys().cloned().collect();
        core.values_mut().for_each(|files| files.retain(|file, _| left.contains(file)));
        core.retain(|_, files| !files.is_empty());
        if core.len() == before {
            return core;
        }
    }
}

/// The shortest circle through a file that runs through one which is not `inside`.
fn shortest_circle(imports: &Imports, start: &str, inside: &dyn Fn(&str) -> bool) -> Option<Circle> {
    // Each file with whether the way to it has been outside.
    let mut from: BTreeMap<(&str, bool), (&str, bool)> = BTreeMap::new();
    let mut open = VecDeque::from([(start, false)]);
    while let Some(place) = open.pop_front() {
        let (file, was_outside) = place;
        for next in imports.get(file).into_iter().flat_map(|files| files.keys().map(String::as_str)) {
            if next == start {
                if was_outside {
                    return Some(way_to(place, &from));
                }
                continue;
            }
            if let Entry::Vacant(step) = from.entry((next, was_outside || !inside(next))) {
                open.push_back(*step.key());
                step.insert(place);
            }
        }
    }
    None
}

/// The files on the way to a place, from the start on.
fn way_to<'a>(place: (&'a str, bool), from: &BTreeMap<(&'a str, bool), (&'a str, bool)>) -> Vec<String> {
    let before = |place: &(&'a str, bool)| from.get(place).copied();
    let mut files: Vec<String> =
        std::iter::successors(Some(place), before).map(|(file, _)| file.to_owned()).collect();
    files.reverse();
    files
}

/// The files of a circle, each with the path by which it imports the next.
fn describe(circle: &[String], imports: &Imports) -> String {
    let nexts = circle.iter().skip(1).chain(circle.first());
    let lines = circle.iter().zip(nexts).map(|(file, next)| {
        let path = imports.get(file).and_then(|files| files.get(next)).map_or("", String::as_str);
        format!("{file} imports {path} of {next}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules of a crate with these files.
fn modules_of(files: &[(&str, &str)]) -> Modules {
    let read = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    Modules::read("src/lib.rs", &read)
}

/// The circles of a crate with these files, each as its files.
fn circles_of(files: &[(&str, &str)]) -> String {
    let found = circles(&modules_of(files)).into_iter().map(|circle| circle.join(" "));
    found.collect::<Vec<String>>().join(", ")
}

const LIB: (&str, &str) = ("src/lib.rs", "//! L.\npub mod a;\npub mod b;");
/// Has a module with the function `f`, which it exports too, and a type made by a macro.
const B: [(&str, &str); 2] = [
    ("src/b/mod.rs", "pub mod c;\npub use self::c::f;\nmake!(Made);"),
    ("src/b/c.rs", "pub fn f() {}\npub struct S;"),
];

#[test]
fn an_import_is_followed_to_the_file_that_has_it() {
    let rows = [
        ("a_name", "use crate::b::c::S;", "src/b/c.rs"),
        ("a_re_export", "use crate::b::f;", "src/b/c.rs"),
        ("in_braces", "use crate::{b::{c::{self, S as T}}};\nfn g() { c::f() }", "src/b/c.rs"),
        ("a_module", "use crate::b::c;\nfn g() { c::f() }", "src/b/c.rs"),
        ("another_name", "use crate::b as d;\nfn g() { d::f() }", "src/b/c.rs"),
        ("a_path", "fn g() { crate::b::c::f::<u8>() }", "src/b/c.rs"),
        ("a_relative_path", "fn g() -> super::b::c::S { S }", "src/b/c.rs"),
        ("of_a_block", "mod d { fn g() { super::super::b::f() } }", "src/b/c.rs"),
        ("in_a_function", "fn g() { use crate::b::f; f() }", "src/b/c.rs"),
        ("everything", "use crate::b::c::*;", "src/b/c.rs"),
        ("made_by_a_macro", "use crate::b::Made;", "src/b/mod.rs"),
        ("shown_further", "pub use crate::b::c::S;", "src/b/c.rs"),
        ("a_module_that_is_not_used", "use crate::b::c;", ""),
        ("of_another_crate", "use ::b::f;\nuse serde::b;\nfn g() { std::b::f() }", ""),
        ("a_comment_and_a_text", "// crate::b::f\nconst T: &str = \"crate::b::f\";", ""),
        (
            "of_tests",
            "#[cfg(test)]\nmod tests { use crate::b::f; }\n#[cfg(test)]\nfn g() { crate::b::f() }",
            "",
        ),
        ("its_own", "fn f() {}\nfn g() { self::f() }", ""),
    ];
    for (name, text, expected) in rows {
        let imports = modules_of(&[LIB, ("src/a.rs", text), B[0], B[1]]).imports();
        let found: Vec<_> = imports.get("src/a.rs").into_iter().flat_map(|files| files.keys()).collect();
        let expected: Vec<&str> = expected.split(' ').filter(|file| !file.is_empty()).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_circle_is_found_and_a_parent_with_its_children_is_none() {
    let rows: [(&str, &str, &str, &str); 5] = [
        ("two_files", "use crate::b::c::S;", "use crate::a::T;\npub struct S;", "src/a.rs src/b/c.rs"),
        ("by_a_re_export", "use crate::b::f;", "pub fn f() { crate::a::g() }", "src/a.rs src/b/c.rs"),
        ("through_the_parent", "use crate::b::Made;", "use super::Made;\npub fn f() {}", ""),
        ("one_way", "use crate::b::c::S;", "pub struct S;", ""),
        ("a_child", "", "use super::Made;\npub fn f() {}", ""),
    ];
    for (name, a, c, expected) in rows {
        assert_eq!(circles_of(&[LIB, ("src/a.rs", a), B[0], ("src/b/c.rs", c)]), expected, "{name}");
    }
}

#[test]
fn a_child_that_imports_its_parent_is_in_the_circles_of_the_parent() {
    let a = "use crate::b::c::S;\npub struct A(S);";
    let of_parent = "pub mod c;\nuse crate::a::A;\npub struct B(A);";
    let of_child = "use super::B;\npub struct S(B);";
    let exported = "pub mod c;\npub use self::c::S;\nuse crate::a::A;\npub struct B(A);";
    let alone = "pub mod c;\nuse self::c::S;\npub struct B(S);";
    let circle = "src/b/mod.rs src/a.rs src/b/c.rs";
    let rows = [
        ("a_child_and_its_parent", a, of_parent, of_child, circle),
        ("by_a_re_export", "use crate::b::S;\npub struct A(S);", exported, of_child, circle),
        ("a_child_that_imports_nothing", a, of_parent, "pub struct S;", ""),
        ("a_parent_that_imports_nothing", a, "pub mod c;\npub struct B;", of_child, ""),
        ("nothing_outside", "", alone, of_child, ""),
    ];
    for (name, a, b, c, expected) in rows {
        let files = [LIB, ("src/a.rs", a), ("src/b/mod.rs", b), ("src/b/c.rs", c)];
        assert_eq!(circles_of(&files), expected, "{name}");
    }
    // The grandparent is around both.
    let files = [
        ("src/lib.rs", "pub mod b;"),
        ("src/b/mod.rs", "pub mod c;\nuse self::c::e::E;\npub struct B(E);"),
        ("src/b/c/mod.rs", "pub mod e;\nuse crate::b::B;\npub struct C(B);"),
        ("src/b/c/e.rs", "use super::C;\npub struct E(C);"),
    ];
    assert_eq!(circles_of(&files), "");
}

#[test]
fn the_message_names_each_file_of_a_circle_and_what_it_imports() {
    let files = [
        ("src/lib.rs", "pub mod a;\npub mod b;\npub mod c;"),
        ("src/a.rs", "use super::b::B;\npub struct A;"),
        ("src/b.rs", "pub struct B;\nfn f() { crate::c::C }"),
        ("src/c.rs", "use crate::{a::A, b};\npub struct C;"),
    ];
    let modules = modules_of(&files);
    let imports = all_imports(&modules);
    let shown: Vec<_> = circles(&modules).iter().map(|circle| describe(circle, &imports)).collect();
    let expected = "src/a.rs imports super::b::B of src/b.rs\nsrc/b.rs imports crate::c::C of src/c.rs\n\
                    src/c.rs imports crate::a::A of src/a.rs";
    assert_eq!(shown, [expected]);
}

//! The application is its services: each subject has a type of its own with what it needs, and `App` holds them.

use std::collections::BTreeMap;

use super::tokens::{block_end, tokens, without_tests};
use super::{files_under, read, source};

/// The most methods of `App` itself: how it is built, its settings, and the time. It never rises.
const MAX_METHODS_OF_APP: usize = 3;

/// The most methods of a service: one that needs more is several subjects.
const MAX_METHODS_OF_SERVICE: usize = 40;

#[test]
fn the_application_only_shrinks_and_services_are_small() {
    let mut counts = BTreeMap::new();
    for path in files_under("src/app") {
        add_methods(&source::blank(&read(&path)), &mut counts);
    }
    let methods = |name: &str| counts.get(name).copied().unwrap_or_default();
    let left = methods("App");
    assert!(
        (1..=MAX_METHODS_OF_APP).contains(&left),
        "App has {left} methods, {MAX_METHODS_OF_APP} are the most: a new one belongs to a service (docs/services.md)"
    );
    let page = read("docs/services.md");
    let app = source::blank(&read("src/app/mod.rs"));
    let mut services = services(&app, "App");
    for (group, name) in groups(&app) {
        assert_eq!(methods(&name), 1, "{name} does more than to build its services");
        let code = source::blank(&read(&format!("src/app/{group}/mod.rs")));
        let of_group = self::services(&code, &name).into_iter();
        services.extend(of_group.map(|(field, service)| (format!("{group}.{field}"), service)));
    }
    assert!(services.len() >= 67, "only {} services were found", services.len());
    for (field, service) in services {
        let count = methods(&service);
        assert!((1..=MAX_METHODS_OF_SERVICE).contains(&count), "{service} has {count} methods");
        let row = format!("| `{service}`, `app.{field}` |");
        assert!(page.contains(&row), "docs/services.md has no row `{row}`");
    }
}

/// Adds the methods of each `impl` without a trait, by the name of its type.
fn add_methods(code: &str, counts: &mut BTreeMap<String, usize>) {
    let words = tokens(code);
    let words = without_tests(&words);
    for place in 0..words.len() {
        if let ["impl", name, "{", ..] = &words[place..] {
            let block = &words[place + 3..block_end(&words, place + 2)];
            *counts.entry((*name).to_owned()).or_default() += methods_of(block);
        }
    }
}

/// Functions of a block, without those inside of functions.
fn methods_of(block: &[&str]) -> usize {
    let (mut count, mut place) = (0, 0);
    while place < block.len() {
        match block[place] {
            "{" => place = block_end(block, place),
            // A type such as `fn(u8)` has no name.
            "fn" if block.get(place + 1) != Some(&"(") => count += 1,
            _ => {}
        }
        place += 1;
    }
    count
}

/// The words of a struct's fields.
fn fields<'a>(words: &'a [&'a str], name: &str) -> &'a [&'a str] {
    let start = words.windows(3).position(|words| *words == ["struct", name, "{"]);
    let start = start.unwrap_or_else(|| panic!("there is no struct {name}")) + 2;
    &words[start..block_end(words, start)]
}

/// The fields of `App` or of a group that are services, each with its type.
fn services(code: &str, name: &str) -> Vec<(String, String)> {
    let words = tokens(code);
    let services = fields(&words, name).windows(7).filter_map(|words| match words {
        ["pub", field, ":", "Arc", "<", service, ">"] => Some(((*field).to_owned(), (*service).to_owned())),
        _ => None,
    });
    services.collect()
}

/// The fields of `App` that are groups of services, each with its type.
fn groups(code: &str) -> Vec<(String, String)> {
    let words = tokens(code);
    let groups = fields(&words, "App").windows(5).filter_map(|words| match words {
        ["pub", field, ":", group, ","] if group.ends_with("Services") => {
            Some(((*field).to_owned(), (*group).to_owned()))
        }
        _ => None,
    });
    groups.collect()
}

#[test]
fn methods_are_counted_by_type() {
    let code = "impl A { fn a(&self) { fn inner() {} } pub async fn b(f: fn(u8)) {} }\nimpl A { fn c() {} }\n\
                impl T for A { fn d() {} }\nimpl<X> B<X> { fn e() {} }\n#[cfg(test)]\nimpl A { fn f() {} }";
    let mut counts = BTreeMap::new();
    add_methods(code, &mut counts);
    assert_eq!(counts, BTreeMap::from([("A".to_owned(), 3)]));
}

#[test]
fn services_are_the_public_fields_of_the_application_and_of_its_groups() {
    let code = "pub struct App { pub a: Arc<A>, b: Arc<B>, pub c: Arc<C>, pub e: EServices, d: u8, g: GServices, }\n\
                pub struct EServices { pub f: Arc<F> }";
    let pair = |field: &str, service: &str| (field.to_owned(), service.to_owned());
    assert_eq!(services(code, "App"), [pair("a", "A"), pair("c", "C")]);
    assert_eq!(groups(code), [pair("e", "EServices")]);
    assert_eq!(services(code, "EServices"), [pair("f", "F")]);
}

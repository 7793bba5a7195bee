//! The house rules that the compiler does not know: who may import whom, and what every file has. No exceptions, but those
//! that circles.rs lists with their reasons.
//!
//! docs/architecture.md says why. Comments and strings are blanked first, so only code counts.

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/documents.rs"]
mod documents;
#[path = "architecture/field_names.rs"]
mod field_names;
#[path = "architecture/modules.rs"]
mod modules;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/openings.rs"]
mod openings;
#[path = "architecture/services.rs"]
mod services;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tokens.rs"]
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{after, before, blank, heads, identifier};

/// Folders that each folder of src/ may import besides itself.
const FOLDERS: [(&str, &[&str]); 12] = [
    ("domain", &[]),
    ("auth", &["domain"]),
    ("collect", &["domain"]),
    ("fetch", &["domain"]),
    ("host", &["domain"]),
    ("infer", &["domain"]),
    ("sim", &["domain"]),
    ("store", &["domain"]),
    ("query", &["domain", "store"]),
    ("app", &["domain", "auth", "collect", "fetch", "host", "infer", "query", "store"]),
    ("api", &["domain", "auth", "app"]),
    ("cli", &["domain", "auth", "collect", "host", "sim", "store", "query", "app", "api"]),
];

/// The only folders that may name these crates.
const CRATES: [(&str, &[&str]); 44] = [
    ("argon2", &["auth"]),
    ("arrow_flight", &["api"]),
    ("arrow_pg", &["api"]),
    ("async_graphql", &["api"]),
    ("axum", &["api"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("datafusion", &["query"]),
    ("datafusion_distributed", &["query"]),
    ("datafusion_pg_catalog", &["query"]),
    ("datafusion_proto", &["query"]),
    ("deltalake_core", &["store"]),
    ("encoding_rs", &["fetch", "app"]),
    ("html5ever", &["fetch"]),
    ("indicatif", &["cli"]),
    ("ipnet", &["collect", "fetch"]),
    ("lettre", &["fetch"]),
    ("object_store", &["store", "query"]),
    ("opcua", &["collect", "sim"]),
    ("parquet", &["store", "query", "app", "api", "cli"]),
    ("pgwire", &["api"]),
    ("prost", &["api", "collect", "query"]),
    ("pulp", &["infer"]),
    ("rawzip", &["app"]),
    ("rcgen", &["auth"]),
    ("ring", &["auth"]),
    ("rmqtt_codec", &["api", "collect", "sim"]),
    ("rsa", &["auth"]),
    ("saphyr_parser", &["app"]),
    ("scraper", &["fetch"]),
    ("sea_orm", &["store"]),
    ("sea_orm_migration", &["store"]),
    ("snap", &["app", "cli"]),
    ("subtle", &["auth"]),
    ("tokio_modbus", &["collect", "sim"]),
    ("tokio_rustls", &["api", "collect"]),
    ("toml", &["cli"]),
    ("tonic", &["api", "query"]),
    ("tonic_prost", &["query"]),
    ("tower", &["api", "query"]),
    ("tower_http", &["api"]),
    ("utoipa", &["api"]),
    ("x509_parser", &["auth"]),
];

/// The only crates that domain/ may name.
const OF_DOMAIN: [&str; 5] = ["serde", "serde_json", "thiserror", "time", "uuid"];

/// Module of tests/support that unit tests of several members have.
const TEST_MODULE: &str = "fuzz_store";

/// Folders that meet only above them or in `app/`: neither names the other.
const WALLS: [(&str, &str); 1] = [("src/api/graphql/", "src/api/rest/")];

/// Statuses that a handler may name; every other one is decided in api/error.rs.
const SUCCESSES: [&str; 5] = ["OK", "CREATED", "ACCEPTED", "NO_CONTENT", "PARTIAL_CONTENT"];

#[test]
fn the_house_is_in_order() {
    let dependencies: Vec<_> = dependencies().into_iter().collect();
    assert!(dependencies.len() > 50, "only {dependencies:?}: the manifests were not read");
    let mut broken = Vec::new();
    for path in files_under("src") {
        let text = read(&path);
        broken.extend(check(&path, &text, &dependencies));
        let lines = text.lines().count();
        if lines > 400 {
            println!("{path} has {lines} lines: is it still one idea?");
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn names_in_tests_are_clear_too() {
    let files = files_under("tests").into_iter();
    let broken = files.flat_map(|path| {
        let unclear = names::unclear(&blank(&read(&path)));
        unclear.into_iter().map(move |what| format!("{path}: {what}"))
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_folder_is_in_the_tables_and_in_the_document() {
    let document = read("docs/architecture.md");
    let is_dir = |e: &fs::DirEntry| e.path().is_dir();
    let name = |e: fs::DirEntry| e.file_name().to_string_lossy().into_owned();
    let entries = fs::read_dir(root().join("src")).expect("src is there").map(|e| e.expect("an entry"));
    let mut folders: Vec<_> = entries.filter(is_dir).map(name).collect();
    folders.sort();
    let mut known: Vec<_> = FOLDERS.iter().map(|(folder, _)| (*folder).to_owned()).collect();
    known.sort();
    assert_eq!(folders, known, "the table FOLDERS");
    for folder in folders {
        assert!(document.contains(&format!("`{folder}/`")), "docs/architecture.md does not name `{folder}/`");
    }
}

#[test]
fn the_document_is_short_and_its_invariants_are_numbered_once() {
    let document = read("docs/architecture.md");
    let lines = document.lines().count();
    assert!(lines <= 300, "docs/architecture.md has {lines} lines; 300 are the most");
    let numbers = document.lines().filter_map(|line| line.split_once(". ")?.0.parse::<usize>().ok());
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "the numbers of the invariants");
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let document = read("docs/architecture.md");
    let code: String =
        ["src", "tests"].iter().flat_map(|dir| files_under(dir)).map(|path| read(&path)).collect();
    let tests = document.split("Test: ").skip(1).map(|rest| rest.split(".\n").next().unwrap_or(rest));
    let mut named = 0;
    for test in tests.flat_map(|list| list.split('`').skip(1).step_by(2)) {
        assert!(
            code.contains(&format!("fn {test}(")),
            "docs/architecture.md names the test `{test}`: there is none"
        );
        named += 1;
    }
    assert!(named > 0, "docs/architecture.md names no test");
}

#[test]
fn each_rule_can_be_broken() {
    let rows = [
        (
            "an_import_upwards",
            "src/store/x.rs",
            "//! X.\nuse crate::query::Engine;",
            "store names crate::query",
        ),
        (
            "of_a_sibling",
            "src/auth/x.rs",
            "//! X.\nfn f() { crate::collect::f() }",
            "auth names crate::collect",
        ),
        (
            "in_braces",
            "src/app/x.rs",
            "//! X.\nuse crate::{domain::Id, api::{a, b}};",
            "app names crate::api",
        ),
        (
            "past_the_root",
            "src/store/mod.rs",
            "//! X.\nuse super::query::Engine;",
            "store names crate::query",
        ),
        ("a_crate_of_others", "src/app/x.rs", "//! X.\nuse axum::Json;", "app names the crate axum"),
        (
            "a_crate_in_a_path",
            "src/api/x.rs",
            "//! X.\nfn f(_: sea_orm::DbErr) {}",
            "api names the crate sea_orm",
        ),
        ("domain_is_plain", "src/domain/x.rs", "//! X.\nuse tokio::fs;", "domain names the crate tokio"),
        ("two_floors_up", "src/store/lake/x.rs", "//! X.\nuse super::super::Store;", "super::super"),
        (
            "a_hidden_edge",
            "src/app/x.rs",
            "//! X.\npub use crate::domain::Id;",
            "a pub use of another folder",
        ),
        ("no_opening", "src/app/x.rs", "fn f() {}", "does not open with //!"),
        ("a_status", "src/api/x.rs", "//! X.\nfn f() { StatusCode::NOT_FOUND }", "StatusCode::NOT_FOUND"),
        ("an_unclear_name", "src/app/x.rs", "//! X.\npub(super) struct Told<T>(T);", "the type Told"),
        ("an_unclear_local", "src/app/x.rs", "//! X.\nfn f() { let mut told = 1; }", "the local told"),
        ("a_participle", "src/app/x.rs", "//! X.\nenum Watched {}", "the type Watched"),
        ("lib_is_a_map", "src/lib.rs", "//! X.\npub use crate::domain::Id;", "more than `pub mod` lines"),
    ];
    rows.into_iter().for_each(is_broken);
}

#[test]
fn each_wall_can_be_broken() {
    let rows = [
        (
            "an_interface_of_another",
            "src/api/graphql/mutations/x.rs",
            "//! X.\nuse crate::api::rest::fields::Fields;",
            "src/api/graphql/ names src/api/rest/",
        ),
        (
            "also_in_braces",
            "src/api/rest/x.rs",
            "//! X.\nuse crate::{api::{error, graphql::ids}, app::App};",
            "src/api/rest/ names src/api/graphql/",
        ),
        (
            "also_from_its_root",
            "src/api/rest/mod.rs",
            "//! X.\nuse super::graphql::ids;",
            "src/api/rest/ names src/api/graphql/",
        ),
    ];
    rows.into_iter().for_each(is_broken);
}

/// Checks that a file breaks the one rule whose message this is.
fn is_broken((name, path, text, expected): (&str, &str, &str, &str)) {
    let broken = check(path, text, &some_dependencies());
    assert!(broken.len() == 1 && broken[0].contains(expected), "{name}: {broken:?}");
}

fn some_dependencies() -> [String; 3] {
    ["axum", "sea_orm", "tokio"].map(str::to_owned)
}

#[test]
fn comments_texts_and_what_is_allowed_break_no_rule() {
    let sound = "//! X.\n// use axum::Json; super::super\nconst A: &str = \"use crate::api::x\\\"\"; const B: char = '\"';\n\
                 fn f<'a>() { my::axum::x(); r#\"crate::cli::x \" \"# }\nuse crate::{domain::{Id, query}, store};\n\
                 pub use crate::query::x;";
    assert_eq!(check("src/query/x.rs", sound, &some_dependencies()), [""; 0]);
}

/// Faults of a file, each as `path: what`.
fn check(path: &str, text: &str, dependencies: &[String]) -> Vec<String> {
    let code = blank(text);
    let mut broken = Vec::new();
    if !text.starts_with("//! ") {
        broken.push("does not open with //!".to_owned());
    }
    let mut parts = path.split('/').skip(1);
    let folder = parts.next().unwrap_or_default();
    match FOLDERS.iter().find(|(name, _)| *name == folder) {
        Some((_, allowed)) => {
            check_imports(&mut broken, folder, allowed, &code, parts.next() == Some("mod.rs"));
            check_crates(&mut broken, folder, &code, dependencies);
        }
        None if folder == "lib.rs" && !is_map(&code) => {
            broken.push("more than `pub mod` lines".to_owned());
        }
        None => {}
    }
    for (one, other) in WALLS {
        check_wall(&mut broken, path, &code, (one, other));
        check_wall(&mut broken, path, &code, (other, one));
    }
    let is_test = path.ends_with("_tests.rs");
    if folder == "api" && path != "src/api/error.rs" && !is_test {
        let named = after(&code, "StatusCode::").map(identifier).filter(|s| !SUCCESSES.contains(s));
        broken.extend(named.map(|status| format!("StatusCode::{status} outside of api/error.rs")));
    }
    if code.contains("super::super") {
        broken.push("super::super: say crate::".to_owned());
    }
    broken.extend(names::unclear(&code));
    broken.into_iter().map(|what| format!("{path}: {what}")).collect()
}

/// Checks that a file of the first folder does not name the second, which stands beside it.
fn check_wall(broken: &mut Vec<String>, path: &str, code: &str, (own, other): (&str, &str)) {
    let Some(rest) = path.strip_prefix(own) else { return };
    let mut parts = other.trim_end_matches('/').rsplit('/');
    let (name, parent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let parent = format!("{parent}::");
    let mut named: Vec<_> = after(code, &parent).flat_map(heads).collect();
    if rest == "mod.rs" {
        // There, `super` is the folder above both.
        named.extend(after(code, "super::").flat_map(heads));
    }
    if named.contains(&name) {
        broken.push(format!("{own} names {other}"));
    }
}

fn is_map(code: &str) -> bool {
    let starts = ["pub mod ", "pub use basalt_", "#![recursion_limit", "#[cfg(test)]", "#[path"];
    let allowed = |line: &str| starts.iter().any(|start| line.starts_with(start));
    code.lines().map(str::trim).all(|line| line.is_empty() || allowed(line))
}

fn check_imports(broken: &mut Vec<String>, folder: &str, allowed: &[&str], code: &str, is_top: bool) {
    let mut named: Vec<_> = after(code, "crate::").flat_map(heads).collect();
    if is_top {
        // There, `super` is the root of the crate.
        let is_folder = |name: &&str| FOLDERS.iter().any(|(known, _)| known == name);
        named.extend(after(code, "super::").flat_map(heads).filter(is_folder));
    }
    let is_foreign = |name: &&&str| **name != folder && !allowed.contains(*name) && **name != TEST_MODULE;
    let foreign = named.iter().filter(is_foreign);
    broken.extend(foreign.map(|name| format!("{folder} names crate::{name}")));
    let shown = after(code, "use crate::").zip(before(code, "use crate::"));
    for (target, head) in shown {
        let is_public = head.trim_end().ends_with("pub") || head.trim_end().ends_with(')');
        if is_public && heads(target).iter().any(|name| *name != folder) {
            broken.push("a pub use of another folder".to_owned());
        }
    }
}

fn check_crates(broken: &mut Vec<String>, folder: &str, code: &str, dependencies: &[String]) {
    for name in dependencies.iter().map(String::as_str) {
        let owners = CRATES.iter().find(|(known, _)| *known == name).map(|(_, owners)| owners);
        let may = match folder {
            "domain" => OF_DOMAIN.contains(&name),
            _ => owners.is_none_or(|owners| owners.contains(&folder)),
        };
        let path = format!("{name}::");
        let is_root = |head: &str| !head.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if !may && before(code, &path).any(is_root) {
            broken.push(format!("{folder} names the crate {name}"));
        }
    }
}

/// The names of the libraries in the `[dependencies]` of the members, as code spells them.
fn dependencies() -> BTreeSet<String> {
    let members = FOLDERS.iter().map(|(folder, _)| format!("src/{folder}/Cargo.toml"));
    let manifests = members.filter(|path| root().join(path).exists()).chain(["Cargo.toml".to_owned()]);
    manifests.flat_map(|path| dependencies_in(&read(&path))).collect()
}

fn dependencies_in(manifest: &str) -> Vec<String> {
    let table = manifest
        .split("\n[dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split_once(".workspace").map(|(name, _)| name));
    names.filter(|name| !name.starts_with("basalt-")).map(|name| name.replace('-', "_")).collect()
}

fn files_under(dir: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root().join(dir)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a directory").map(|e| e.expect("an entry").path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path.strip_prefix(root()).expect("below it").to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

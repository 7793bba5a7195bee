//! Names of fields below the interfaces: the core's, of words that underscores join. `src/api/mk/field_names.rs` has those
//! of the MK platform.

use super::source::after;
use super::{files_under, read};

/// Calls that take the name of a field first.
const CALLS: [&str; 3] = ["FieldError::new(", "Error::field(", "DocumentReference::new("];

/// Members of objects whose names are data, and an argument of GraphQL.
const OTHERS: [&str; 4] = ["params.configArtefactId", "params.firmwareId", "{path}.sensorIds", "maxRate"];

#[test]
fn fields_below_the_interfaces_have_names_of_the_core() {
    let files = files_under("src").into_iter().filter(|path| !path.starts_with("src/api/"));
    let broken = files.flat_map(|path| {
        let text = read(&path);
        foreign_names(&text).map(|name| format!("{path}: {name}")).collect::<Vec<String>>()
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "an interface names a field in its own way:\n{}", broken.join("\n"));
}

#[test]
fn foreign_names_are_found() {
    let rows = [
        ("of_the_core", "FieldError::new(\"size_bytes\", \"is no sizeBytes\")", None),
        ("of_another", "FieldError::new(\"sizeBytes\", message)", Some("sizeBytes")),
        ("below_a_path", "FieldError::new(\n    format!(\"{path}.sizeBytes\"),", Some("{path}.sizeBytes")),
        ("of_an_error", "Error::field(\"deviceId\", why)", Some("deviceId")),
        ("of_a_reference", "DocumentReference::new(\"siteId\", site)", Some("siteId")),
        ("of_data", "Error::field(\"params.firmwareId\", why)", None),
        ("elsewhere", "params.get(\"firmwareId\")", None),
    ];
    for (name, text, expected) in rows {
        assert_eq!(foreign_names(text).next(), expected, "{name}");
    }
}

/// The names in camel case that calls give to fields.
fn foreign_names(text: &str) -> impl Iterator<Item = &str> {
    let arguments = CALLS.into_iter().flat_map(move |call| after(text, call)).map(str::trim_start);
    let names = arguments.filter_map(|rest| {
        let literal = rest.strip_prefix("format!(").unwrap_or(rest).trim_start().strip_prefix('"')?;
        literal.split('"').next()
    });
    names.filter(|name| is_camel_case(name) && !OTHERS.contains(name))
}

fn is_camel_case(name: &str) -> bool {
    name.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

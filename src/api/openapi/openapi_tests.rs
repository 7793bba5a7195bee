//! Consistency tests of the document: every reference resolves, and every component is referenced.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, page};
use crate::api::vendor_documents;

/// Collects every `$ref` below a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((format!("{method} {path}"), operation));
        }
    }
    found
}

/// Every component is referenced and every reference resolves; ids and tags are unique and known.
fn check_references(document: &Value, kinds: &[&str]) {
    let mut named = BTreeSet::new();
    references(document, &mut named);
    for kind in kinds {
        let there = document["components"][kind].as_object().unwrap();
        let there: BTreeSet<_> = there.keys().map(|name| format!("#/components/{kind}/{name}")).collect();
        let of_kind = named.iter().filter(|path| path.starts_with(&format!("#/components/{kind}/")));
        assert_eq!(of_kind.cloned().collect::<BTreeSet<_>>(), there, "{kind}");
    }
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    let (mut ids, mut tags) = (BTreeSet::new(), BTreeSet::new());
    for (name, operation) in operations(document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: an operationId twice");
        tags.insert(operation["tags"][0].clone().to_string());
        for way in operation["security"].as_array().into_iter().flatten() {
            assert!(
                way.as_object().unwrap().keys().all(|scheme| schemes.contains_key(scheme)),
                "{name}: {way}"
            );
        }
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
    }
    let told = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].to_string());
    assert_eq!(tags, told.collect());
}

#[test]
fn what_is_named_is_there_and_what_is_there_is_named() {
    let document = serde_json::to_value(document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    check_references(&document, &["schemas", "responses"]);
}

#[test]
fn the_page_tells_every_operation_and_loads_nothing() {
    let document = serde_json::to_value(document()).unwrap();
    check_page(&document, &page::render(&document, "/api/schema/"));
}

/// The page names every operation, and has no link that leads nowhere.
fn check_page(document: &Value, page: &str) {
    for (name, operation) in operations(document) {
        let (method, path) = name.split_once(' ').unwrap();
        let (method, summary) = (method.to_uppercase(), operation["summary"].as_str().unwrap());
        let line =
            format!("<b class=\"{method}\">{method}</b> <code>{path}</code> {}", page::escape(summary));
        assert_eq!(page.matches(&line).count(), 1, "{line}");
    }
    for loading in ["<script", "<link", "<img", "<iframe", "@import", "url(", "http:", "https:", "src="] {
        assert!(!page.contains(loading), "the page has {loading}");
    }
    // Every link within the page has a target.
    for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("id=\"{target}\"")), "there is no #{target}");
    }
}

#[test]
fn what_is_said_is_shown_as_text() {
    let hostile = serde_json::json!({"info": {"title": "<script>\"&", "version": "1"}});
    assert!(page::render(&hostile, "/").contains("<h1>&lt;script&gt;&quot;&amp; 1</h1>"));
}

#[test]
fn the_documents_of_vendors_are_whole_and_so_are_their_pages() {
    for vendor in vendor_documents() {
        let name = vendor.name;
        let document = serde_json::to_value(vendor.document()).unwrap();
        check_references(&document, &["schemas"]);
        let page = page::render(&document, "/api/docs/x/openapi.json");
        check_page(&document, &page);
        assert!(page.contains("href=\"/api/docs/x/openapi.json\""), "{name}");
    }
}

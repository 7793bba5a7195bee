//! Consistency tests of the document: every reference resolves, and every component is referenced.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, page};
use crate::api::VENDOR_APIS;
use crate::api::openapi::vendor::{VendorApi, parse};
use crate::app::blynk::widget::property_names;

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
    let schemes: BTreeSet<_> = document["components"]["securitySchemes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    let (mut ids, mut tags) = (BTreeSet::new(), BTreeSet::new());
    for (name, operation) in operations(document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: an operationId twice");
        tags.insert(operation["tags"][0].clone().to_string());
        for way in operation["security"].as_array().into_iter().flatten() {
            assert!(way.as_object().unwrap().keys().all(|scheme| schemes.contains(scheme)), "{name}: {way}");
        }
        let answers = operation["responses"].as_object().unwrap();
        assert!(
            answers.keys().any(|status| status.starts_with('2') || status == "101"),
            "{name} never succeeds"
        );
    }
    let described = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].to_string());
    assert_eq!(tags, described.collect());
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
    for VendorApi { name, document, .. } in VENDOR_APIS {
        let document = parse(&document());
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"), "{name}");
        check_references(&document, &["schemas"]);
        let page = page::render(&document, "/api/docs/x/openapi.json");
        check_page(&document, &page);
        assert!(page.contains("href=\"/api/docs/x/openapi.json\""), "{name}");
    }
}

/// A path in which all variables have one name, in lower case, because one of the APIs ignores case.
fn pattern(path: &str) -> String {
    let plain =
        |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_lowercase() };
    path.split('/').map(plain).collect::<Vec<_>>().join("/")
}

#[test]
fn the_documents_of_vendors_have_every_route_and_no_other() {
    for VendorApi { name, document, routes } in VENDOR_APIS {
        let routes = routes();
        let served: BTreeSet<_> =
            routes.iter().map(|(method, path)| format!("{method} {}", pattern(path))).collect();
        assert_eq!(served.len(), routes.len(), "{name}: a route twice");
        let document = parse(&document());
        let described: BTreeSet<_> = operations(&document)
            .into_iter()
            .map(|(name, _)| {
                let (method, path) = name.split_once(' ').unwrap();
                format!("{} {}", method.to_uppercase(), pattern(path))
            })
            .collect();
        assert_eq!(described, served, "{name}");
    }
}

/// Every operation, parameter, body and response, and every field of a schema, is described by a sentence. Names of
/// variables in paths have their parameters.
#[test]
fn the_documents_of_vendors_describe_everything() {
    for VendorApi { name, document, .. } in VENDOR_APIS {
        let document = parse(&document());
        for (operation_name, operation) in operations(&document) {
            let place = format!("{name}: {operation_name}");
            is_sentence(&place, &operation["description"]);
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in &parameters {
                is_sentence(&format!("{place} {}", parameter["name"]), &parameter["description"]);
            }
            let variables = parameters.iter().filter(|p| p["in"] == "path").count();
            assert_eq!(operation_name.matches('{').count(), variables, "{place}");
            if operation["requestBody"].is_object() {
                is_sentence(&place, &operation["requestBody"]["description"]);
            }
            for (status, answer) in operation["responses"].as_object().unwrap() {
                is_sentence(&format!("{place} {status}"), &answer["description"]);
                for (header, about) in answer["headers"].as_object().into_iter().flatten() {
                    is_sentence(&format!("{place} {status} {header}"), &about["description"]);
                }
                let is_error = status.starts_with(['4', '5']);
                assert!(!is_error || answer["content"].is_object(), "{place}: {status} has no body");
            }
        }
        for (schema_name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for (field, about) in schema["properties"].as_object().into_iter().flatten() {
                is_sentence(&format!("{name}: {schema_name}.{field}"), &about["description"]);
            }
        }
    }
}

fn is_sentence(place: &str, text: &Value) {
    let text = text.as_str().unwrap_or_else(|| panic!("{place} is not described"));
    let is_one = text.starts_with(|c: char| c.is_uppercase() || c == '`') && text.ends_with('.');
    assert!(is_one, "{place}: {text}");
}

#[test]
fn blynk_names_every_property_of_a_widget() {
    let document = VENDOR_APIS.iter().find(|api| api.name == "blynk").map(|api| (api.document)()).unwrap();
    let document = parse(&document);
    let described =
        document["components"]["schemas"]["PropertyChange"]["properties"]["property"]["enum"].as_array();
    let known = property_names().collect::<Vec<_>>();
    assert_eq!(described.unwrap().iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(), known);
}

//! Documents and pages of APIs that a proxy serves below a base path.

use std::borrow::Cow;

use crate::app::base_path::BasePath;

/// A document that says below which path its operations are. Without a base path it stays as it is: clients then take the
/// server that they have it from.
pub fn document_below(document: Cow<'static, str>, base: &BasePath) -> Cow<'static, str> {
    match document.strip_prefix('{') {
        // The path has no character that JSON would escape.
        Some(rest) if !base.as_str().is_empty() => {
            format!("{{\n  \"servers\": [{{\"url\": \"{base}\"}}],{rest}").into()
        }
        _ => document,
    }
}

/// A page whose link to its document, which has this path, leads below the base path.
pub fn page_below(page: &str, path: &str, base: &BasePath) -> String {
    page.replacen(&format!("href=\"{path}\""), &format!("href=\"{base}{path}\""), 1)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_document_names_the_base_path_where_there_is_one() {
        let document = "{\n  \"openapi\": \"3.1.0\"\n}\n";
        for (base, expected) in [
            ("", json!({"openapi": "3.1.0"})),
            ("/basalt", json!({"openapi": "3.1.0", "servers": [{"url": "/basalt"}]})),
        ] {
            let served = document_below(document.into(), &base.parse().unwrap());
            assert_eq!(serde_json::from_str::<Value>(&served).unwrap(), expected);
            let page = page_below(
                "<a href=\"/api/schema/\">/api/schema/</a>",
                "/api/schema/",
                &base.parse().unwrap(),
            );
            assert_eq!(page, format!("<a href=\"{base}/api/schema/\">/api/schema/</a>"));
        }
    }
}

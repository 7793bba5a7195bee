//! OpenAPI documents of the other vendors' APIs, one each: a page at `/api/docs/NAME/`, JSON at
//! `/api/docs/NAME/openapi.json`.
//!
//! An API that another vendor has defined does not change with our types: its document is a file of `schema/`, written by
//! hand. That of MK is made of its nouns.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::Value;

use super::doc::JSON;
use super::page::{self, page_headers};
use super::server::{document_below, page_below};
use crate::app::App;

/// The API of a vendor, with the name that its document has in paths.
pub struct VendorApi {
    pub name: &'static str,
    /// Returns the document as JSON text.
    pub document: fn() -> Cow<'static, str>,
    /// Returns method and path of every route that the API serves, except HEAD, which is a GET without its body. A test
    /// compares them with the operations of the document.
    pub routes: fn() -> Vec<(&'static str, String)>,
}

/// Returns the routes of pages and documents. What they serve is made when it is first asked for: all of it together took a
/// quarter of the server's start.
pub fn routes(apis: &[VendorApi]) -> Router<Arc<App>> {
    apis.iter().fold(Router::new(), |router, VendorApi { name, document, .. }| {
        let path = format!("/api/docs/{name}");
        let json = format!("{path}/openapi.json");
        let (document, linked) = (*document, json.clone());
        let rendered = Arc::new(LazyLock::new(move || page::render(&parse(&document()), &linked)));
        let text = move |State(app): State<Arc<App>>| async move {
            ([(CONTENT_TYPE, JSON)], document_below(document(), &app.settings().base_path))
        };
        let path_of_json = json.clone();
        let page = move |State(app): State<Arc<App>>| async move {
            (page_headers(), page_below(&rendered, &path_of_json, &app.settings().base_path))
        };
        router.route(&path, get(page)).route(&json, get(text))
    })
}

/// Returns a document as a value.
pub(super) fn parse(document: &str) -> Value {
    // Invariant: a test parses the document of every vendor.
    serde_json::from_str(document).expect("a vendor's document is JSON")
}

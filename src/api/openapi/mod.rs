//! The REST API described: one OpenAPI 3.1 document, made of the same table of routes that is served, at `/api/schema/`,
//! and a page for people at `/api/docs/`.

use std::sync::LazyLock;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder, PathsBuilder};

use self::doc::{Doc, JSON};
use self::route::{Route, Section};
use super::rest::gate::Right;

pub mod doc;
pub mod page;
pub mod refusal;
pub mod route;
pub mod shape;

const ABOUT: &str = "Devices, their data streams, values and statistics, and what belongs to them. Paths end in a slash; \
                     without it they are the same. Every answer carries `X-Request-Id`, and takes over one that was sent. \
                     Of fields and parameters given twice the last counts; unknown ones are ignored. HEAD is answered as GET.";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).expect("a document is JSON");
    text.push('\n');
    text
});

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::to_value(document()).expect("a document is JSON");
    page::render(&document)
});

/// The document as `/api/schema/` serves it and `schema/openapi.json` holds it.
pub fn text() -> &'static str {
    &DOCUMENT
}

pub fn section() -> Section {
    let document = Doc::new("schema", "This document").answers(200, "OpenAPI 3.1", shape::map());
    let page =
        Doc::new("docs", "This document as a page for people").about("It loads nothing from elsewhere.");
    let page = page.answers_as("text/html; charset=utf-8", 200, "HTML", shape::words());
    Section {
        name: "Description",
        about: "What this document describes, in two forms. For everybody.",
        routes: vec![
            Route::gated("/api/schema", Right::Anybody).get(serve_document, document),
            Route::open("/api/docs").get(serve_page, page),
        ],
        schemas: Vec::new(),
    }
}

async fn serve_document() -> impl IntoResponse {
    ([(CONTENT_TYPE, JSON)], text())
}

async fn serve_page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, policy)];
    (headers, PAGE.as_str())
}

fn document() -> OpenApi {
    let mut components = refusal::components();
    let (mut paths, mut tags) = (PathsBuilder::new(), Vec::new());
    for section in super::sections() {
        tags.push(TagBuilder::new().name(section.name).description(Some(section.about)).build());
        for (name, schema) in section.schemas {
            components = components.schema(name, schema);
        }
        for route in section.routes {
            let (path, item) = route.describe(section.name);
            paths = paths.path(path, item);
        }
    }
    let mut info = Info::new("Basalt", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    OpenApiBuilder::new()
        .info(info)
        .tags(Some(tags))
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;

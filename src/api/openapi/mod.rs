//! OpenAPI 3.1 document of the REST API, built from the route table that is served: JSON at `/api/schema/`, an HTML
//! page at `/api/docs/`.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Info, OpenApi, OpenApiBuilder, PathsBuilder};

use self::doc::{Doc, JSON};
use self::route::{Route, Section};
use super::rest::precheck::RequiredAccess;
use crate::app::App;

pub mod doc;
pub mod error_responses;
pub mod noun_schema;
pub mod page;
pub mod route;
pub mod schema;
pub mod server;
pub mod vendor;

const ABOUT: &str = "Devices, their data streams, values and statistics, and related objects. The trailing slash of \
                     a path is optional. Every response carries `X-Request-Id`; one in the request is adopted. \
                     If a field or parameter is repeated, the last one counts; unknown ones are ignored. \
                     HEAD is answered like GET.";

/// Path of the document.
const PATH: &str = "/api/schema/";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&document()).expect("a document is JSON");
    text.push('\n');
    text
});

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::to_value(document()).expect("a document is JSON");
    page::render(&document, PATH)
});

/// Returns the document as served at `/api/schema/` and stored in `schema/openapi.json`.
pub fn text() -> &'static str {
    &DOCUMENT
}

/// Routes of the document itself.
pub fn section() -> Section {
    let document =
        Doc::new("schema", "Get this document").answers(200, "The OpenAPI 3.1 document", schema::map());
    let page = Doc::new("docs", "Get this document as an HTML page")
        .about("The page loads nothing from other servers.");
    let page = page.answers_as("text/html; charset=utf-8", 200, "The HTML page", schema::string());
    Section {
        name: "Description",
        about: "This API description, as JSON and as an HTML page. Public.",
        routes: vec![
            Route::gated("/api/schema", RequiredAccess::Public).get(serve_document, document),
            Route::open("/api/docs").get(serve_page, page),
        ],
        schemas: Vec::new(),
    }
}

async fn serve_document(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, JSON)], server::document_below(text().into(), &app.settings().base_path))
}

async fn serve_page(State(app): State<Arc<App>>) -> impl IntoResponse {
    (page::page_headers(), server::page_below(&PAGE, PATH, &app.settings().base_path))
}

fn document() -> OpenApi {
    let mut components = error_responses::components();
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

//! The OpenAPI document at the platform's own paths.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::endpoint::{Endpoint, Section};
use super::{Answer, openapi_document, problem};
use crate::api::accept;
use crate::api::openapi::doc::{Doc, JSON};
use crate::api::openapi::schema;
use crate::api::openapi::server::document_below;
use crate::app::App;

const YAML: &str = "application/yaml";

/// The operations.
pub fn section() -> Section {
    let json =
        Doc::new("apiDocs", "Get this document").answers(200, "The OpenAPI 3.1 document.", schema::map());
    let yaml = Doc::new("apiDocsYaml", "Get this document as YAML")
        .about("JSON is YAML, so the text is the same.")
        .answers_as(YAML, 200, "The OpenAPI 3.1 document.", schema::string());
    Section {
        name: "OpenAPI",
        about: "This description, unless `mk.openapi` is false.",
        endpoints: vec![
            Endpoint::get("/api/v3/api-docs", serve_json, json).public(),
            Endpoint::get("/api/v3/api-docs.yaml", serve_yaml, yaml).public().represented_as(&[
                YAML,
                accept::JSON,
                "application/x-yaml",
            ]),
        ],
        schemas: Vec::new(),
    }
}

async fn serve_json(State(app): State<Arc<App>>, uri: Uri) -> Answer {
    serve(&app, uri.path(), JSON)
}

async fn serve_yaml(State(app): State<Arc<App>>, uri: Uri) -> Answer {
    serve(&app, uri.path(), YAML)
}

fn serve(app: &App, path: &str, media: &'static str) -> Answer {
    if !app.settings().compat.mk.openapi {
        return Err(problem::no_resource_at(path));
    }
    let document = document_below(openapi_document::text().into(), &app.settings().base_path);
    Ok(([(CONTENT_TYPE, media)], document).into_response())
}

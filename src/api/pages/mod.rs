//! Pages for people: GraphiQL at `/graphiql`, an SQL page at `/console`. All of them is in the binary, nothing is loaded
//! from elsewhere, and none holds data: what a page asks, it asks with the reader's key or session, as any client.
//!
//! build.rs bundles their scripts and styles from web/; where it could not, the pages say so.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::queries::QUERIES;
use super::error::RestError;
use super::openapi::page::escape;
use crate::app::App;
use crate::domain::Error;

mod queries;

/// What build.rs made of web/: `FILES`, and why there are none in `MISSING`.
mod built {
    include!(concat!(env!("OUT_DIR"), "/pages.rs"));
}

/// Scripts come from this server and only as files; styles also from the editors, which make theirs as they run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Pages name their scripts and styles with this in the path: those of another build are never used.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    built::FILES.iter().for_each(|(_, content)| hash.update(content));
    hex::encode(&hash.finalize()[..8])
});

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/console", get(|| async { page(include_str!("console.html")) }))
        .route("/graphiql", get(|| async { page(include_str!("graphiql.html")) }))
        .route("/graphiql/queries", get(tabs))
        .route("/pages/{version}/{file}", get(asset))
}

/// A page, asked anew every time.
fn page(html: &str) -> Response {
    let html = if built::FILES.is_empty() {
        include_str!("missing.html").replace("{why}", &escape(built::MISSING))
    } else {
        let html = html.replace("{access}", include_str!("access.html"));
        html.replace("{assets}", &format!("/pages/{}", *VERSION))
    };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}

/// A tab of GraphiQL.
#[derive(Serialize)]
struct Tab {
    name: &'static str,
    query: &'static str,
}

async fn tabs() -> impl IntoResponse {
    let tabs = QUERIES.map(|(name, query)| Tab { name, query });
    ([(CACHE_CONTROL, "no-cache")], Json(tabs))
}

/// A script or a style; what a path names never changes.
async fn asset(Path((version, file)): Path<(String, String)>) -> Result<Response, RestError> {
    let found = built::FILES.iter().find(|(name, _)| *name == file && version == *VERSION);
    let (name, content) = found.ok_or_else(Error::not_found)?;
    let media = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    let headers = [
        (CONTENT_TYPE, media),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, *content).into_response())
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;

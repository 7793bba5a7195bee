//! HTML pages: a start page at `/`, GraphiQL at `/graphiql`, an SQL page at `/console`. They are part of the binary,
//! load nothing from other servers, and contain no data: like any client, a page sends requests with the reader's key
//! or session.
//!
//! build.rs bundles their scripts and styles from web/; if it could not, the pages say so.

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

/// The bundle that build.rs made from web/: `FILES`, or in `MISSING` the reason why there are none.
mod built {
    include!(concat!(env!("OUT_DIR"), "/pages.rs"));
}

/// Scripts are allowed only as files from this server; styles also inline, because the editors create theirs at run
/// time.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Part of the paths of scripts and styles, so that a page never uses those of another build.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    built::FILES.iter().for_each(|(_, content)| hash.update(content));
    hex::encode(&hash.finalize()[..8])
});

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(|| async { html(include_str!("home.html").to_owned()) }))
        .route("/console", get(|| async { page(include_str!("console.html")) }))
        .route("/graphiql", get(|| async { page(include_str!("graphiql.html")) }))
        .route("/graphiql/queries", get(tabs))
        .route("/pages/{version}/{file}", get(asset))
}

/// Responds with a page that browsers must revalidate.
fn page(html: &str) -> Response {
    if built::FILES.is_empty() {
        return self::html(include_str!("missing.html").replace("{why}", &escape(built::MISSING)));
    }
    let html = html.replace("{access}", include_str!("access.html"));
    self::html(html.replace("{assets}", &format!("/pages/{}", *VERSION)))
}

fn html(text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// A GraphiQL tab.
#[derive(Serialize)]
struct Tab {
    name: &'static str,
    query: &'static str,
}

async fn tabs() -> impl IntoResponse {
    let tabs = QUERIES.map(|(name, query)| Tab { name, query });
    ([(CACHE_CONTROL, "no-cache")], Json(tabs))
}

/// Serves a script or style. Its path contains the build, so it may be cached forever.
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

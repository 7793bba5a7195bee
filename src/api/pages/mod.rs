//! HTML pages: the web application below `/ui`, GraphiQL at `/graphiql`, and a list of them at `/`. They are part of the
//! binary, load nothing from other servers, and contain no data: like any client, a page sends requests with the
//! reader's key or session.
//!
//! build.rs bundles their scripts and styles from web/; if it could not, the pages say so.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::gzip::compressed;
use self::queries::QUERIES;
use super::error::RestError;
use super::openapi::page::escape;
use crate::app::App;
use crate::domain::Error;

mod gzip;
mod queries;

/// The bundle that build.rs made from web/: `FILES`, each compressed with gzip, or in `MISSING` the reason why there are none.
mod built {
    include!(concat!(env!("OUT_DIR"), "/pages.rs"));
}

/// Scripts are allowed only as files from this server; styles also inline, because the editors create theirs at run
/// time.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Policy of the web application: stricter than the others, because it makes no `<style>` elements and gives no text to the
/// browser as code or HTML. Attributes are allowed because the browser's own editing sets some.
const APPLICATION_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
                                  img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
                                  form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// Part of the paths of scripts and styles, so that a page never uses those of another build.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    built::FILES.iter().for_each(|(_, content)| hash.update(content));
    hex::encode(&hash.finalize()[..8])
});

/// Returns the routes of all pages, their scripts and styles, none of which needs credentials.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/ui", get(application))
        .route("/ui/{*page}", get(application))
        // Where the SQL page was before it became part of the application; browsers keep what is behind `#`.
        .route("/console", get(|| async { Redirect::permanent("/ui/sql") }))
        .route("/graphiql", get(graphiql))
        .route("/graphiql/queries", get(tabs))
        .route("/pages/{version}/{file}", get(asset))
}

/// Sends people to the web application; programs get the list of pages, as long as they do not ask for HTML.
async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let home = if accepted.contains("text/html") {
        Redirect::temporary("/ui/").into_response()
    } else {
        html(below(include_str!("home.html"), &app), POLICY)
    };
    ([(VARY, "Accept")], home).into_response()
}

/// One document for every address of the application, which finds its page by the address.
async fn application(State(app): State<Arc<App>>) -> Response {
    page(include_str!("ui.html"), APPLICATION_POLICY, &app)
}

async fn graphiql(State(app): State<Arc<App>>) -> Response {
    page(include_str!("graphiql.html"), POLICY, &app)
}

/// Responds with a page that browsers must revalidate.
fn page(html: &str, policy: &'static str, app: &App) -> Response {
    if built::FILES.is_empty() {
        let why = escape(built::MISSING);
        return self::html(below(include_str!("missing.html"), app).replace("{why}", &why), policy);
    }
    let html = html.replace("{assets}", &format!("{{root}}pages/{}", *VERSION));
    self::html(below(&html, app).replace("{access}", include_str!("access.html")), policy)
}

/// A page whose links lead below the base path.
fn below(html: &str, app: &App) -> String {
    html.replace("{root}", &format!("{}/", app.settings().base_path))
}

fn html(text: String, policy: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
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
async fn asset(
    Path((version, file)): Path<(String, String)>,
    request: HeaderMap,
) -> Result<Response, RestError> {
    if version != *VERSION {
        return Err(Error::not_found().into());
    }
    Ok(bundled(&file, "public, max-age=31536000, immutable", &request)?)
}

/// Serves the client of socket.io 2, whose path is the same in every build.
///
/// # Errors
/// `NotFound` when this build has no bundle.
pub fn socket_client(request: &HeaderMap) -> Result<Response, Error> {
    bundled("socket.io.js", "no-cache", request)
}

fn bundled(file: &str, caching: &'static str, request: &HeaderMap) -> Result<Response, Error> {
    let found = built::FILES.iter().find(|(name, _)| *name == file);
    let (name, content) = found.ok_or_else(Error::not_found)?;
    let media = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    let headers = [(CONTENT_TYPE, media), (CACHE_CONTROL, caching), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, compressed(content, request)?).into_response())
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;

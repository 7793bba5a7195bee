//! The router of a query node: queries, and reads of readings and statistics, are answered here, every other request by the
//! ingest node.
//!
//! The answering node is chosen before the catalog is brought up to date: what is handed on costs no question to the catalog's database,
//! and its credentials are judged by the ingest node. What is answered here is judged by the catalog brought up to date: a key that was
//! revoked is refused (`store/catalog/follower/mod.rs`).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::compression::compress;
use super::error::{GraphqlError, PlainError};
use super::forward::Forwarder;
use super::graphql::GraphqlService;
use super::graphql::http::{request_error, request_routes};
use super::graphql::replica_reads::is_replica_read;
use super::graphql::request::{GraphqlRequest, RequestBody};
use super::payload::{self, BodyLimits};
use super::rest::{statistic, value};
use super::{
    ERROR_FORMS, caller, described_routes, error_form, health, metrics, sql_routes, with_middleware,
};
use crate::app::App;

/// Longest body of a GraphQL request that is looked into, bytes. Up to this size JSON is parsed without a reservation for its
/// values (payload.rs).
const MAX_GRAPHQL_BYTES: usize = 64 << 10;

/// Receiver of the requests that are handed on.
#[derive(Clone)]
struct IngestNode {
    app: Arc<App>,
    forwarder: Forwarder,
}

impl IngestNode {
    /// Hands a request on as the client sent it, and returns the response.
    async fn answer(&self, request: Request) -> Response {
        // Whoever is known keeps the connection when others need one. Whether the request is allowed is decided by the ingest
        // node, which also knows the credentials of the other APIs.
        drop(caller::authenticate(&self.app, request.method(), request.headers(), request.extensions()));
        self.forwarder.forward(request).await
    }
}

/// Builds the router of a query node, which has the middleware of the other nodes. It answers SQL, named queries, the lists and
/// rows of readings and statistics, the GraphQL requests that `replica_reads` lists, probes and metrics, and forwards every
/// other request to the ingest node.
pub fn router(app: Arc<App>, forwarder: Forwarder) -> Router {
    let ingest_node = IngestNode { app: app.clone(), forwarder };
    let queries = sql_routes().merge(metrics::routes());
    let sections = [value::section(), statistic::section()];
    let lists = described_routes(sections.into_iter().flat_map(|section| section.routes), &app);
    // Set before the layers, which thereby hand on the other methods of the path too.
    let graph = request_routes(GraphqlService::new(app.clone()))
        .method_not_allowed_fallback(error_form::method_not_allowed);

    let lists = up_to_date(lists, &app).layer(from_fn_with_state(ingest_node.clone(), hand_on_but_lists));
    let graph = graph.layer(from_fn_with_state(app.clone(), catch_up_graph)).layer(from_fn(compress));
    let graph = graph.layer(from_fn_with_state(ingest_node.clone(), hand_on_but_reads));
    let routes = described_routes(health::section().routes, &app)
        .layer(from_fn(compress))
        .merge(up_to_date(queries, &app))
        .merge(lists)
        .merge(graph)
        .method_not_allowed_fallback(error_form::method_not_allowed)
        // Outside of the layers: the ingest node has compressed its responses already.
        .fallback(move |request: Request| {
            let ingest_node = ingest_node.clone();
            async move { ingest_node.answer(request).await }
        })
        .with_state(app.clone());
    with_middleware(routes, app)
}

/// Puts before routes that whatever was changed before a request is known here.
fn up_to_date(routes: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    routes.layer(from_fn_with_state(app.clone(), catch_up)).layer(from_fn(compress))
}

/// Middleware: brings the catalog up to date, before the credentials of the request are judged.
async fn catch_up(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.node.cluster.catch_up_catalog().await {
        Ok(()) => next.run(request).await,
        Err(error) => PlainError::from(error).into_response(),
    }
}

/// Brings the catalog up to date before a request to GraphQL, with the errors of GraphQL.
async fn catch_up_graph(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.node.cluster.catch_up_catalog().await {
        Ok(()) => next.run(request).await,
        Err(error) => request_error(request.headers(), error.into()).into_response(),
    }
}

/// Middleware of the lists of REST: hands on writes to their paths, paths of other APIs that look like one of theirs, and lists
/// that may be long.
async fn hand_on_but_lists(State(ingest_node): State<IngestNode>, request: Request, next: Next) -> Response {
    let is_answered = is_short_list(request.method(), request.uri());
    if is_answered { next.run(request).await } else { ingest_node.answer(request).await }
}

/// Whether a request is for a list with a bound: a limit, which also a list without a range has, or a step. A list without one
/// takes as long as its reader likes, and the files that a query node reads are kept for `lake.keep_removed` only.
fn is_short_list(method: &Method, uri: &Uri) -> bool {
    let has = |names: [&str; 2]| {
        let query = uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| names.contains(&&*name))
    };
    let is_bounded = has(["limit", "step"]) || !has(["from", "to"]);
    *method == Method::GET && !ERROR_FORMS.is_listed(uri.path()) && is_bounded
}

/// Middleware of GraphQL: hands on every request but those that all nodes can answer.
async fn hand_on_but_reads(State(ingest_node): State<IngestNode>, request: Request, next: Next) -> Response {
    match inspect(&ingest_node.app, request).await {
        Ok((true, request)) => next.run(request).await,
        Ok((false, request)) => ingest_node.answer(request).await,
        Err(error) => error.into_response(),
    }
}

/// Returns whether this node answers a request to GraphQL, and the request as it was. Its body is read only if it is short, not
/// compressed, and of a caller who is known.
///
/// # Errors
/// The error of a body that ends early or arrives too slowly.
async fn inspect(app: &App, request: Request) -> Result<(bool, Request), GraphqlError> {
    if caller::authenticate(app, request.method(), request.headers(), request.extensions()).is_err() {
        return Ok((false, request));
    }
    let limits = &app.settings().graphql;
    if request.method() == Method::GET {
        let operation = GraphqlRequest::parse_query(request.uri().query().unwrap_or_default());
        return Ok((operation.is_ok_and(|operation| is_replica_read(limits, operation)), request));
    }
    let most = MAX_GRAPHQL_BYTES.min(app.settings().body_bytes);
    if request.method() != Method::POST || !is_short(request.headers(), most) {
        return Ok((false, request));
    }
    let (parts, body) = request.into_parts();
    let read = payload::read_within(&parts.headers, body, BodyLimits { wire: most, decoded: most }).await;
    let bytes = read.map_err(|fault| request_error(&parts.headers, fault))?;
    let is_read = match RequestBody::parse(&bytes, 1) {
        Ok(RequestBody::Single(operation)) => is_replica_read(limits, operation),
        Ok(RequestBody::Batch(_)) | Err(_) => false,
    };
    Ok((is_read, Request::from_parts(parts, Body::from(bytes))))
}

/// Whether a body is sent as it is and has at most so many bytes.
fn is_short(headers: &HeaderMap, most: usize) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    length.is_some_and(|bytes| bytes <= most) && !headers.contains_key(header::CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn short_lists_are_answered_and_what_looks_like_them_is_not() {
        let rows = [
            ("a_list", Method::GET, "/api/data/1/value", true),
            ("of_all", Method::GET, "/api/statistic", true),
            ("what_is_no_id", Method::GET, "/api/data/devicesx/value", true),
            ("a_page_of_a_range", Method::GET, "/api/value?from=1&to=2&limit=10", true),
            ("steps_of_a_range", Method::GET, "/api/statistic?step=PT1H&from=1", true),
            ("a_page", Method::GET, "/api/value?offset=5", true),
            ("a_range", Method::GET, "/api/value?from=1&to=2", false),
            ("a_range_in_other_letters", Method::GET, "/api/value?fr%6fm=1", false),
            ("all_since", Method::GET, "/api/data/1/value?from=1&data=limit", false),
            ("a_write", Method::POST, "/api/data/1/value", false),
            ("no_body", Method::HEAD, "/api/value", false),
            ("a_method_without_a_route", Method::DELETE, "/api/value", false),
            ("of_opensynaptic", Method::GET, "/api/data/packets/value", false),
            ("below_its_lists", Method::GET, "/api/data/devices/statistic", false),
        ];
        for (name, method, target, expected) in rows {
            assert_eq!(is_short_list(&method, &Uri::from_static(target)), expected, "{name}");
        }
    }

    #[test]
    fn only_short_bodies_that_are_sent_as_they_are_are_looked_into() {
        let rows = [
            ("short", vec![("content-length", "100")], true),
            ("too_long", vec![("content-length", "101")], false),
            ("of_unknown_length", vec![], false),
            ("chunked", vec![("transfer-encoding", "chunked")], false),
            ("compressed", vec![("content-length", "10"), ("content-encoding", "gzip")], false),
            ("no_length", vec![("content-length", "-1")], false),
        ];
        for (name, given, expected) in rows {
            let mut headers = HeaderMap::new();
            for (header, value) in given {
                headers.insert(header, HeaderValue::from_static(value));
            }
            assert_eq!(is_short(&headers, 100), expected, "{name}");
        }
    }
}

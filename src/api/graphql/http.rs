//! GraphQL over HTTP (graphql-over-http specification, draft of 2025): `POST` with JSON, `GET` for queries only, and
//! batches as a list.
//!
//! With `application/graphql-response+json` the status tells whether the document was executed. A client that accepts
//! only `application/json` gets 200 whenever its request could be parsed.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, ServerError};
use axum::Router;
use axum::extract::{RawQuery, Request as HttpRequest, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Serialize;

use super::chunked_response::JsonChunks;
use super::memory_pool::RequestReservation;
use super::request::{GraphqlRequest, RequestBody};
use super::{GraphqlService, errors, size_estimate, sse, ws};
use crate::api::caller;
use crate::api::compression::Compressible;
use crate::api::error::{self, GraphqlError, HttpError};
use crate::api::payload;
use crate::app::App;
use crate::app::live::credential::LiveCredential;
use crate::domain::Error;

/// Media types of responses, preferred one first.
const RESPONSE_MEDIA_TYPES: [&str; 2] = ["application/graphql-response+json", "application/json"];

/// Returns the routes of all GraphQL transports.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let graph = GraphqlService::new(app.clone());
    let streams: Router<Arc<App>> = Router::new()
        .route("/graphql/ws", get(ws::upgrade))
        .route("/graphql/stream", post(sse::stream))
        .with_state(graph.clone());
    request_routes(graph).merge(streams).route("/graphql/schema.graphql", get(schema))
}

/// Returns the route of requests that have one response each, which a query node has too.
pub fn request_routes(graph: GraphqlService) -> Router<Arc<App>> {
    Router::new().route("/graphql", get(get_graphql).post(post_graphql)).with_state(graph)
}

/// Returns the error of a request that is not executed, in the media type that the client accepts.
pub fn request_error(headers: &HeaderMap, fault: HttpError) -> GraphqlError {
    match media(headers) {
        Ok(media) => GraphqlError { fault, media },
        Err(not_acceptable) => not_acceptable,
    }
}

async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], super::sdl())
}

async fn post_graphql(
    State(graph): State<GraphqlService>,
    request: HttpRequest,
) -> Result<axum::response::Response, GraphqlError> {
    let (parts, body) = request.into_parts();
    let media = media(&parts.headers)?;
    let to_graphql_error = |fault: HttpError| GraphqlError { fault, media };
    let credential = caller::live_credential(&graph.app, &parts.method, &parts.headers, &parts.extensions)
        .map_err(to_graphql_error)?;
    check_content_type(&parts.headers).map_err(to_graphql_error)?;
    let bytes = payload::read(&parts.headers, body, graph.app.settings().body_bytes)
        .await
        .map_err(to_graphql_error)?;
    let reservation = graph.open_reservation(&credential);
    reservation
        .reserve(size_estimate::json_request_bytes(&bytes))
        .await
        .map_err(|error| to_graphql_error(error.into()))?;
    let body =
        RequestBody::parse(&bytes, graph.limits.batch).map_err(|error| to_graphql_error(error.into()))?;
    drop(bytes);
    Ok(match body {
        RequestBody::Single(graphql_request) => {
            let mut request = Request::from(graphql_request);
            let (response, is_read) = match graph.admit(&mut request) {
                Ok(()) => {
                    let is_read = !is_mutation(&mut request);
                    (graph.run(request, &credential, &reservation).await, is_read)
                }
                Err(refused) => (*refused, false),
            };
            let mut response = http_response(response, media, &reservation).await;
            if is_read {
                // What a mutation returns may be a secret.
                response.extensions_mut().insert(Compressible);
            }
            response
        }
        RequestBody::Batch(operations) => {
            let text = execute_batch(&graph, operations, &credential, &reservation).await;
            reservation.shrink_to(text.size());
            error::graphql_response(media, true, text.size(), text.into_body(&reservation))
        }
    })
}

async fn get_graphql(
    State(graph): State<GraphqlService>,
    RawQuery(raw): RawQuery,
    request: HttpRequest,
) -> Result<axum::response::Response, GraphqlError> {
    let (parts, _) = request.into_parts();
    let media = media(&parts.headers)?;
    let to_graphql_error = |fault: HttpError| GraphqlError { fault, media };
    let credential = caller::live_credential(&graph.app, &parts.method, &parts.headers, &parts.extensions)
        .map_err(to_graphql_error)?;
    let raw = raw.unwrap_or_default();
    let reservation = graph.open_reservation(&credential);
    reservation
        .reserve(size_estimate::json_request_bytes(raw.as_bytes()))
        .await
        .map_err(|error| to_graphql_error(error.into()))?;
    let graphql_request =
        GraphqlRequest::parse_query(&raw).map_err(|error| to_graphql_error(error.into()))?;
    let mut request = Request::from(graphql_request);
    let response = match graph.admit(&mut request) {
        // Following a link must not change anything.
        Ok(()) if is_mutation(&mut request) => {
            return Err(to_graphql_error(HttpError::MethodNotAllowed(Method::GET)));
        }
        Ok(()) => graph.run(request, &credential, &reservation).await,
        Err(refused) => *refused,
    };
    Ok(http_response(response, media, &reservation).await)
}

/// Builds the HTTP response and releases the memory that it no longer needs.
async fn http_response(
    response: Response,
    media: &'static str,
    reservation: &Arc<RequestReservation>,
) -> axum::response::Response {
    let was_run = !is_request_error(&response);
    let text = response_chunks(response, reservation).await;
    reservation.shrink_to(text.size());
    error::graphql_response(
        media,
        was_run || media == RESPONSE_MEDIA_TYPES[1],
        text.size(),
        text.into_body(reservation),
    )
}

/// Runs a batch in order, because a later operation may rely on the changes of an earlier one.
async fn execute_batch(
    graph: &GraphqlService,
    operations: Vec<GraphqlRequest>,
    credential: &LiveCredential,
    reservation: &Arc<RequestReservation>,
) -> JsonChunks {
    let variables = reservation.used();
    let mut answers = JsonChunks::default();
    answers.add("[");
    for (index, operation) in operations.into_iter().enumerate() {
        if index > 0 {
            answers.add(",");
        }
        let response = execute(graph, operation.into(), credential, reservation).await;
        answers.append(response_chunks(response, reservation).await);
        reservation.shrink_to(variables + answers.size());
    }
    answers.add("]");
    answers
}

/// Serializes a response; one that exceeds the remaining memory is replaced by an error.
///
/// A large response takes tens of milliseconds: too long for the threads that serve sockets.
async fn response_chunks(response: Response, memory: &Arc<RequestReservation>) -> JsonChunks {
    if memory.is_small() {
        return serialize(response, memory);
    }
    let reservation = memory.clone();
    let serialized = tokio::task::spawn_blocking(move || serialize(response, &reservation)).await;
    serialized.unwrap_or_else(|e| error_chunks(&Error::internal("serialization ended early").with_source(e)))
}

fn serialize(response: Response, reservation: &RequestReservation) -> JsonChunks {
    let written = JsonChunks::serialize(reservation, &response_body(&response));
    drop(response);
    written.unwrap_or_else(|error| error_chunks(&error))
}

fn error_chunks(error: &Error) -> JsonChunks {
    JsonChunks::serialize_unreserved(&response_body(&errors::request_error(error)))
}

async fn execute(
    graph: &GraphqlService,
    mut request: Request,
    credential: &LiveCredential,
    reservation: &Arc<RequestReservation>,
) -> Response {
    match graph.admit(&mut request) {
        Ok(()) => graph.run(request, credential, reservation).await,
        Err(refused) => *refused,
    }
}

/// Whether the request itself is invalid and nothing was executed.
fn is_request_error(response: &Response) -> bool {
    response.data == async_graphql::Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Body of a response. It has no `data` if the request was not executed. Fields come in the requested order.
#[derive(Serialize)]
struct ResponseBody<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a async_graphql::Value>,
}

fn response_body(response: &Response) -> ResponseBody<'_> {
    let data = (!is_request_error(response)).then_some(&response.data);
    ResponseBody { errors: &response.errors, data }
}

/// Whether the requested operation is a mutation.
fn is_mutation(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    document.operations.iter().any(|(own, operation)| {
        let is_asked = name.as_deref().is_none_or(|name| own.is_some_and(|own| own == name));
        is_asked && operation.node.ty == OperationType::Mutation
    })
}

/// Returns the preferred accepted media type. A missing header and `*/*` mean `application/json`.
fn media(headers: &HeaderMap) -> Result<&'static str, GraphqlError> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<String> = accepted
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .filter(|range| !range.is_empty())
        .collect();
    if ranges.is_empty() {
        return Ok(RESPONSE_MEDIA_TYPES[1]);
    }
    let named = RESPONSE_MEDIA_TYPES.into_iter().find(|media| ranges.iter().any(|range| range == media));
    let any = ranges
        .iter()
        .any(|range| range == "*/*" || range == "application/*")
        .then_some(RESPONSE_MEDIA_TYPES[1]);
    named.or(any).ok_or(GraphqlError { fault: HttpError::NotAcceptable, media: RESPONSE_MEDIA_TYPES[1] })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), HttpError> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_json = parts.next().is_some_and(|media| media == "application/json");
    let charset =
        parts.find_map(|part| part.strip_prefix("charset=").map(|c| c.trim_matches('"').to_owned()));
    if is_json && charset.is_none_or(|charset| charset == "utf-8") {
        return Ok(());
    }
    Err(HttpError::UnsupportedMediaType(content_type.to_owned()))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

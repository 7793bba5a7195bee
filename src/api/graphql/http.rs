//! GraphQL over HTTP, as its specification has it (graphql-over-http, draft of 2025): `POST` with JSON, `GET` for what only
//! reads, several operations at once as a list.
//!
//! A client that accepts `application/graphql-response+json` sees by the status whether its document was run; one that
//! accepts `application/json` only is answered 200 whenever its request could be read.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, ServerError, Variables};
use axum::Router;
use axum::extract::{RawQuery, Request as HttpRequest, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::delivery::Text;
use super::memory::Held;
use super::{Graph, errors, sse, weight, ws};
use crate::api::caller;
use crate::api::error::{self, Fault, GraphError};
use crate::api::payload;
use crate::app::App;
use crate::app::live::standing::Standing;
use crate::domain::{Error, Result};

/// The media types of answers, the better one first.
const MEDIA: [&str; 2] = ["application/graphql-response+json", "application/json"];

pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let graph = Graph::new(app.clone());
    Router::new()
        .route("/graphql", get(by_query).post(by_body))
        .route("/graphql/ws", get(ws::upgrade))
        .route("/graphql/stream", post(sse::stream))
        .with_state(graph)
        .route("/graphql/schema.graphql", get(schema))
}

async fn schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], super::sdl())
}

/// One operation as the wire has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default, rename = "extensions")]
    _extensions: Option<Map<String, Value>>,
}

/// One, or several at once.
enum Body {
    One(Asked),
    Many(Vec<Asked>),
}

impl From<Asked> for Request {
    fn from(asked: Asked) -> Self {
        let variables = Value::Object(asked.variables.unwrap_or_default());
        let request = Request::new(asked.query).variables(Variables::from_json(variables));
        match asked.operation_name {
            Some(name) => request.operation_name(name),
            None => request,
        }
    }
}

async fn by_body(
    State(graph): State<Graph>,
    request: HttpRequest,
) -> Result<axum::response::Response, GraphError> {
    let (parts, body) = request.into_parts();
    let media = media(&parts.headers)?;
    let told = |fault: Fault| GraphError { fault, media };
    let standing =
        caller::standing(&graph.app, &parts.method, &parts.headers, &parts.extensions).map_err(told)?;
    check_content_type(&parts.headers).map_err(told)?;
    let bytes = payload::read(&parts.headers, body, graph.app.settings().body_bytes).await.map_err(told)?;
    let held = graph.open(&standing);
    held.take(weight::of_json(&bytes)).await.map_err(|error| told(error.into()))?;
    let body = parse(&bytes, graph.limits.batch).map_err(|error| told(error.into()))?;
    drop(bytes);
    Ok(match body {
        Body::One(asked) => {
            let response = answer(&graph, asked.into(), &standing, &held).await;
            reply(response, media, &held)
        }
        Body::Many(asked) => {
            let text = several(&graph, asked, &standing, &held).await;
            held.keep(text.size());
            error::graph_answer(media, true, text.size(), text.into_body(&held))
        }
    })
}

async fn by_query(
    State(graph): State<Graph>,
    RawQuery(raw): RawQuery,
    request: HttpRequest,
) -> Result<axum::response::Response, GraphError> {
    let (parts, _) = request.into_parts();
    let media = media(&parts.headers)?;
    let told = |fault: Fault| GraphError { fault, media };
    let standing =
        caller::standing(&graph.app, &parts.method, &parts.headers, &parts.extensions).map_err(told)?;
    let raw = raw.unwrap_or_default();
    let held = graph.open(&standing);
    held.take(weight::of_json(raw.as_bytes())).await.map_err(|error| told(error.into()))?;
    let asked = parse_query(&raw).map_err(|error| told(error.into()))?;
    let mut request = Request::from(asked);
    let response = match graph.admit(&mut request) {
        // Whoever follows a link must not change anything by it.
        Ok(()) if changes(&mut request) => return Err(told(Fault::MethodNotAllowed(Method::GET))),
        Ok(()) => graph.run(request, &standing, &held).await,
        Err(refused) => *refused,
    };
    Ok(reply(response, media, &held))
}

/// One answer as it is sent.
fn reply(response: Response, media: &'static str, held: &Held) -> axum::response::Response {
    let was_run = !is_of_request(&response);
    let text = text(response, held);
    held.keep(text.size());
    error::graph_answer(media, was_run || media == MEDIA[1], text.size(), text.into_body(held))
}

/// The answers to several, in their order: a later one may rely on what an earlier one changed.
async fn several(graph: &Graph, asked: Vec<Asked>, standing: &Standing, held: &Arc<Held>) -> Text {
    let variables = held.used();
    let mut answers = Text::default();
    answers.add("[");
    for (index, asked) in asked.into_iter().enumerate() {
        if index > 0 {
            answers.add(",");
        }
        let response = answer(graph, asked.into(), standing, held).await;
        answers.append(text(response, held));
        held.keep(variables + answers.size());
    }
    answers.add("]");
    answers
}

/// An answer as text; one that is too large for what is left is refused in its place.
fn text(response: Response, held: &Held) -> Text {
    let written = Text::of(held, &shown(&response));
    drop(response);
    written.unwrap_or_else(|error| Text::short(&shown(&errors::refusal(&error))))
}

async fn answer(graph: &Graph, mut request: Request, standing: &Standing, held: &Arc<Held>) -> Response {
    match graph.admit(&mut request) {
        Ok(()) => graph.run(request, standing, held).await,
        Err(refused) => *refused,
    }
}

/// Whether nothing was run: the request itself is wrong.
fn is_of_request(response: &Response) -> bool {
    response.data == async_graphql::Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// An answer as it is sent: one of a request that was not run has no `data`. Fields come in the order asked for.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a async_graphql::Value>,
}

fn shown(response: &Response) -> Shown<'_> {
    let data = (!is_of_request(response)).then_some(&response.data);
    Shown { errors: &response.errors, data }
}

/// Whether the operation asked for is a mutation.
fn changes(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    document.operations.iter().any(|(own, operation)| {
        let is_asked = name.as_deref().is_none_or(|name| own.is_some_and(|own| own == name));
        is_asked && operation.node.ty == OperationType::Mutation
    })
}

/// The better media type that is accepted. No header, and `*/*`, is JSON.
fn media(headers: &HeaderMap) -> Result<&'static str, GraphError> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<String> = accepted
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .filter(|range| !range.is_empty())
        .collect();
    if ranges.is_empty() {
        return Ok(MEDIA[1]);
    }
    let named = MEDIA.into_iter().find(|media| ranges.iter().any(|range| range == media));
    let any = ranges.iter().any(|range| range == "*/*" || range == "application/*").then_some(MEDIA[1]);
    named.or(any).ok_or(GraphError { fault: Fault::NotAcceptable, media: MEDIA[1] })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Fault> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_json = parts.next().is_some_and(|media| media == "application/json");
    let charset =
        parts.find_map(|part| part.strip_prefix("charset=").map(|c| c.trim_matches('"').to_owned()));
    if is_json && charset.is_none_or(|charset| charset == "utf-8") {
        return Ok(());
    }
    Err(Fault::UnsupportedMedia(given.to_owned()))
}

fn parse(bytes: &[u8], batch: usize) -> Result<Body> {
    let unreadable = |e: serde_json::Error| {
        Error::invalid(format!("the body is not {{\"query\", \"variables\", …}}: {e}"))
    };
    let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_list {
        return serde_json::from_slice(bytes).map(Body::One).map_err(unreadable);
    }
    let many: Vec<Asked> = serde_json::from_slice(bytes).map_err(unreadable)?;
    match many.len() {
        0 => Err(Error::invalid("the list has no operation")),
        count if count > batch => {
            Err(Error::invalid(format!("the request has {count} operations; at most {batch}")))
        }
        _ => Ok(Body::Many(many)),
    }
}

fn parse_query(raw: &str) -> Result<Asked> {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        let value = match name.as_ref() {
            "variables" | "extensions" => serde_json::from_str(&value)
                .map_err(|e| Error::field(name.clone().into_owned(), format!("is not JSON: {e}")))?,
            _ => Value::from(value.into_owned()),
        };
        fields.insert(name.into_owned(), value);
    }
    if !fields.contains_key("query") {
        return Err(Error::field("query", "is missing; people look at /graphiql/"));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|e| Error::invalid(format!("the parameters: {e}")))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

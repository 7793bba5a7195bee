//! The listener for the nodes of a cluster: a query node asks the ingest node for unflushed rows.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::bearer;
use super::connection_limit::{ConnectionLimit, ConnectionState};
use super::error::PlainError;
use super::error_form::{DATASTONE, ErrorForms};
use super::layers;
use super::payload::{self, BodyLimits};
use crate::app::App;
use crate::domain::Error;
use crate::domain::cluster::{TAIL_PATH, TailQuery};

/// The form of errors of the listener.
pub const ERROR_FORMS: ErrorForms = ErrorForms { paths: &[], default: DATASTONE };

/// Maximum connections of other nodes; each node keeps a few.
const MAX_NODE_CONNECTIONS: usize = 1024;

/// Maximum length of a request for a tail, bytes; one has some 200.
const MAX_TAIL_REQUEST: BodyLimits = BodyLimits { wire: 4 << 10, decoded: 4 << 10 };

/// Returns the limit of a listener for nodes.
pub fn connection_limit() -> Arc<ConnectionLimit> {
    ConnectionLimit::new("the connections of nodes", MAX_NODE_CONNECTIONS)
}

/// Builds the router of the listener.
pub fn router(app: Arc<App>) -> Router {
    let routes = Router::new().route(TAIL_PATH, post(post_tail)).with_state(app);
    layers::wrap(routes, ERROR_FORMS)
}

async fn post_tail(
    State(app): State<Arc<App>>,
    Extension(connection): Extension<Arc<ConnectionState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, PlainError> {
    let secret = bearer::token(&headers).unwrap_or_default();
    // Before a byte of the body is read: strangers hold no memory with it.
    app.node.cluster.check_is_node(secret)?;
    // It keeps its connection when strangers need one.
    connection.set_authenticated();
    let body = payload::read_for_secret(&headers, body, MAX_TAIL_REQUEST, secret).await?;
    let query: TailQuery = serde_json::from_slice(&body)
        .map_err(|e| Error::invalid(format!("the body is no request for a tail: {e}")))?;
    app.node.cluster.learn_catalog_version().await;
    // Rows of a large memtable are copied: not on a thread that serves other requests.
    let secret = secret.to_owned();
    let tail = tokio::task::spawn_blocking(move || app.node.cluster.tail(&secret, query));
    let tail = tail.await.map_err(|e| Error::internal("a tail was interrupted").with_source(e))??;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], tail).into_response())
}

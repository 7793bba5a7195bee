//! The listener of a query node for tasks: parts of queries that other query nodes were asked.
//!
//! Whoever may call it can read rows of every organization, so each call shows the cluster's secret. Calls are answered
//! on the query threads, where their plans run.

use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::{InterceptorLayer, Routes};
use tonic::transport::Server;
use tonic::{Request, Status};

use super::bearer;
use super::connection_limit::ConnectionLimit;
use super::grpc_connection::{ConnectionTimeouts, GrpcConnection};
use super::incoming::{AcceptedConnections, OverflowPolicy};
use crate::app::App;
use crate::domain::{Error, Result};

/// Maximum connections of other nodes; each query node keeps one.
const NODE_CONNECTIONS: usize = 1024;
/// A node that is silent for the interval gets a ping, and is disconnected when it does not answer within the timeout.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves until `stop`, then lets running tasks finish.
///
/// # Errors
/// `Unavailable` on a node that has no part in dividing queries.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) -> Result<()> {
    let tasks = app.tasks().ok_or_else(|| Error::unavailable("this node runs no tasks"))?;
    let (routes, threads) = (tasks.task_routes(), app.task_threads().clone());
    let serving = AbortOnDropHandle::new(threads.spawn(answer(listener, app, tls, stop, routes)));
    serving.await.map_err(|e| Error::unavailable("the listener for tasks ended early").with_source(e))?
}

async fn answer(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    routes: Routes,
) -> Result<()> {
    let limit = ConnectionLimit::new("the connections of nodes", NODE_CONNECTIONS);
    let incoming = AcceptedConnections::new(listener, tls, limit, OverflowPolicy::Wait);
    let connections = stream::unfold(incoming, |mut incoming| async move {
        let (transport, address, permit) = incoming.next().await;
        let connection = GrpcConnection::new(transport, address, permit, ConnectionTimeouts::default());
        Some((Ok::<_, std::io::Error>(connection), incoming))
    });
    let authenticate = InterceptorLayer::new(move |call: Request<()>| match is_of_node(&app, &call) {
        true => Ok(call),
        false => Err(Status::unauthenticated("the secret is not the one of this cluster")),
    });
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .layer(authenticate)
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
        .map_err(|e| Error::unavailable("the listener for tasks ended early").with_source(e))
}

fn is_of_node(app: &App, call: &Request<()>) -> bool {
    let headers = call.metadata().clone().into_headers();
    bearer::token(&headers).is_some_and(|secret| app.is_node(secret))
}

//! The listener of a query node for tasks: parts of queries that other query nodes were asked.
//!
//! Whoever may call it can read rows of every organization, so each call shows the cluster's secret. Calls are answered
//! on the query threads, where their plans run.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::{InterceptorLayer, Routes};
use tonic::transport::Server;
use tonic::{Request, Status};

use super::grpc_connection::{self, GrpcPeer, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT};
use super::listener_tls::ListenerTls;
use super::{bearer, cluster};
use crate::app::App;
use crate::domain::{Error, Result};

/// Serves until `stop`, then lets running tasks finish.
///
/// # Errors
/// `Unavailable` on a node that has no part in dividing queries.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<ListenerTls>,
    stop: CancellationToken,
) -> Result<()> {
    let tasks = app.statements.tasks().ok_or_else(|| Error::unavailable("this node runs no tasks"))?;
    let (routes, threads) = (tasks.task_routes(), app.statements.task_threads().clone());
    let serving = AbortOnDropHandle::new(threads.spawn(answer(listener, app, tls, stop, routes)));
    serving.await.map_err(|e| Error::unavailable("the listener for tasks ended early").with_source(e))?
}

async fn answer(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<ListenerTls>,
    stop: CancellationToken,
    routes: Routes,
) -> Result<()> {
    let connections = grpc_connection::accept(listener, tls, cluster::connection_limit());
    let authenticate = InterceptorLayer::new(move |call: Request<()>| match is_of_node(&app, &call) {
        true => {
            if let Some(peer) = call.extensions().get::<GrpcPeer>() {
                peer.connection.set_authenticated_and_busy();
            }
            Ok(call)
        }
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
    bearer::token(&headers).is_some_and(|secret| app.node.cluster.is_node(secret))
}

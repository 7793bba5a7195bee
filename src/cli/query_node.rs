//! `basalt serve --role query`: a node that answers queries over the lake of an ingest node, and hands every other request on.

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::bound_socket::BoundSocket;
use super::config::Config;
use super::fd_limit;
use super::ingest_node;
use super::instance::Instance;
use super::reload::{ReloadSource, Reloader, ServerCertificates};
use super::running_listeners::RunningListeners;
use super::sql_listeners::SqlSockets;
use crate::api;
use crate::api::connection_limit::ConnectionLimit;
use crate::api::listener_tls::ListenerTls;
use crate::api::serve::HttpApi;
use crate::api::tasks;
use crate::domain::Result;

/// Serves until it is stopped, then lets requests finish for a while.
pub async fn serve(
    config: &Config,
    opened: Instance,
    stop: CancellationToken,
    reload: ReloadSource,
) -> Result<()> {
    let served = run(config, &opened, stop, reload).await;
    opened.app.node.cluster.leave_cluster().await;
    let saved = opened.app.node.cluster.save_counts().await;
    let closed = opened.store.close().await;
    served.and(saved).and(closed)
}

async fn run(
    config: &Config,
    opened: &Instance,
    stop: CancellationToken,
    reload: ReloadSource,
) -> Result<()> {
    let certificates = ServerCertificates::load(config)?;
    let tls = certificates.receivers().http;
    let sql = SqlSockets::bind(config).await?;
    let tasks = BoundSocket::bind_optional(config.cluster.listen, "cluster.listen").await?;
    let BoundSocket { socket, address } = BoundSocket::new(config.listen, "--listen").await?;
    let maintained = opened.app.node.cluster.clone();
    let _maintenance =
        AbortOnDropHandle::new(tokio::spawn(async move { maintained.run_query_node_maintenance().await }));
    let mut running = RunningListeners::default();
    if let Some(BoundSocket { socket, address }) = tasks {
        let tls = tls.as_ref().map(ListenerTls::for_grpc);
        running.spawn(
            format!("cluster+grpc://{address}"),
            tasks::serve(socket, opened.app.clone(), tls, stop.clone()),
        );
    }
    sql.serve(&mut running, (config, &opened.app, &stop), tls.as_ref());
    let descriptors = usize::try_from(fd_limit::raise_fd_limit()).unwrap_or(usize::MAX);
    // A request that is handed on takes a second descriptor.
    let connections = config.http_connections.min((descriptors / 4).max(16));
    let limit = ConnectionLimit::new("http.connections", connections);
    opened.app.server.add_listener(&limit);
    let routes = api::query_node::router(opened.app.clone(), ingest_node::forwarder(&config.cluster)?);
    let api = HttpApi { routes, error_forms: api::ERROR_FORMS };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let acceptor = tls.as_ref().map(ListenerTls::for_http);
    let serving = api::serve::serve(socket, acceptor, api, limit, stop.clone().cancelled_owned());
    running.spawn(format!("{scheme}://{address}"), async move {
        serving.await;
        Ok(())
    });
    let reloader = Reloader::new(opened, certificates, config.tls_check_interval, Some(reload));
    let _reloading = AbortOnDropHandle::new(tokio::spawn(reloader.run(stop.clone())));
    running.announce();
    running.run_until_stopped(&opened.app, stop).await
}

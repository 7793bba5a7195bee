//! `basalt demo --cluster`: the plant with an ingest node, which is this process, and query nodes, which it starts and stops.
//!
//! Query nodes start once the ingest node answers, and stop before it. They also stop when this process is killed.

use futures::future::join_all;
use reqwest::Client;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::cluster_setup::ClusterSetup;
use super::cluster_welcome::{NodeLine, render_cluster_welcome};
use super::plant::{DemoOptions, DemoPlant};
use super::query_process::{self, QueryProcess};
use super::welcome;
use crate::cli::stop_signal::stop_on_signal;
use crate::cli::{args, print, serve};
use crate::domain::{Error, Result};

/// Runs the plant and the cluster until a signal, or until the ingest node fails or a query node does not start.
pub(super) async fn run(args: args::Demo) -> Result<()> {
    let setup = ClusterSetup::load(args.data_dir.as_deref(), args.listeners, args.empty).await?;
    let config = &setup.config;
    serve::init_logging(config);
    let opened = serve::open_for_server(config).await?;
    let options = DemoOptions { faults: args.plant.faults, has_content: setup.has_content };
    let plant = DemoPlant::start(&opened, options).await?;
    let (app, owner) = (opened.app.clone(), opened.app.access.system(None)?);
    let (stop, ingest_stop) = (stop_on_signal()?, CancellationToken::new());
    let (answering, url) = oneshot::channel();
    let ingest_node = async {
        let served = serve::serve(config, opened, (ingest_stop.clone(), None), |url| {
            // After an early signal nobody waits for it.
            let _ = answering.send(url.to_owned());
            Ok(())
        })
        .await;
        stop.cancel();
        served
    };
    let query_nodes = async {
        let ran = run_query_nodes(&setup, url, &stop, |url, nodes| {
            let link = welcome::login_link(&app, &owner, url)?;
            let lines: Vec<_> = nodes.iter().map(NodeLine::from).collect();
            let (dir, credentials) = (&config.data_dir, &plant.credentials);
            let text = render_cluster_welcome(url, link.as_deref(), dir, &lines, credentials);
            print::line(&text)
        })
        .await;
        ingest_stop.cancel();
        ran
    };
    let (served, ran) = tokio::join!(ingest_node, query_nodes);
    plant.stop().await;
    served.and(ran)
}

/// Starts the query nodes once the ingest node has said its URL, calls `answering` with it when all are ready, and stops them when
/// `stop` is cancelled.
async fn run_query_nodes(
    setup: &ClusterSetup,
    url: oneshot::Receiver<String>,
    stop: &CancellationToken,
    answering: impl FnOnce(&str, &[QueryProcess]) -> Result<()>,
) -> Result<()> {
    // Without a URL the ingest node has failed.
    let Some(Ok(url)) = stop.run_until_cancelled(url).await else { return Ok(()) };
    let mut nodes = Vec::new();
    let started = start_all(setup, &url, &mut nodes);
    let ready = async {
        started?;
        wait_until_ready(&mut nodes).await?;
        answering(&url, &nodes)
    };
    let ran = stop.run_until_cancelled(ready).await.unwrap_or(Ok(()));
    if ran.is_ok() {
        let ends = nodes.iter_mut().map(QueryProcess::report_end);
        stop.run_until_cancelled(join_all(ends)).await;
        stop.cancelled().await;
    }
    query_process::stop_all(&mut nodes).await;
    ran
}

fn start_all(setup: &ClusterSetup, url: &str, nodes: &mut Vec<QueryProcess>) -> Result<()> {
    for spec in &setup.query_nodes {
        nodes.push(QueryProcess::start(spec, setup.environment(spec, url))?);
    }
    Ok(())
}

async fn wait_until_ready(nodes: &mut [QueryProcess]) -> Result<()> {
    // Two processes of one machine must not talk through a proxy of the environment, and need no certificates.
    let client = Client::builder().no_proxy().tls_built_in_root_certs(false).build();
    let client = client.map_err(|e| Error::internal("the HTTP client cannot be set up").with_source(e))?;
    for node in nodes {
        node.wait_until_ready(&client).await?;
    }
    Ok(())
}

//! `basalt demo`: a simulated plant behind real sockets, the real collectors against it, and the server; with `--cluster`, a
//! cluster of three servers.
//!
//! It ignores basalt.toml: a stray file must not put a simulated plant into a real data directory. Flags and the
//! environment apply.

mod board;
mod catalog;
mod cluster;
mod cluster_setup;
mod cluster_welcome;
mod counters;
mod first_start;
mod history;
mod past_events;
mod plant;
mod queries;
mod query_process;
mod recording;
mod rules;
mod welcome;

use std::path::PathBuf;

use super::config::{Config, ConfigFile};
use super::stop_signal::stop_on_signal;
use super::{args, print, serve};
use crate::domain::Result;
use plant::{DemoOptions, DemoPlant};
use welcome::Welcome;

const DATA_DIR: &str = "data/demo";

/// Runs the demo until it is stopped: with one server, or with `--cluster` with three.
pub async fn run(args: args::Demo) -> Result<()> {
    match args.cluster {
        true => cluster::run(args).await,
        false => run_server(args).await,
    }
}

/// Runs the plant and one server.
async fn run_server(args: args::Demo) -> Result<()> {
    let base = Config { data_dir: PathBuf::from(DATA_DIR), ..Config::default() };
    let mut config = Config::load(
        base,
        &ConfigFile::Ignored,
        serve::config_flags(args.data_dir.as_deref(), args.listeners),
    )?;
    serve::init_logging(&config);
    let has_content = first_start::has_content(&config.data_dir, args.empty)?;
    if config.queries_dir.is_none() {
        config.queries_dir = queries::prepare(&config.data_dir, &config.data_dir, has_content)?;
    }
    let opened = serve::open_for_server(&config).await?;
    let options = DemoOptions { faults: args.plant.faults, has_content };
    let plant = DemoPlant::start(&opened, options).await?;
    let (app, owner) = (opened.app.clone(), opened.app.access.system(None)?);
    let served = serve::serve(&config, opened, (stop_on_signal()?, None), |url| {
        let link = welcome::login_link(&app, &owner, url)?;
        let DemoPlant { example, has_history, has_model, ref credentials, .. } = plant;
        let welcome = Welcome {
            url,
            link: link.as_deref(),
            data_dir: &config.data_dir,
            example,
            credentials,
            has_history,
            has_queries: queries::exist(&app, &owner),
            has_model,
        };
        print::line(&welcome.render())
    })
    .await;
    plant.stop().await;
    served
}

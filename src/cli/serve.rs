//! `basalt serve`: opens the data directory, starts what runs, and ends it in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::args;
use super::config::{Config, File, Flag};
use super::listeners::Listeners;
use super::lock::DirLock;
use super::open::{self, Opened};
use super::running::Running;
use super::{door, logging};
use crate::app::access::bootstrap_secret;
use crate::app::plant;
use crate::collect::{CollectOptions, Collectors};
use crate::domain::{Error, Principal, Result};

/// Between two looks at the license.
const LICENSE_EVERY: Duration = Duration::from_secs(3600);

const BOOTSTRAP: &str = "BASALT_BOOTSTRAP_KEY";

pub async fn run(args: args::Serve) -> Result<()> {
    let file = args.place.config.as_deref().map_or(File::Usual, File::Named);
    let flags = flags(args.place.data_dir.as_deref(), args.listeners);
    let config = Config::load(Config::default(), &file, flags)?;
    let opened = open(&config).await?;
    serve(&config, opened, |_| Ok(())).await
}

/// The flags of a server.
pub fn flags(data_dir: Option<&Path>, listeners: args::Listeners) -> Vec<Flag> {
    let args::Listeners { listen, pg_listen, flight_listen } = listeners;
    let given = [
        ("listen", "--listen", listen),
        ("pg.listen", "--pg-listen", pg_listen),
        ("flight.listen", "--flight-listen", flight_listen),
    ];
    let given =
        given.into_iter().filter_map(|(key, name, value)| value.map(|value| Flag { key, name, value }));
    door::place_flags(data_dir).into_iter().chain(given).collect()
}

/// Takes and opens the data directory, with the key the operator chose in it.
pub async fn open(config: &Config) -> Result<Opened> {
    logging::for_server(&config.log);
    let chosen = bootstrap_key()?;
    let lock = DirLock::take(&config.data_dir)?;
    let opened = open::open(config, lock).await?;
    if let Some(secret) = chosen {
        opened.app.bootstrap(&secret).await?;
    }
    Ok(opened)
}

/// Serves until a signal: polls devices, answers on every listener, and calls `answering` with HTTP's URL once it does.
/// Then stops accepting, lets requests finish for a while, stops polling and flushes. A second signal ends the process at
/// once.
pub async fn serve(
    config: &Config,
    opened: Opened,
    answering: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let stop = stop_on_signal()?;
    let served = run_parts(config, &opened, stop, answering).await;
    let withdrawn = Running::withdraw(&config.data_dir);
    let closed = opened.close().await;
    withdrawn.map_err(|e| Error::unavailable("run/server.json cannot be removed").because(e))?;
    served.and(closed)
}

async fn run_parts(
    config: &Config,
    opened: &Opened,
    stop: CancellationToken,
    answering: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let listeners = Listeners::bind(config).await?;
    let owner = opened.app.system(None)?;
    opened.app.check_grant_key(&owner).await?;
    opened.app.check_license(&owner).await?;
    let collectors = start_collectors(config, opened);
    start_looking_at_license(opened, owner, stop.clone());
    let token = opened.app.open_local_door()?;
    let app = opened.app.clone();
    let models = tokio::spawn(opened.app.clone().run_models(stop.clone()));
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(async move { app.upkeep().await }));
    let (url, certificate) = (listeners.url(), listeners.certificate());
    let serving = listeners.serve(config, &opened.app, &stop)?;

    let running = Running { pid: std::process::id(), url: url.clone(), token, certificate };
    let ended = match running.publish(&config.data_dir) {
        Ok(()) => {
            serving.announce();
            let told = answering(&url);
            let ended = serving.until(&opened.app, stop.clone()).await;
            told.and(ended)
        }
        Err(error) => Err(error),
    };
    stop.cancel();
    collectors.stop().await;
    models.await.map_err(|e| Error::internal("the models ended early").because(e))?;
    ended
}

fn start_collectors(config: &Config, opened: &Opened) -> Arc<Collectors> {
    let options = CollectOptions {
        deadband_max_interval: config.deadband_max_interval,
        pki: plant::pki(&config.data_dir),
        web: opened.app.web(),
        networks: config.networks.clone(),
    };
    let collectors =
        Collectors::start(opened.app.plant(), opened.app.sample_sink(), opened.clock.clone(), options);
    opened.app.attach_collectors(collectors.clone());
    collectors
}

/// Looks again every hour, until the server stops.
fn start_looking_at_license(opened: &Opened, owner: Principal, stop: CancellationToken) {
    let app = opened.app.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        loop {
            tokio::time::sleep(LICENSE_EVERY).await;
            if let Err(error) = app.check_license(&owner).await {
                tracing::error!(error = error.in_full(), "the license cannot be looked at");
            }
        }
    }));
}

/// SIGINT and SIGTERM stop the server; the second of them ends the process there and then.
pub(super) fn stop_on_signal() -> Result<CancellationToken> {
    let refused = |e| Error::internal("signals cannot be waited for").because(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        told.cancel();
        either(&mut interrupt, &mut terminate).await;
        // Whatever was acknowledged is in the log: the next start replays it.
        std::process::exit(1);
    });
    Ok(stop)
}

async fn either(a: &mut Signal, b: &mut Signal) {
    tokio::select! { _ = a.recv() => {}, _ = b.recv() => {} }
}

/// The secret in `BASALT_BOOTSTRAP_KEY`, if it is set; one that cannot be a key refuses the start.
fn bootstrap_key() -> Result<Option<String>> {
    let Some(secret) = std::env::var_os(BOOTSTRAP) else { return Ok(None) };
    let secret = secret.to_string_lossy().into_owned();
    bootstrap_secret(&secret)?;
    Ok(Some(secret))
}

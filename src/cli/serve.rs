//! `basalt serve`: opens the data directory, starts collectors and listeners, and stops them in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::args;
use super::bootstrap::Bootstrap;
use super::config::{Config, ConfigFlag, ConfigSource, NodeRole};
use super::dir_lock::DirLock;
use super::hangup::Hangups;
use super::instance::{self, Instance};
use super::listeners::Listeners;
use super::logging::{self, LogHandle};
use super::mqtt_listeners;
use super::query_node;
use super::reload::{ReloadSource, Reloader, ServerCertificates};
use super::server_file::ServerFile;
use super::stop_signal::{stop_on_signal, stop_with_input};
use super::target;
use crate::app::collector_ports;
use crate::collect::{CollectOptions, Collectors};
use crate::domain::{Error, Principal, Result};

/// Interval between two license checks.
const LICENSE_CHECK_INTERVAL: Duration = Duration::from_secs(3600);

/// Runs the server, as a query node where its role says so, until a signal stops it.
pub async fn run(args: args::Serve) -> Result<()> {
    // Caught before anything is read: a reload that is asked for during the start must not end the process.
    let hangups = Hangups::catch()?;
    let mut flags = config_flags(args.place.data_dir.as_deref(), args.listeners);
    flags.extend(args.role.map(|value| ConfigFlag { key: "cluster.role", name: "--role", value }));
    let mut source = ConfigSource { file: args.place.config, flags };
    let loaded = source.load()?;
    let config = loaded.config.clone();
    let reload = ReloadSource { hangups, source, loaded, log: init_logging(&config) };
    if config.cluster.role == NodeRole::Query {
        let opened = open_query_node(&config).await?;
        return query_node::serve(&config, opened, stop_token(args.stop_with_input)?, reload).await;
    }
    let opened = open_for_server(&config).await?;
    serve(&config, opened, (stop_token(args.stop_with_input)?, Some(reload)), |_| Ok(())).await
}

/// Returns the token that stops the server. A second signal ends the process at once.
fn stop_token(with_input: bool) -> Result<CancellationToken> {
    let stop = stop_on_signal()?;
    if with_input {
        stop_with_input(stop.clone())?;
    }
    Ok(stop)
}

/// Returns the flags of a server as configuration keys.
pub fn config_flags(data_dir: Option<&Path>, listeners: args::ListenArgs) -> Vec<ConfigFlag> {
    let args::ListenArgs { listen, pg_listen, flight_listen, opensynaptic_listen } = listeners;
    let flags = [
        ("listen", "--listen", listen),
        ("pg.listen", "--pg-listen", pg_listen),
        ("flight.listen", "--flight-listen", flight_listen),
        ("opensynaptic.listen", "--opensynaptic-listen", opensynaptic_listen),
    ];
    let flags =
        flags.into_iter().filter_map(|(key, name, value)| value.map(|value| ConfigFlag { key, name, value }));
    target::data_dir_flags(data_dir).into_iter().chain(flags).collect()
}

/// Locks the data directory of a query node, which has only what queries spill, and opens the lake of its ingest node.
async fn open_query_node(config: &Config) -> Result<Instance> {
    let lock = DirLock::acquire(&config.data_dir)?;
    instance::open_instance(config, lock).await
}

/// Sets up logging and warns of variables that set nothing.
pub fn init_logging(config: &Config) -> LogHandle {
    let handle = logging::init_for_server(&config.log);
    for message in &config.unknown_variables {
        tracing::warn!("{message}");
    }
    handle
}

/// Locks and opens the data directory, and creates in it the credentials that the operator presets.
pub async fn open_for_server(config: &Config) -> Result<Instance> {
    let preset = Bootstrap::from_environment()?;
    let lock = DirLock::acquire(&config.data_dir)?;
    let opened = instance::open_instance(config, lock).await?;
    preset.create(&opened.app).await?;
    Ok(opened)
}

/// Serves until it is stopped: polls devices, answers on every listener, and calls `answering` with the HTTP URL once it
/// does. Then it stops accepting, lets requests finish for a while, stops polling and flushes. With a `ReloadSource` it reads its
/// configuration again on SIGHUP.
pub async fn serve(
    config: &Config,
    opened: Instance,
    signals: (CancellationToken, Option<ReloadSource>),
    answering: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let served = run_services(config, &opened, signals, answering).await;
    opened.app.node.cluster.leave_cluster().await;
    let withdrawn = ServerFile::delete(&config.data_dir);
    let closed = opened.close().await;
    withdrawn.map_err(|e| Error::unavailable("run/server.json cannot be removed").with_source(e))?;
    served.and(closed)
}

async fn run_services(
    config: &Config,
    opened: &Instance,
    (stop, reload): (CancellationToken, Option<ReloadSource>),
    answering: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let mut certificates = ServerCertificates::load(config)?;
    let receivers = certificates.receivers();
    let listeners = Listeners::bind(config, receivers.http.clone()).await?;
    let owner = opened.app.access.system(None)?;
    check_stored_settings(opened, &owner).await?;
    let collectors = start_collectors(config, opened);
    spawn_license_check(opened, owner, stop.clone());
    let token = opened.app.access.issue_local_token()?;
    let (node, broker) = (&opened.app.node, &opened.app.mqtt.sessions);
    opened.app.jobs.recover_jobs().await?;
    let models = tokio::spawn(opened.app.models.clone().run_models(stop.clone()));
    let alerts = tokio::spawn(opened.app.alerts.clone().run_alerts(stop.clone()));
    let exports = tokio::spawn(opened.app.exports.clone().run_exports(stop.clone()));
    let virtual_data = tokio::spawn(node.virtual_data.clone().run_virtual_data(stop.clone()));
    let upkeep = node.maintenance.clone();
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(async move { upkeep.run_maintenance().await }));
    let history = tokio::spawn(opened.app.devices.clone().run_device_history(stop.clone()));
    let clocks = node.device_clocks.clone().run_device_clocks(stop.clone());
    let _clocks = AbortOnDropHandle::new(tokio::spawn(clocks));
    let server_clock = node.server_clock.clone().run_server_clock(stop.clone());
    let _server_clock = AbortOnDropHandle::new(tokio::spawn(server_clock));
    let notifications = tokio::spawn(opened.app.notifications.clone().run_notifications(stop.clone()));
    opened.app.media.captures.recover_media().await?;
    let media = tokio::spawn(opened.app.media.captures.clone().run_media(stop.clone()));
    broker.start().await?;
    let mqtt = tokio::spawn(broker.clone().run(stop.clone()));
    let mqtt_tls = mqtt_listeners::acceptor(config, &opened.app, receivers, &stop).await?;
    let (url, certificate) = (listeners.url(), listeners.certificate());
    let serving = listeners.serve(config, &opened.app, mqtt_tls, &stop)?;

    let running = ServerFile { pid: std::process::id(), url: url.clone(), token, certificate };
    let ended = match running.publish(&config.data_dir) {
        Ok(is_published) => {
            certificates.publish_with(running, config.data_dir.clone(), is_published);
            let reloader = Reloader::new(opened, certificates, config.tls_check_interval, reload);
            let _reloading = AbortOnDropHandle::new(tokio::spawn(reloader.run(stop.clone())));
            serving.announce();
            let announced = answering(&url);
            let ended = serving.run_until_stopped(&opened.app, stop.clone()).await;
            announced.and(ended)
        }
        Err(error) => Err(error),
    };
    stop.cancel();
    collectors.stop().await;
    let tasks = [
        (models, "the models"),
        (alerts, "the alert rules"),
        (exports, "the exports"),
        (history, "the history of devices"),
        (virtual_data, "the virtual devices"),
        (media, "media"),
        (mqtt, "the MQTT broker"),
        (notifications, "the notifications"),
    ];
    for (task, name) in tasks {
        task.await.map_err(|e| Error::internal(format!("{name} ended early")).with_source(e))?;
    }
    ended
}

/// Checks what the catalog holds for the server itself: keys, the certificate authority, the organization of other vendors' APIs, the license.
async fn check_stored_settings(opened: &Instance, owner: &Principal) -> Result<()> {
    opened.app.terminal_grants.check_grant_key(owner).await?;
    opened.app.tokens.check_jwt_key().await?;
    opened.app.certificates.check_certificate_authority().await?;
    opened.app.vendors.org.compat_org()?;
    opened.app.licensing.check_license(owner).await
}

fn start_collectors(config: &Config, opened: &Instance) -> Arc<Collectors> {
    let ports = &opened.app.node.collector_ports;
    let options = CollectOptions {
        deadband_max_interval: config.deadband_max_interval,
        ahead_bound: ports.ahead_bound(),
        pki: collector_ports::pki(&config.data_dir),
        web: ports.web(),
        networks: config.networks.clone(),
        serial_ports: config.serial_ports.clone(),
    };
    let collectors = Collectors::start(ports.plant(), ports.sample_sink(), opened.clock.clone(), options);
    ports.attach_collectors(collectors.clone());
    collectors
}

/// Checks the license every hour until the server stops.
fn spawn_license_check(opened: &Instance, owner: Principal, stop: CancellationToken) {
    let app = opened.app.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        loop {
            tokio::time::sleep(LICENSE_CHECK_INTERVAL).await;
            if let Err(error) = app.licensing.check_license(&owner).await {
                tracing::error!(error = error.full_message(), "the license cannot be checked");
            }
        }
    }));
}

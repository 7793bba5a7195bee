//! The listeners that speak HTTP: the main one, and those of the on-premise interface of Instathings and of
//! OpenSynaptic.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bound_socket::BoundSocket;
use super::config::{Config, OnPremiseConfig};
use super::fd_limit;
use super::running_listeners::RunningListeners;
use crate::api::connection_limit::ConnectionLimit;
use crate::api::instathings::onpremise::{self, OnPremiseOptions};
use crate::api::listener_tls::ListenerTls;
use crate::api::serve::{self, HttpApi};
use crate::api::tls::Tls;
use crate::api::{self, opensynaptic};
use crate::app::App;
use crate::app::opensynaptic::OpenSynapticSettings;
use crate::domain::Result;

/// HTTP connections allowed even when few file descriptors remain.
const MIN_HTTP_CONNECTIONS: usize = 16;

/// Names of the APIs in warnings.
const ON_PREMISE: &str = "the on-premise interface";
const OPENSYNAPTIC: &str = "the API of OpenSynaptic";

/// Bound sockets of HTTP.
pub struct HttpSockets {
    pub main: BoundSocket,
    pub onpremise: Option<BoundSocket>,
    pub opensynaptic: Option<BoundSocket>,
    /// The newest certificate, if connections use TLS.
    pub tls: Option<watch::Receiver<Tls>>,
}

impl HttpSockets {
    /// Starts to accept connections. The line of the main listener is the last.
    pub fn serve(
        self,
        config: &Config,
        app: &Arc<App>,
        stop: &CancellationToken,
        running: &mut RunningListeners,
    ) -> Result<()> {
        let limits = HttpLimits::new(config, fd_limit::raise_fd_limit());
        let tls = &self.tls;
        let mut start =
            |scheme: &str, BoundSocket { socket, address }: BoundSocket, api, limit: Arc<ConnectionLimit>| {
                app.server.add_listener(&limit);
                let tls = tls.as_ref().map(ListenerTls::for_http);
                let serving = serve::serve(socket, tls, api, limit, stop.clone().cancelled_owned());
                running.spawn(format!("{scheme}://{address}"), endless(serving));
            };
        let mut routes = api::router(app.clone());
        if config.onpremise.is_served() {
            let options = onpremise_options(app, limits.onpremise);
            let onpremise = onpremise::router(app.vendors.onpremise.onpremise_messages()?, options);
            if let Some(host) = &config.onpremise.host {
                warn_if_reachable(self.main.address, "onpremise.host", ON_PREMISE);
                routes = onpremise::host::by_host(routes, host, onpremise.clone());
            }
            if let Some(bound) = self.onpremise {
                warn_if_reachable(bound.address, "onpremise.address", ON_PREMISE);
                let limit = ConnectionLimit::new("onpremise.connections", limits.onpremise);
                let api = HttpApi { routes: onpremise, error_forms: onpremise::ERROR_FORMS };
                start("onpremise", bound, api, limit);
            }
        }
        let packets = &config.opensynaptic.settings;
        check_admin_token(packets);
        warn_if_packets_are_open(packets, self.main.address, "listen");
        if let Some(bound) = self.opensynaptic {
            warn_if_packets_are_open(packets, bound.address, "opensynaptic.listen");
            let limit = ConnectionLimit::new("opensynaptic.connections", config.opensynaptic.connections);
            let routes = opensynaptic::router(app.clone());
            start("opensynaptic", bound, HttpApi { routes, error_forms: opensynaptic::ERROR_FORMS }, limit);
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        let limit = ConnectionLimit::new("http.connections", limits.main);
        start(scheme, self.main, HttpApi { routes, error_forms: api::ERROR_FORMS }, limit);
        Ok(())
    }
}

async fn endless(serving: impl Future<Output = ()>) -> Result<()> {
    serving.await;
    Ok(())
}

/// Returns the address of the on-premise interface's own listener, if it has one.
pub fn own_address(config: &OnPremiseConfig) -> Option<SocketAddr> {
    config.is_enabled.then(|| SocketAddr::new(config.address, config.port))
}

fn onpremise_options(app: &App, sessions: usize) -> OnPremiseOptions {
    let connections = app.feeds.connected().task_tracker().clone();
    OnPremiseOptions {
        sessions,
        ending: app.feeds.ending(),
        origins: app.settings().cors.clone(),
        connections,
    }
}

/// Warns that other machines reach an API without authentication at this address.
fn warn_if_reachable(address: SocketAddr, setting: &str, api: &str) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            setting,
            "{api} has no authentication: whoever reaches this address reads every message"
        );
    }
}

/// Warns when everybody who reaches the address reads packets.
fn warn_if_packets_are_open(settings: &OpenSynapticSettings, address: SocketAddr, setting: &str) {
    if settings.sql_enabled && !settings.auth_enabled {
        warn_if_reachable(address, setting, OPENSYNAPTIC);
    }
}

/// Warns of an admin token that admits nobody, or that others may guess.
fn check_admin_token(settings: &OpenSynapticSettings) {
    match &settings.admin_token {
        _ if !settings.auth_enabled => {}
        None => tracing::warn!("opensynaptic.admin_token is empty: {OPENSYNAPTIC} admits nobody"),
        Some(token) if token.is_short() => {
            tracing::warn!("opensynaptic.admin_token is shorter than 16 bytes; it may be guessed");
        }
        Some(_) => {}
    }
}

/// Returns the file descriptors with which every listener may have its configured connections.
pub fn sufficient_descriptors(config: &Config) -> u64 {
    let pg = config.pg.listen.map_or(0, |_| config.pg.connections);
    let flight = config.flight.listen.map_or(0, |_| config.flight.connections);
    let opensynaptic = config.opensynaptic.listen.map_or(0, |_| config.opensynaptic.connections);
    let onpremise = if config.onpremise.is_served() { config.onpremise.connections } else { 0 };
    let reserved = own_address(&config.onpremise).map_or(0, |_| onpremise);
    let http = config.http_connections.saturating_add(reserved).max(onpremise.saturating_mul(2));
    let connections = [pg, flight, opensynaptic, http].into_iter().fold(0, usize::saturating_add);
    (connections as u64).saturating_mul(2)
}

/// Connection limits of the listeners.
#[derive(Debug, PartialEq, Eq)]
struct HttpLimits {
    main: usize,
    onpremise: usize,
}

impl HttpLimits {
    /// Returns the limits for this many file descriptors. Half of them are for connections of any kind, and half of
    /// what PostgreSQL, Flight and OpenSynaptic leave of these at most is for the on-premise interface.
    fn new(config: &Config, descriptors: u64) -> HttpLimits {
        let pg = config.pg.listen.map_or(0, |_| config.pg.connections);
        let flight = config.flight.listen.map_or(0, |_| config.flight.connections);
        let opensynaptic = config.opensynaptic.listen.map_or(0, |_| config.opensynaptic.connections);
        let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
        let available = half.saturating_sub(pg.saturating_add(flight).saturating_add(opensynaptic));
        let limit = |key: &str, wanted: usize, most: usize| {
            let most = most.max(MIN_HTTP_CONNECTIONS);
            if wanted > most {
                tracing::warn!(
                    descriptors,
                    "{key} is {most} instead of {wanted}: more file descriptors are needed (ulimit -n)"
                );
            }
            wanted.min(most)
        };
        let onpremise = match config.onpremise.is_served() {
            true => limit("onpremise.connections", config.onpremise.connections, available / 2),
            false => 0,
        };
        let reserved = own_address(&config.onpremise).map_or(0, |_| onpremise);
        let main = limit("http.connections", config.http_connections, available.saturating_sub(reserved));
        HttpLimits { main, onpremise }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn sufficient_descriptors_limit_nothing() {
        let address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let mut config = Config::default();
        let mut check = |change: fn(&mut Config, Option<SocketAddr>)| {
            change(&mut config, address);
            let (descriptors, wanted) = (sufficient_descriptors(&config), config.http_connections);
            assert_eq!(HttpLimits::new(&config, descriptors).main, wanted, "{descriptors}");
            assert!(HttpLimits::new(&config, descriptors - 2) != HttpLimits::new(&config, descriptors));
        };
        check(|_, _| {});
        check(|config, address| config.pg.listen = address);
        check(|config, address| config.opensynaptic.listen = address);
        check(|config, _| config.onpremise.is_enabled = true);
        check(|config, _| config.onpremise.connections = 5000);
    }

    #[test]
    fn connections_leave_half_of_the_descriptors() {
        let address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let mut config = Config::default();
        let rows = [(1 << 20, 4096), (8192, 4096), (4096, 2048), (1024, 512), (20, MIN_HTTP_CONNECTIONS)];
        for (descriptors, main) in rows {
            assert_eq!(
                HttpLimits::new(&config, descriptors),
                HttpLimits { main, onpremise: 0 },
                "{descriptors}"
            );
        }
        config.onpremise.is_enabled = true;
        for (descriptors, main, onpremise) in
            [(1 << 20, 4096, 2048), (8192, 2048, 2048), (1024, 256, 256), (20, 16, 16)]
        {
            assert_eq!(
                HttpLimits::new(&config, descriptors),
                HttpLimits { main, onpremise },
                "{descriptors}"
            );
        }
        config.onpremise =
            OnPremiseConfig { is_enabled: false, host: Some("gate".into()), ..config.onpremise };
        assert_eq!(
            HttpLimits::new(&config, 1024),
            HttpLimits { main: 512, onpremise: 256 },
            "on the main port"
        );
        config.onpremise.host = None;
        (config.pg.listen, config.flight.listen, config.http_connections) = (address, address, 400);
        for (descriptors, main) in [(4096, 400), (1024, 312), (256, MIN_HTTP_CONNECTIONS)] {
            assert_eq!(HttpLimits::new(&config, descriptors).main, main, "{descriptors} for all three");
        }
        config.opensynaptic.listen = address;
        assert_eq!(HttpLimits::new(&config, 1024).main, 212, "OpenSynaptic has its own connections");
    }
}

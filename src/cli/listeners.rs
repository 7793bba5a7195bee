//! Listeners of a server: HTTP always, PostgreSQL, Arrow Flight SQL and OpenSynaptic if they have an address, the
//! on-premise interface of Instathings if it is enabled. All of them use one certificate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bound_socket::BoundSocket;
use super::config::{Config, NodeRole};
use super::http_listeners::{self, HttpSockets};
use super::mqtt_listeners;
use super::running_listeners::RunningListeners;
use super::sql_listeners::SqlSockets;
use crate::api::cluster;
use crate::api::listener_tls::ListenerTls;
use crate::api::serve::{self, HttpApi};
use crate::api::tls::Tls;
use crate::app::App;
use crate::domain::Result;

/// Bound sockets that do not accept connections yet.
pub struct Listeners {
    http: BoundSocket,
    sql: SqlSockets,
    onpremise: Option<BoundSocket>,
    opensynaptic: Option<BoundSocket>,
    mqtt: Option<BoundSocket>,
    mqtt_tls: Option<BoundSocket>,
    cluster: Option<BoundSocket>,
    tls: Option<watch::Receiver<Tls>>,
}

impl Listeners {
    /// Binds every address. With `tls`, connections use the newest certificate in it.
    ///
    /// # Errors
    /// Names the configuration key or flag of an address that cannot be used.
    pub async fn bind(config: &Config, tls: Option<watch::Receiver<Tls>>) -> Result<Listeners> {
        Ok(Listeners {
            http: BoundSocket::new(config.listen, "--listen").await?,
            sql: SqlSockets::bind(config).await?,
            onpremise: BoundSocket::bind_optional(
                http_listeners::own_address(&config.onpremise),
                "onpremise.port",
            )
            .await?,
            opensynaptic: BoundSocket::bind_optional(config.opensynaptic.listen, "--opensynaptic-listen")
                .await?,
            mqtt: BoundSocket::bind_optional(config.mqtt.listen, "mqtt.listen").await?,
            mqtt_tls: BoundSocket::bind_optional(config.mqtt.tls_listen, "mqtt.tls_listen").await?,
            cluster: BoundSocket::bind_optional(config.cluster.listen, "cluster.listen").await?,
            tls,
        })
    }

    /// Returns the URL at which commands on this machine reach HTTP.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), connectable_address(self.http.address))
    }

    /// Returns the certificate (PEM) that those commands must trust; `None` without TLS.
    pub fn certificate(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.borrow().pem().to_owned())
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Starts to accept connections.
    pub fn serve(
        self,
        config: &Config,
        app: &Arc<App>,
        mqtt_tls: Option<mqtt_listeners::Acceptor>,
        stop: &CancellationToken,
    ) -> Result<RunningListeners> {
        let mut running = RunningListeners::default();
        mqtt_listeners::serve(&mut running, self.mqtt, (config, app, stop), None);
        mqtt_listeners::serve(&mut running, self.mqtt_tls, (config, app, stop), mqtt_tls);
        self.sql.serve(&mut running, (config, app, stop), self.tls.as_ref());
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if let Some(BoundSocket { socket, address }) = self.cluster {
            let tls = self.tls.as_ref().map(ListenerTls::for_http);
            let limit = cluster::connection_limit();
            let api = HttpApi { routes: cluster::router(app.clone()), error_forms: cluster::ERROR_FORMS };
            let serving = serve::serve(socket, tls, api, limit, stop.clone().cancelled_owned());
            running.spawn(format!("cluster+{scheme}://{address}"), async move {
                serving.await;
                Ok(())
            });
        }
        let sockets = HttpSockets {
            main: self.http,
            onpremise: self.onpremise,
            opensynaptic: self.opensynaptic,
            tls: self.tls,
        };
        sockets.serve(config, app, stop, &mut running)?;
        Ok(running)
    }
}

/// Returns every address that a server with this configuration listens at, each with the setting that takes another.
pub fn configured_addresses(config: &Config) -> Vec<(&'static str, SocketAddr)> {
    let of_every_node = [
        ("listen", Some(config.listen)),
        ("pg.listen", config.pg.listen),
        ("flight.listen", config.flight.listen),
        ("cluster.listen", config.cluster.listen),
    ];
    let of_writers = [
        ("onpremise.port", http_listeners::own_address(&config.onpremise)),
        ("opensynaptic.listen", config.opensynaptic.listen),
        ("mqtt.listen", config.mqtt.listen),
        ("mqtt.tls_listen", config.mqtt.tls_listen),
    ];
    let is_writer = config.cluster.role != NodeRole::Query;
    let all = of_every_node.into_iter().chain(of_writers.into_iter().filter(|_| is_writer));
    all.filter_map(|(setting, address)| Some((setting, address?))).collect()
}

/// Returns the local address at which commands reach a server that listens on every address.
fn connectable_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        let rows = [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("192.168.0.10:80", "192.168.0.10:80"),
        ];
        for (listen, expected) in rows {
            assert_eq!(connectable_address(listen.parse().expect(listen)).to_string(), expected, "{listen}");
        }
    }
}

//! Listeners of a server: HTTP always, PostgreSQL and Arrow Flight SQL if they have an address. All of them use one
//! certificate.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::{fd_limit, logging};
use crate::api::flight::{self, FlightOptions};
use crate::api::pg::{self, PgOptions};
use crate::api::tls::Tls;
use crate::api::{self, serve};
use crate::app::App;
use crate::domain::{Error, Result};

/// How long running requests may take to finish once the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP connections allowed even when few file descriptors remain.
const MIN_HTTP_CONNECTIONS: usize = 16;

/// Bound sockets that do not accept connections yet.
pub struct Listeners {
    http: BoundSocket,
    pg: Option<BoundSocket>,
    flight: Option<BoundSocket>,
    tls: Option<Tls>,
}

struct BoundSocket {
    socket: TcpListener,
    address: SocketAddr,
}

impl BoundSocket {
    async fn new(address: SocketAddr, flag: &str) -> Result<BoundSocket> {
        let taken = |e: io::Error| {
            Error::unavailable(format!("cannot listen on {address} ({flag} takes another): {e}"))
        };
        let socket = TcpListener::bind(address).await.map_err(taken)?;
        let address = socket.local_addr().map_err(taken)?;
        Ok(BoundSocket { socket, address })
    }

    async fn bind_optional(address: Option<SocketAddr>, flag: &str) -> Result<Option<BoundSocket>> {
        match address {
            Some(address) => BoundSocket::new(address, flag).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Listeners {
    /// Reads the certificate and binds every address.
    ///
    /// # Errors
    /// Names the configuration key or flag of a certificate or address that cannot be used.
    pub async fn bind(config: &Config) -> Result<Listeners> {
        let tls = match (&config.tls.cert, &config.tls.key) {
            (Some(cert), Some(key)) => Some(Tls::load(cert, key)?),
            _ => None,
        };
        Ok(Listeners {
            http: BoundSocket::new(config.listen, "--listen").await?,
            pg: BoundSocket::bind_optional(config.pg.listen, "--pg-listen").await?,
            flight: BoundSocket::bind_optional(config.flight.listen, "--flight-listen").await?,
            tls,
        })
    }

    /// Returns the URL at which commands on this machine reach HTTP.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), connectable_address(self.http.address))
    }

    /// Returns the certificate (PEM) that those commands must trust; `None` without TLS.
    pub fn certificate(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.pem().to_owned())
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Starts to accept connections.
    pub fn serve(
        self,
        config: &Config,
        app: &Arc<App>,
        stop: &CancellationToken,
    ) -> Result<RunningListeners> {
        let scheme = self.scheme();
        let (mut lines, mut parts) = (Vec::new(), Vec::new());
        if let Some(BoundSocket { socket, address }) = self.pg {
            let options = PgOptions {
                connections: config.pg.connections,
                idle: config.pg.idle_timeout,
                allow_plaintext: config.allow_plaintext,
            };
            let tls = self.tls.as_ref().map(Tls::for_postgres).transpose()?;
            let serving = pg::serve(socket, app.clone(), options, tls, stop.clone());
            parts.push(tokio::spawn(async move {
                serving.await;
                Ok(())
            }));
            lines.push(format!("listening on postgres://{address}"));
        }
        if let Some(BoundSocket { socket, address }) = self.flight {
            let options = FlightOptions {
                connections: config.flight.connections,
                allow_plaintext: config.allow_plaintext,
            };
            let tls = self.tls.as_ref().map(Tls::for_grpc).transpose()?;
            parts.push(tokio::spawn(flight::serve(socket, app.clone(), options, tls, stop.clone())));
            lines.push(format!("listening on grpc://{address}"));
        }
        lines.push(format!("listening on {scheme}://{}", self.http.address));
        let tls = self.tls.as_ref().map(Tls::for_http).transpose()?;
        let routes = api::router(app.clone());
        let connections = max_http_connections(config, fd_limit::raise_fd_limit());
        let http = serve::serve(self.http.socket, tls, routes, connections, stop.clone().cancelled_owned());
        parts.push(tokio::spawn(async move {
            http.await;
            Ok(())
        }));
        Ok(RunningListeners { tasks: parts, lines })
    }
}

/// The tasks of all listeners.
pub struct RunningListeners {
    tasks: Vec<JoinHandle<Result<()>>>,
    lines: Vec<String>,
}

impl RunningListeners {
    /// Logs the addresses, HTTP last: once it is logged, every listener answers.
    pub fn announce(&self) {
        for line in &self.lines {
            tracing::info!(target: logging::ALWAYS, "{line}");
        }
    }

    /// Runs until the stop signal, then waits for running requests up to `SHUTDOWN_TIMEOUT`.
    pub async fn run_until_stopped(self, app: &App, stop: CancellationToken) -> Result<()> {
        let aborts: Vec<_> = self.tasks.iter().map(JoinHandle::abort_handle).collect();
        let mut all = futures::future::try_join_all(self.tasks.into_iter().map(join_listener));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            // A listener ends by itself only on failure.
            ended = &mut all => return ended.map(drop),
        }
        tracing::info!("stopping");
        let ended = async { tokio::join!(app.end_connections(), &mut all) };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
            tracing::warn!("requests still running after {} s are cut off", SHUTDOWN_TIMEOUT.as_secs());
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        Ok(())
    }
}

async fn join_listener(part: JoinHandle<Result<()>>) -> Result<()> {
    part.await.map_err(|e| Error::unavailable("a listener ended early").with_source(e))?
}

/// Returns the HTTP connection limit for this many file descriptors; half of them are for connections of any kind.
fn max_http_connections(config: &Config, descriptors: u64) -> usize {
    let pg = config.pg.listen.map_or(0, |_| config.pg.connections);
    let flight = config.flight.listen.map_or(0, |_| config.flight.connections);
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
    let most = half.saturating_sub(pg.saturating_add(flight)).max(MIN_HTTP_CONNECTIONS);
    if config.http_connections > most {
        tracing::warn!(
            descriptors,
            "http.connections is {most} instead of {}: more file descriptors are needed (ulimit -n)",
            config.http_connections
        );
    }
    config.http_connections.min(most)
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
    fn connections_leave_half_of_the_descriptors() {
        let address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let mut config = Config::default();
        let rows = [(1 << 20, 4096), (8192, 4096), (4096, 2048), (1024, 512), (20, MIN_HTTP_CONNECTIONS)];
        for (descriptors, expected) in rows {
            assert_eq!(max_http_connections(&config, descriptors), expected, "{descriptors}");
        }
        (config.pg.listen, config.flight.listen, config.http_connections) = (address, address, 400);
        for (descriptors, expected) in [(4096, 400), (1024, 312), (256, MIN_HTTP_CONNECTIONS)] {
            assert_eq!(max_http_connections(&config, descriptors), expected, "{descriptors} for all three");
        }
    }

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

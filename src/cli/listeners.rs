//! Where a server listens: HTTP always, PostgreSQL's protocol and Arrow Flight SQL when they are given an address. One
//! certificate is for all of them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::{descriptors, logging};
use crate::api::flight::{self, FlightOptions};
use crate::api::pg::{self, PgOptions};
use crate::api::tls::Tls;
use crate::api::{self, serve};
use crate::app::App;
use crate::domain::{Error, Result};

/// How long running requests may take to end once the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// HTTP connections that there are however few file descriptors remain.
const MIN_CONNECTIONS: usize = 16;

/// Sockets that are bound, and nobody accepted yet.
pub struct Listeners {
    http: Bound,
    pg: Option<Bound>,
    flight: Option<Bound>,
    tls: Option<Tls>,
}

struct Bound {
    socket: TcpListener,
    address: SocketAddr,
}

impl Bound {
    async fn new(address: SocketAddr, flag: &str) -> Result<Bound> {
        let taken = |e: io::Error| {
            Error::unavailable(format!("cannot listen on {address} ({flag} takes another): {e}"))
        };
        let socket = TcpListener::bind(address).await.map_err(taken)?;
        let address = socket.local_addr().map_err(taken)?;
        Ok(Bound { socket, address })
    }

    async fn maybe(address: Option<SocketAddr>, flag: &str) -> Result<Option<Bound>> {
        match address {
            Some(address) => Bound::new(address, flag).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Listeners {
    /// Reads the certificate and takes every address; what cannot be had refuses the start, naming its key or flag.
    pub async fn bind(config: &Config) -> Result<Listeners> {
        let tls = match (&config.tls.cert, &config.tls.key) {
            (Some(cert), Some(key)) => Some(Tls::load(cert, key)?),
            _ => None,
        };
        Ok(Listeners {
            http: Bound::new(config.listen, "--listen").await?,
            pg: Bound::maybe(config.pg.listen, "--pg-listen").await?,
            flight: Bound::maybe(config.flight.listen, "--flight-listen").await?,
            tls,
        })
    }

    /// Where commands on this machine reach HTTP.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), reachable(self.http.address))
    }

    /// What they have to trust for it.
    pub fn certificate(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.pem().to_owned())
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Begins to answer.
    pub fn serve(self, config: &Config, app: &Arc<App>, stop: &CancellationToken) -> Result<Serving> {
        let scheme = self.scheme();
        let (mut lines, mut parts) = (Vec::new(), Vec::new());
        if let Some(Bound { socket, address }) = self.pg {
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
        if let Some(Bound { socket, address }) = self.flight {
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
        let connections = http_connections(config, descriptors::raise_limit());
        let http = serve::serve(self.http.socket, tls, routes, connections, stop.clone().cancelled_owned());
        parts.push(tokio::spawn(async move {
            http.await;
            Ok(())
        }));
        Ok(Serving { parts, lines })
    }
}

/// Every listener at work.
pub struct Serving {
    parts: Vec<JoinHandle<Result<()>>>,
    lines: Vec<String>,
}

impl Serving {
    /// Says where; HTTP last, after which everything answers.
    pub fn announce(&self) {
        for line in &self.lines {
            tracing::info!(target: logging::ALWAYS, "{line}");
        }
    }

    /// Until the signal, then as long as requests take, within bounds.
    pub async fn until(self, app: &App, stop: CancellationToken) -> Result<()> {
        let aborts: Vec<_> = self.parts.iter().map(JoinHandle::abort_handle).collect();
        let mut all = futures::future::try_join_all(self.parts.into_iter().map(joined));
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            // None of them ends by itself, except by failing.
            ended = &mut all => return ended.map(drop),
        }
        tracing::info!("stopping");
        let ended = async { tokio::join!(app.end_connections(), &mut all) };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("requests still running after {} s are cut off", DRAIN.as_secs());
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
        Ok(())
    }
}

async fn joined(part: JoinHandle<Result<()>>) -> Result<()> {
    part.await.map_err(|e| Error::unavailable("a listener ended early").because(e))?
}

/// How many HTTP connections there may be with so many file descriptors, of which half are for connections of any kind.
fn http_connections(config: &Config, descriptors: u64) -> usize {
    let pg = config.pg.listen.map_or(0, |_| config.pg.connections);
    let flight = config.flight.listen.map_or(0, |_| config.flight.connections);
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
    let most = half.saturating_sub(pg.saturating_add(flight)).max(MIN_CONNECTIONS);
    if config.http_connections > most {
        tracing::warn!(
            descriptors,
            "http.connections is {most} instead of {}: more file descriptors are needed (ulimit -n)",
            config.http_connections
        );
    }
    config.http_connections.min(most)
}

/// Where commands on this machine reach a server that listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
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
        let rows = [(1 << 20, 4096), (8192, 4096), (4096, 2048), (1024, 512), (20, MIN_CONNECTIONS)];
        for (descriptors, expected) in rows {
            assert_eq!(http_connections(&config, descriptors), expected, "{descriptors}");
        }
        (config.pg.listen, config.flight.listen, config.http_connections) = (address, address, 400);
        for (descriptors, expected) in [(4096, 400), (1024, 312), (256, MIN_CONNECTIONS)] {
            assert_eq!(http_connections(&config, descriptors), expected, "{descriptors} for all three");
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
            assert_eq!(reachable(listen.parse().expect(listen)).to_string(), expected, "{listen}");
        }
    }
}

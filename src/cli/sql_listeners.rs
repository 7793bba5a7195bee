//! The listeners of SQL protocols: PostgreSQL's and Arrow Flight SQL. The ingest node and query nodes have them.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bound_socket::BoundSocket;
use super::config::Config;
use super::running_listeners::RunningListeners;
use crate::api::flight::{self, FlightOptions};
use crate::api::listener_tls::ListenerTls;
use crate::api::pg::{self, PgOptions};
use crate::api::tls::Tls;
use crate::app::App;
use crate::domain::Result;

/// Bound sockets of SQL protocols, those that have an address.
pub struct SqlSockets {
    pg: Option<BoundSocket>,
    flight: Option<BoundSocket>,
}

impl SqlSockets {
    /// Binds the configured addresses.
    ///
    /// # Errors
    /// Names the setting of an address that cannot be used.
    pub async fn bind(config: &Config) -> Result<SqlSockets> {
        Ok(SqlSockets {
            pg: BoundSocket::bind_optional(config.pg.listen, "--pg-listen").await?,
            flight: BoundSocket::bind_optional(config.flight.listen, "--flight-listen").await?,
        })
    }

    /// Starts to accept connections, with TLS if there is a certificate.
    pub fn serve(
        self,
        running: &mut RunningListeners,
        (config, app, stop): (&Config, &Arc<App>, &CancellationToken),
        tls: Option<&watch::Receiver<Tls>>,
    ) {
        if let Some(BoundSocket { socket, address }) = self.pg {
            let options = PgOptions {
                connections: config.pg.connections,
                idle: config.pg.idle_timeout,
                allow_plaintext: config.allow_plaintext,
            };
            let tls = tls.map(ListenerTls::for_postgres);
            let serving = pg::serve(socket, app.clone(), options, tls, stop.clone());
            running.spawn(format!("postgres://{address}"), async move {
                serving.await;
                Ok(())
            });
        }
        if let Some(BoundSocket { socket, address }) = self.flight {
            let options = FlightOptions {
                connections: config.flight.connections,
                allow_plaintext: config.allow_plaintext,
            };
            let tls = tls.map(ListenerTls::for_grpc);
            let serving = flight::serve(socket, app.clone(), options, tls, stop.clone());
            running.spawn(format!("grpc://{address}"), serving);
        }
    }
}

//! Listeners of the MQTT broker, and the certificate of the one with TLS.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bound_socket::BoundSocket;
use super::config::{Config, MqttConfig};
use super::running_listeners::RunningListeners;
use crate::api::mqtt::{self, MqttOptions};
use crate::api::tls::{MqttAcceptor, Tls};
use crate::app::App;
use crate::domain::Result;

/// Name in a certificate that is issued without `mqtt.host`.
const DEFAULT_HOST: &str = "localhost";

/// The acceptor of the listener with TLS: the newest one, made anew when the authorities change.
pub type Acceptor = watch::Receiver<MqttAcceptor>;

/// Returns the acceptor of the listener with TLS; `None` without such a listener. Its certificate is `mqtt.tls_cert`, or
/// one that the authority of this installation issues for `mqtt.host`, or `http.tls_cert` where there is no such host.
///
/// # Errors
/// Names the configuration key of a certificate that cannot be used.
pub async fn acceptor(
    config: &Config,
    app: &Arc<App>,
    http: Option<&Tls>,
    stop: &CancellationToken,
) -> Result<Option<Acceptor>> {
    if config.mqtt.tls_listen.is_none() {
        return Ok(None);
    }
    let mut changes = app.certificates.authority_changes();
    changes.mark_unchanged();
    let source = CertificateSource { config: config.mqtt.clone(), http: http.cloned() };
    let (newest, acceptor) = watch::channel(source.acceptor(app).await?);
    let (app, stop) = (app.clone(), stop.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
            match source.acceptor(&app).await {
                Ok(acceptor) => drop(newest.send_replace(acceptor)),
                Err(error) => {
                    let error = error.full_message();
                    tracing::error!(error, "MQTT goes on with the authorities that it knows");
                }
            }
        }
    });
    Ok(Some(acceptor))
}

/// Where the listener's certificate comes from.
struct CertificateSource {
    config: MqttConfig,
    http: Option<Tls>,
}

impl CertificateSource {
    async fn acceptor(&self, app: &App) -> Result<MqttAcceptor> {
        let authorities = app.certificates.authority_certificate().await?;
        let tls = match (&self.config.tls.cert, &self.config.tls.key, &self.config.host, &self.http) {
            (Some(cert), Some(key), ..) => Tls::load(cert, key)?,
            (.., None, Some(http)) => http.clone(),
            (.., host, _) => {
                let host = host.as_deref().unwrap_or(DEFAULT_HOST);
                let (certificate, key) = app.certificates.listener_certificate(host).await?;
                Tls::from_pem(&certificate, &key)?
            }
        };
        tls.for_mqtt(&authorities)
    }
}

/// Starts a listener, if it has an address.
pub fn serve(
    running: &mut RunningListeners,
    socket: Option<BoundSocket>,
    (config, app, stop): (&Config, &Arc<App>, &CancellationToken),
    tls: Option<Acceptor>,
) {
    let Some(BoundSocket { socket, address }) = socket else { return };
    let options =
        MqttOptions { connections: config.mqtt.connections, allow_plaintext: config.allow_plaintext };
    let scheme = if tls.is_some() { "mqtts" } else { "mqtt" };
    let serving = mqtt::serve(socket, app.clone(), options, tls, stop.clone());
    running.spawn(format!("{scheme}://{address}"), async move {
        serving.await;
        Ok(())
    });
}

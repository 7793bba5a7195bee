//! Listeners of the MQTT broker, and the certificate of the one with TLS.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::bound_socket::BoundSocket;
use super::config::Config;
use super::reload::CertificateReceivers;
use super::running_listeners::RunningListeners;
use crate::api::mqtt::{self, MqttOptions};
use crate::api::tls::{MqttAcceptor, Tls};
use crate::app::App;
use crate::domain::Result;

/// Name in a certificate that is issued without `mqtt.host`.
const DEFAULT_HOST: &str = "localhost";

/// The acceptor of the listener with TLS: the newest one, made anew when the authorities or the certificate change.
pub type Acceptor = watch::Receiver<MqttAcceptor>;

/// Returns the acceptor of the listener with TLS; `None` without such a listener. Its certificate is `mqtt.tls_cert`, or
/// one that the authority of this installation issues for `mqtt.host`, or `http.tls_cert` where there is no such host.
///
/// # Errors
/// `Invalid` or `Unavailable` when a certificate or an authority cannot be used.
pub async fn acceptor(
    config: &Config,
    app: &Arc<App>,
    certificates: CertificateReceivers,
    stop: &CancellationToken,
) -> Result<Option<Acceptor>> {
    if config.mqtt.tls_listen.is_none() {
        return Ok(None);
    }
    let mut source = CertificateSource {
        host: config.mqtt.host.clone(),
        files: certificates.mqtt,
        http: certificates.http,
        authorities: app.certificates.authority_changes(),
    };
    let (newest, acceptor) = watch::channel(source.acceptor(app).await?);
    let (app, stop) = (app.clone(), stop.clone());
    tokio::spawn(async move {
        while let Some(Some(())) = stop.run_until_cancelled(source.changed()).await {
            match source.acceptor(&app).await {
                Ok(acceptor) => drop(newest.send_replace(acceptor)),
                Err(error) => {
                    let error = error.full_message();
                    tracing::error!(
                        error,
                        "MQTT goes on with the certificate and the authorities that it has"
                    );
                }
            }
        }
    });
    Ok(Some(acceptor))
}

/// Where the listener's certificate comes from.
struct CertificateSource {
    host: Option<String>,
    files: watch::Receiver<Option<Tls>>,
    http: Option<watch::Receiver<Tls>>,
    authorities: watch::Receiver<()>,
}

impl CertificateSource {
    async fn acceptor(&mut self, app: &App) -> Result<MqttAcceptor> {
        // What changes while this reads is a change to wait for.
        self.authorities.mark_unchanged();
        let files = self.files.borrow_and_update().clone();
        let http = self.http.as_mut().map(|http| http.borrow_and_update().clone());
        let authorities = app.certificates.authority_certificate().await?;
        let tls = match (files, &self.host, http) {
            (Some(files), ..) => files,
            (None, None, Some(http)) => http,
            (None, host, _) => {
                let host = host.as_deref().unwrap_or(DEFAULT_HOST);
                let (certificate, key) = app.certificates.listener_certificate(host).await?;
                Tls::from_pem(&certificate, &key)?
            }
        };
        tls.for_mqtt(&authorities)
    }

    /// Waits until the acceptor has to be made anew; `None` when nothing can change any more.
    async fn changed(&mut self) -> Option<()> {
        let is_of_http = self.host.is_none() && self.files.borrow().is_none();
        let http = async {
            match &mut self.http {
                Some(http) if is_of_http => http.changed().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.authorities.changed() => changed.ok(),
            changed = self.files.changed() => changed.ok(),
            changed = http => changed.ok(),
        }
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

//! Listeners of the MQTT broker, and the certificate of the one with TLS.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

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
/// Pause before an acceptor that could not be made is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

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
    let app = app.clone();
    tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
        while source.changed().await.is_some() {
            newest.send_replace(retry_until_made(|| source.acceptor(&app)).await);
        }
    }));
    Ok(Some(acceptor))
}

/// Makes an acceptor, again after each pause for as long as that fails. Each problem is logged once.
async fn retry_until_made<T, F: Future<Output = Result<T>>>(make: impl Fn() -> F) -> T {
    let mut problem = None;
    loop {
        match make().await {
            Ok(acceptor) => return acceptor,
            Err(error) => {
                let error = Some(error.full_message());
                if error != problem {
                    tracing::error!(
                        error,
                        "MQTT goes on with the certificate and the authorities that it has, and tries again"
                    );
                }
                problem = error;
            }
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Source of the listener's certificate.
struct CertificateSource {
    host: Option<String>,
    files: watch::Receiver<Option<Tls>>,
    http: Option<watch::Receiver<Tls>>,
    authorities: watch::Receiver<()>,
}

impl CertificateSource {
    /// Makes an acceptor of what is there now. A change meanwhile is one that [`CertificateSource::changed`] still returns.
    async fn acceptor(&self, app: &App) -> Result<MqttAcceptor> {
        let files = self.files.borrow().clone();
        let http = self.http.as_ref().map(|http| http.borrow().clone());
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use super::*;
    use crate::domain::Error;

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_made_is_tried_again_after_a_pause() {
        let (started, tries) = (tokio::time::Instant::now(), Cell::new(0));
        let make = || {
            tries.set(tries.get() + 1);
            ready(if tries.get() < 4 { Err(Error::unavailable("no authority")) } else { Ok(tries.get()) })
        };
        assert_eq!(retry_until_made(make).await, 4);
        assert!(started.elapsed() >= RETRY_PAUSE * 3);
    }
}

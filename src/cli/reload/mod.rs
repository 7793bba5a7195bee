//! Reload of a running server: certificates when their files change, and with the configuration when it gets SIGHUP.

mod certificate_watch;
mod server_certificates;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::server_certificates::CertificateChange;
pub use self::server_certificates::{CertificateReceivers, ServerCertificates};
use self::settings::ConfigReload;
use super::config::{ConfigSource, LoadedConfig};
use super::hangup::{Hangup, Hangups};
use super::instance::Instance;
use super::logging::LogHandle;
use crate::app::App;

/// Inputs to reading a server's configuration again. No `Debug`: it holds secrets.
pub struct ReloadSource {
    pub hangups: Hangups,
    pub source: ConfigSource,
    /// The configuration that the server was started with.
    pub loaded: LoadedConfig,
    pub log: LogHandle,
}

/// The task that reads again.
pub struct Reloader {
    app: Arc<App>,
    certificates: ServerCertificates,
    /// Interval between two looks at the files of certificates.
    check_interval: Duration,
    /// `None` for a server that has no configuration file, such as the demo.
    config: Option<ConfigReload>,
    hangups: Option<Hangups>,
}

impl Reloader {
    /// Makes the task of a server with these certificates.
    pub fn new(
        opened: &Instance,
        certificates: ServerCertificates,
        check_interval: Duration,
        reload: Option<ReloadSource>,
    ) -> Reloader {
        let (mut config, mut hangups) = (None, None);
        if let Some(ReloadSource { hangups: caught, source, loaded, log }) = reload {
            config = Some(ConfigReload::new(opened, source, loaded, log));
            hangups = Some(caught);
        }
        let reloader = Reloader { app: opened.app.clone(), certificates, check_interval, config, hangups };
        reloader.report_certificates();
        reloader
    }

    /// Reads again until the server stops, and stops it when its terminal is closed.
    pub async fn run(mut self, stop: CancellationToken) {
        let request = Arc::new(Notify::new());
        // A task of its own: a file system that hangs while it is read must not keep the server from stopping.
        let watching =
            self.hangups.take().map(|hangups| watch_hangups(hangups, request.clone(), stop.clone()));
        let _watching = watching.map(|watching| AbortOnDropHandle::new(tokio::spawn(watching)));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = request.notified() => self.reload().await,
                () = tokio::time::sleep(self.check_interval) => self.certificates.look().await,
            }
            self.report_certificates();
        }
    }

    async fn reload(&mut self) {
        let mut change = CertificateChange::default();
        if let Some(config) = &mut self.config {
            match config.reload(&self.certificates).await {
                Ok(reloaded) => (self.check_interval, change) = reloaded,
                Err(error) => {
                    let error = error.full_message();
                    tracing::error!(
                        error,
                        "the configuration was read again and is not used: every setting stays"
                    );
                }
            }
        }
        let counts = self.certificates.read_again(change).await;
        let (replaced, unchanged, refused) = (counts.replaced, counts.unchanged, counts.refused);
        tracing::info!(replaced, unchanged, refused, "the certificates were read again");
    }

    fn report_certificates(&self) {
        self.app.server.set_certificates(self.certificates.statuses());
    }
}

/// Notifies of each request to read again, and stops the server when its terminal is closed.
async fn watch_hangups(mut hangups: Hangups, request: Arc<Notify>, stop: CancellationToken) {
    while let Some(hangup) = stop.run_until_cancelled(hangups.next()).await {
        match hangup {
            // Several that come while files are read are one.
            Hangup::Reload => request.notify_one(),
            Hangup::TerminalClosed => {
                tracing::info!("the terminal is closed");
                stop.cancel();
            }
        }
    }
}

//! The certificates of a server's listeners, replaced while they run.

use std::path::PathBuf;

use tokio::sync::watch;

use super::certificate_watch::{CertificateWatch, WatchOutcome};
use crate::api::certificate_files::{CertificateFiles, CertificateSettings};
use crate::api::tls::Tls;
use crate::cli::config::Config;
use crate::cli::server_file::ServerFile;
use crate::domain::server_status::CertificateStatus;
use crate::domain::{Error, Micros, Result};

/// Where listeners get their certificates, the newest at any time.
#[derive(Clone)]
pub struct CertificateReceivers {
    /// That of `[http]`, for every listener; `None` without TLS.
    pub http: Option<watch::Receiver<Tls>>,
    /// That of `[mqtt]`, if it has one.
    pub mqtt: watch::Receiver<Option<Tls>>,
}

/// Certificates that are read from files.
pub struct ServerCertificates {
    http: Option<HttpCertificate>,
    mqtt: Option<CertificateWatch>,
    mqtt_newest: watch::Sender<Option<Tls>>,
    /// What commands on the data directory know of the server, and that directory.
    published: Option<(ServerFile, PathBuf)>,
}

struct HttpCertificate {
    watch: CertificateWatch,
    newest: watch::Sender<Tls>,
}

/// Certificates that another configuration names, read and not yet in use. `None` where it names no other files.
#[derive(Default)]
pub(super) struct CertificateChange {
    http: Option<CertificateWatch>,
    mqtt: Option<Option<CertificateWatch>>,
}

/// How many certificates became what when somebody asked to read them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CertificateCounts {
    pub replaced: usize,
    pub unchanged: usize,
    pub refused: usize,
}

impl ServerCertificates {
    /// Reads the certificates of a configuration.
    ///
    /// # Errors
    /// `Invalid`, naming the setting and the file of a certificate that cannot be used.
    pub fn load(config: &Config) -> Result<ServerCertificates> {
        let http = config.tls.pair(CertificateSettings::HTTP).map(CertificateWatch::load).transpose()?;
        let http = http.map(|watch| {
            let newest = watch::Sender::new(watch.tls().clone());
            HttpCertificate { watch, newest }
        });
        let mqtt = mqtt_files(config).map(CertificateWatch::load).transpose()?;
        let mqtt_newest = watch::Sender::new(mqtt.as_ref().map(|watch| watch.tls().clone()));
        Ok(ServerCertificates { http, mqtt, mqtt_newest, published: None })
    }

    /// Returns where listeners get them.
    pub fn receivers(&self) -> CertificateReceivers {
        let http = self.http.as_ref().map(|http| http.newest.subscribe());
        CertificateReceivers { http, mqtt: self.mqtt_newest.subscribe() }
    }

    /// Has this file published again with each new certificate of `[http]`.
    pub fn publish_with(&mut self, file: ServerFile, data_dir: PathBuf) {
        self.published = Some((file, data_dir));
    }

    /// Returns the certificates that are in use, for monitoring.
    pub(super) fn statuses(&self) -> Vec<CertificateStatus> {
        let expiry = |watch: &CertificateWatch| watch.tls().expires_at();
        let status =
            |name, expires_at: Option<Micros>| Some(CertificateStatus { name, expires_at: expires_at? });
        let http = self.http.as_ref().and_then(|http| status("http", expiry(&http.watch)));
        http.into_iter().chain(self.mqtt.as_ref().and_then(|mqtt| status("mqtt", expiry(mqtt)))).collect()
    }

    /// Looks at all files and puts new certificates in use. `is_asked` is whether somebody waits for the log to say so.
    pub(super) async fn look(&mut self, is_asked: bool) -> CertificateCounts {
        let mut counts = CertificateCounts::default();
        if let Some(http) = &mut self.http {
            let outcome = http.watch.look(is_asked).await;
            counts.add(outcome);
            if outcome == WatchOutcome::Replaced {
                self.use_http();
            }
        }
        if let Some(mqtt) = &mut self.mqtt {
            let outcome = mqtt.look(is_asked).await;
            counts.add(outcome);
            if outcome == WatchOutcome::Replaced {
                self.mqtt_newest.send_replace(Some(mqtt.tls().clone()));
            }
        }
        counts
    }

    /// Reads the files that another configuration names. Nothing is in use before [`ServerCertificates::apply`].
    ///
    /// # Errors
    /// `Invalid`, naming the setting and the file of a certificate that cannot be used.
    pub(super) async fn prepare(&self, config: &Config) -> Result<CertificateChange> {
        let (http, mqtt) = (config.tls.pair(CertificateSettings::HTTP), mqtt_files(config));
        let known_http = self.http.as_ref().map(|http| http.watch.files());
        // Whether there is TLS at all is decided at the start.
        let http = http.filter(|files| known_http.is_some_and(|known| known != files));
        let is_other = mqtt.as_ref() != self.mqtt.as_ref().map(CertificateWatch::files);
        let reading = tokio::task::spawn_blocking(move || {
            let http = http.map(CertificateWatch::load).transpose()?;
            let mqtt = is_other.then(|| mqtt.map(CertificateWatch::load).transpose()).transpose()?;
            Ok(CertificateChange { http, mqtt })
        });
        reading.await.map_err(|e| Error::internal("reading certificates was interrupted").with_source(e))?
    }

    /// Puts prepared certificates in use.
    pub(super) fn apply(&mut self, change: CertificateChange) {
        if let (Some(http), Some(watch)) = (&mut self.http, change.http) {
            http.watch = watch;
            self.use_http();
        }
        if let Some(mqtt) = change.mqtt {
            self.mqtt_newest.send_replace(mqtt.as_ref().map(|watch| watch.tls().clone()));
            self.mqtt = mqtt;
        }
    }

    /// Publishes the certificate of `[http]` for local commands, then puts it in use.
    fn use_http(&mut self) {
        let Some(http) = &self.http else { return };
        let tls = http.watch.tls();
        if let Some((file, data_dir)) = &mut self.published {
            file.certificate = Some(tls.pem().to_owned());
            if let Err(error) = file.publish(data_dir) {
                let error = error.full_message();
                tracing::error!(error, "commands on the data directory will not trust the new certificate");
            }
        }
        http.newest.send_replace(tls.clone());
    }
}

impl CertificateCounts {
    fn add(&mut self, outcome: WatchOutcome) {
        match outcome {
            WatchOutcome::Replaced => self.replaced += 1,
            WatchOutcome::Unchanged => self.unchanged += 1,
            WatchOutcome::Refused => self.refused += 1,
        }
    }
}

/// Returns the broker's own files, if its listener with TLS runs.
fn mqtt_files(config: &Config) -> Option<CertificateFiles> {
    config.mqtt.tls_listen?;
    config.mqtt.tls.pair(CertificateSettings::MQTT)
}

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

/// Receivers of listeners' certificates, the newest at any time.
#[derive(Clone)]
pub struct CertificateReceivers {
    /// Certificate of `[http]`, for every listener; `None` without TLS.
    pub http: Option<watch::Receiver<Tls>>,
    /// Certificate of `[mqtt]`, if it has one.
    pub mqtt: watch::Receiver<Option<Tls>>,
}

/// Certificates that are read from files.
pub struct ServerCertificates {
    http: Option<HttpCertificate>,
    mqtt: Option<CertificateWatch>,
    mqtt_newest: watch::Sender<Option<Tls>>,
    publication: Option<Publication>,
}

struct HttpCertificate {
    watch: CertificateWatch,
    newest: watch::Sender<Tls>,
}

/// Facts about the server for commands on the data directory. No `Debug`: the file carries a secret.
struct Publication {
    file: ServerFile,
    data_dir: PathBuf,
    /// Whether the data directory has the file as it is here.
    is_published: bool,
}

/// Certificates that another configuration names, read and not yet in use. `None` where it names no other files.
#[derive(Default)]
pub(super) struct CertificateChange {
    http: Option<CertificateWatch>,
    mqtt: Option<CertificateWatch>,
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
        Ok(ServerCertificates { http, mqtt, mqtt_newest, publication: None })
    }

    /// Returns where listeners get them.
    pub fn receivers(&self) -> CertificateReceivers {
        let http = self.http.as_ref().map(|http| http.newest.subscribe());
        CertificateReceivers { http, mqtt: self.mqtt_newest.subscribe() }
    }

    /// Has this file published again with each new certificate of `[http]`, and at the next look unless it is published.
    pub fn publish_with(&mut self, file: ServerFile, data_dir: PathBuf, is_published: bool) {
        if !is_published {
            tracing::error!(
                "the disk is full: commands on the data directory find this server once there is space again"
            );
        }
        self.publication = Some(Publication { file, data_dir, is_published });
    }

    /// Returns the certificates that are in use, for monitoring.
    pub(super) fn statuses(&self) -> Vec<CertificateStatus> {
        let expiry = |watch: &CertificateWatch| watch.tls().expires_at();
        let status =
            |name, expires_at: Option<Micros>| Some(CertificateStatus { name, expires_at: expires_at? });
        let http = self.http.as_ref().and_then(|http| status("http", expiry(&http.watch)));
        http.into_iter().chain(self.mqtt.as_ref().and_then(|mqtt| status("mqtt", expiry(mqtt)))).collect()
    }

    /// Looks at all files and puts new certificates in use.
    pub(super) async fn look(&mut self) {
        self.renew(CertificateChange::default(), false).await;
    }

    /// Puts prepared certificates in use, and new ones in the files of the others. Returns what has become of all, and logs it:
    /// somebody waits for that.
    pub(super) async fn read_again(&mut self, change: CertificateChange) -> CertificateCounts {
        self.renew(change, true).await
    }

    async fn renew(&mut self, change: CertificateChange, is_asked: bool) -> CertificateCounts {
        let mut counts = CertificateCounts::default();
        if let Some(http) = &mut self.http {
            let outcome = http.watch.renew(change.http, is_asked).await;
            counts.add(outcome);
            let tls = http.watch.tls();
            // Before it is in use: commands trust what is published.
            if let Some(publication) = &mut self.publication {
                publication.publish(Some(tls.pem()), is_asked).await;
            }
            if outcome == WatchOutcome::Replaced {
                http.newest.send_replace(tls.clone());
            }
        } else if let Some(publication) = &mut self.publication {
            publication.publish(None, is_asked).await;
        }
        if let Some(mqtt) = &mut self.mqtt {
            let outcome = mqtt.renew(change.mqtt, is_asked).await;
            counts.add(outcome);
            if outcome == WatchOutcome::Replaced {
                self.mqtt_newest.send_replace(Some(mqtt.tls().clone()));
            }
        }
        counts
    }

    /// Reads the files that another configuration names. Nothing is in use before [`ServerCertificates::read_again`].
    ///
    /// # Errors
    /// `Invalid`, naming the setting and the file of a certificate that cannot be used.
    pub(super) async fn prepare(&self, config: &Config) -> Result<CertificateChange> {
        // Whether a listener has a certificate of its own at all is decided at the start.
        let other_files = |files: Option<CertificateFiles>, watch: Option<&CertificateWatch>| {
            files.filter(|files| watch.is_some_and(|watch| watch.files() != files))
        };
        let http = self.http.as_ref().map(|http| &http.watch);
        let http = other_files(config.tls.pair(CertificateSettings::HTTP), http);
        let mqtt = other_files(mqtt_files(config), self.mqtt.as_ref());
        let reading = tokio::task::spawn_blocking(move || {
            let http = http.map(CertificateWatch::load).transpose()?;
            let mqtt = mqtt.map(CertificateWatch::load).transpose()?;
            Ok(CertificateChange { http, mqtt })
        });
        reading.await.map_err(|e| Error::internal("reading certificates was interrupted").with_source(e))?
    }
}

impl Publication {
    /// Publishes this certificate, or that there is none, unless the data directory has it. A failure is logged once, unless somebody
    /// has asked, and the next look tries again.
    async fn publish(&mut self, pem: Option<&str>, is_asked: bool) {
        let is_known = self.file.certificate.as_deref() == pem;
        if is_known && self.is_published {
            return;
        }
        self.file.certificate = pem.map(str::to_owned);
        let outcome = self.write().await;
        self.is_published = matches!(outcome, Ok(true));
        if !self.is_published && (is_asked || !is_known) {
            let error =
                outcome.err().map_or_else(|| "the disk is full".to_owned(), |error| error.full_message());
            tracing::error!(
                error,
                "commands on the data directory do not find this server, or do not trust its new certificate, yet"
            );
        }
    }

    /// Writes the file on a thread of its own, because a file system may be slow.
    async fn write(&self) -> Result<bool> {
        let (file, data_dir) = (self.file.clone(), self.data_dir.clone());
        let writing = tokio::task::spawn_blocking(move || file.publish(&data_dir));
        writing
            .await
            .map_err(|e| Error::internal("writing run/server.json was interrupted").with_source(e))?
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

#[cfg(test)]
#[path = "server_certificates_tests.rs"]
mod tests;

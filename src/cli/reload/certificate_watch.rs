//! A certificate that is read from files, and again when they change.

use std::sync::Arc;

use crate::api::certificate_files::{CertificateFiles, CertificateText};
use crate::api::tls::Tls;
use crate::domain::{Error, Result};

/// The files of a certificate, and the content that is in use.
pub(super) struct CertificateWatch {
    files: Arc<CertificateFiles>,
    text: CertificateText,
    tls: Tls,
    /// Why the content that was seen last is not in use.
    problem: Option<String>,
}

/// Result of a look at the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WatchOutcome {
    /// They hold what is in use.
    Unchanged,
    /// Their certificate is in use from now on.
    Replaced,
    /// They cannot be used: the certificate before stays.
    Refused,
}

impl CertificateWatch {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// `Invalid`, naming the setting and the file that cannot be used.
    pub(super) fn load(files: CertificateFiles) -> Result<CertificateWatch> {
        let text = files.read()?;
        let tls = files.parse(&text)?;
        Ok(CertificateWatch { files: Arc::new(files), text, tls, problem: None })
    }

    pub(super) fn files(&self) -> &CertificateFiles {
        &self.files
    }

    /// Returns the certificate that is in use.
    pub(super) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Looks at the files and logs what has become of them. A problem is logged once, unless somebody has asked.
    pub(super) async fn look(&mut self, is_asked: bool) -> WatchOutcome {
        match read_changed(&self.files, &self.text).await {
            Ok(None) => {
                self.problem = None;
                WatchOutcome::Unchanged
            }
            Ok(Some((text, tls))) => {
                self.log_replaced(&tls);
                (self.text, self.tls, self.problem) = (text, tls, None);
                WatchOutcome::Replaced
            }
            Err(error) => {
                self.log_refused(&error, is_asked);
                WatchOutcome::Refused
            }
        }
    }

    fn log_replaced(&self, tls: &Tls) {
        let CertificateFiles { cert, settings, .. } = &*self.files;
        let expires_at = tls.expires_at().map(|time| time.to_string());
        tracing::info!(setting = settings.cert, file = %cert.display(), expires_at, "the certificate was replaced");
    }

    fn log_refused(&mut self, error: &Error, is_asked: bool) {
        let message = error.full_message();
        if is_asked || self.problem.as_ref() != Some(&message) {
            tracing::warn!(error = message, "the certificate is not replaced: the one before stays in use");
        }
        self.problem = Some(message);
    }
}

/// Reads the files on a thread of its own, because a file system may be slow. `None` when they hold what is known.
async fn read_changed(
    files: &Arc<CertificateFiles>,
    known: &CertificateText,
) -> Result<Option<(CertificateText, Tls)>> {
    let (files, known) = (files.clone(), known.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let text = files.read()?;
        if text == known {
            return Ok(None);
        }
        let tls = files.parse(&text)?;
        Ok(Some((text, tls)))
    });
    reading.await.map_err(|e| Error::internal("reading a certificate was interrupted").with_source(e))?
}

#[cfg(test)]
#[path = "certificate_watch_tests.rs"]
mod tests;

//! A certificate that is read from files, and again when they change.

use std::sync::Arc;
use std::time::Duration;

use crate::api::certificate_files::{CertificateFiles, CertificateText};
use crate::api::tls::Tls;
use crate::domain::time::SystemClock;
use crate::domain::{Clock, Error, Result};

/// How long files that have changed must stay as they are before they are used. Whoever writes them may not have finished, and
/// a chain that ends after any of its certificates looks whole.
const SETTLE_PAUSE: Duration = Duration::from_millis(200);

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
    /// They hold what is in use, or are still being written.
    Unchanged,
    /// Their certificate is in use from now on.
    Replaced,
    /// They cannot be used: the certificate before stays.
    Refused,
}

/// Content of the files beside what is in use.
enum FileContent {
    InUse,
    /// It changes while it is read.
    Unfinished,
    Other(CertificateText, Tls),
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

    /// Takes the certificate of other files, which was read before, or looks at its own without one. Logs what has become of it.
    pub(super) async fn renew(&mut self, other: Option<CertificateWatch>, is_asked: bool) -> WatchOutcome {
        let Some(other) = other else { return self.look(is_asked).await };
        *self = other;
        self.log_replaced();
        WatchOutcome::Replaced
    }

    /// Looks at the files and logs what has become of them. A problem is logged once, unless somebody has asked.
    pub(super) async fn look(&mut self, is_asked: bool) -> WatchOutcome {
        match read_content(&self.files, &self.text).await {
            Ok(FileContent::InUse) => {
                self.problem = None;
                WatchOutcome::Unchanged
            }
            Ok(FileContent::Unfinished) => {
                if is_asked {
                    self.log_unfinished();
                }
                WatchOutcome::Unchanged
            }
            Ok(FileContent::Other(text, tls)) => {
                (self.text, self.tls, self.problem) = (text, tls, None);
                self.log_replaced();
                WatchOutcome::Replaced
            }
            Err(error) => {
                self.log_refused(&error, is_asked);
                WatchOutcome::Refused
            }
        }
    }

    fn log_replaced(&self) {
        let CertificateFiles { cert, settings, .. } = &*self.files;
        let (setting, file, expires_at) = (settings.cert, cert.display(), self.tls.expires_at());
        let is_expired = expires_at.is_some_and(|time| time <= SystemClock.now());
        let expires_at = expires_at.map(|time| time.to_string());
        if is_expired {
            tracing::warn!(setting, %file, expires_at, "the certificate was replaced by one that has expired");
        } else {
            tracing::info!(setting, %file, expires_at, "the certificate was replaced");
        }
    }

    fn log_unfinished(&self) {
        let CertificateFiles { cert, settings, .. } = &*self.files;
        let (setting, file) = (settings.cert, cert.display());
        tracing::warn!(setting, %file, "the certificate is being written: the next look at its files uses it");
    }

    fn log_refused(&mut self, error: &Error, is_asked: bool) {
        let message = error.full_message();
        if is_asked || self.problem.as_ref() != Some(&message) {
            tracing::warn!(error = message, "the certificate is not replaced: the one before stays in use");
        }
        self.problem = Some(message);
    }
}

/// Reads the files, again after a pause if they hold another text than what is in use.
async fn read_content(files: &Arc<CertificateFiles>, in_use: &CertificateText) -> Result<FileContent> {
    let text = read(files).await?;
    if text == *in_use {
        return Ok(FileContent::InUse);
    }
    tokio::time::sleep(SETTLE_PAUSE).await;
    if read(files).await? != text {
        return Ok(FileContent::Unfinished);
    }
    let tls = files.parse(&text)?;
    Ok(FileContent::Other(text, tls))
}

/// Reads the files on a thread of its own, because a file system may be slow.
async fn read(files: &Arc<CertificateFiles>) -> Result<CertificateText> {
    let files = files.clone();
    let reading = tokio::task::spawn_blocking(move || files.read());
    reading.await.map_err(|e| Error::internal("reading a certificate was interrupted").with_source(e))?
}

#[cfg(test)]
#[path = "certificate_watch_tests.rs"]
mod tests;

//! The files of a listener's certificate and its key, named by settings.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::tls::{CertificateProblem, Tls};
use crate::domain::{Error, Result};

/// Configuration keys that name the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateSettings {
    pub cert: &'static str,
    pub key: &'static str,
}

impl CertificateSettings {
    /// Keys of the certificate that every listener has.
    pub const HTTP: CertificateSettings = CertificateSettings { cert: "http.tls_cert", key: "http.tls_key" };
    /// Keys of the certificate that the MQTT broker alone has.
    pub const MQTT: CertificateSettings = CertificateSettings { cert: "mqtt.tls_cert", key: "mqtt.tls_key" };
}

/// The paths of a certificate (with its chain) and of its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub settings: CertificateSettings,
}

/// The texts of both files. No `Debug`: one is a private key.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateText {
    cert: String,
    key: String,
}

impl CertificateFiles {
    /// Reads both files.
    ///
    /// # Errors
    /// `Invalid`, naming the setting and the file that cannot be read.
    pub fn read(&self) -> Result<CertificateText> {
        let CertificateFiles { cert, key, settings } = self;
        Ok(CertificateText { cert: read(settings.cert, cert)?, key: read(settings.key, key)? })
    }

    /// Makes a certificate of the texts of these files.
    ///
    /// # Errors
    /// `Invalid`, naming the setting and the file that is not PEM of its kind, or both files when they do not match.
    pub fn parse(&self, text: &CertificateText) -> Result<Tls> {
        Tls::from_pem(&text.cert, &text.key).map_err(|problem| self.explain(problem))
    }

    fn explain(&self, problem: CertificateProblem) -> Error {
        let CertificateFiles { cert, key, settings } = self;
        let (cert, key) = (cert.display(), key.display());
        match problem {
            CertificateProblem::NoCertificate => {
                Error::field(settings.cert, format!("`{cert}` holds no certificate in PEM"))
            }
            CertificateProblem::Damaged(source) => {
                Error::field(settings.cert, format!("`{cert}` holds a certificate that cannot be read"))
                    .with_source(source)
            }
            CertificateProblem::NoKey => {
                Error::field(settings.key, format!("`{key}` holds no private key in PEM"))
            }
            CertificateProblem::OtherKey(source) => {
                let message =
                    format!("`{key}` is not the key of the certificate in `{cert}` ({})", settings.cert);
                Error::field(settings.key, message).with_source(source)
            }
            CertificateProblem::Unusable(source) => {
                let message = format!(
                    "`{key}` cannot be used with the certificate in `{cert}` ({}): {source}",
                    settings.cert
                );
                Error::field(settings.key, message).with_source(source)
            }
        }
    }
}

fn read(setting: &'static str, path: &Path) -> Result<String> {
    let unreadable = |e: io::Error| {
        Error::field(setting, format!("`{}` cannot be read: {e}", path.display())).with_source(e)
    };
    fs::read_to_string(path).map_err(unreadable)
}

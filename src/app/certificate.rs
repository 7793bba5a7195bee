//! Certificates of devices, and the authority of this installation that issues them.

use std::path::PathBuf;
use std::sync::Arc;

use super::App;
use crate::auth::certificate::{self, CertificateAuthority, IssuedCertificate};
use crate::domain::certificate::DeviceCertificate;
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};
use crate::host::private_file;

const KEY_FILE: &str = "ca.key";
const CERTIFICATE_FILE: &str = "ca.pem";

impl App {
    /// Issues a certificate with a new key to a device; one that it had before is not accepted any more.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Unavailable` when the authority's files cannot be used.
    pub async fn issue_certificate(&self, principal: &Principal, id: DeviceId) -> Result<IssuedCertificate> {
        let device = self.device_to_change(principal, id)?;
        let authority = self.certificate_authority().await?;
        // Making a key takes a processor for a while, so it is done for one device at a time.
        let permit = self.host.key_making.acquire().await;
        let _permit =
            permit.map_err(|e| Error::internal("no certificates are made any more").with_source(e))?;
        let (name, now) = (device.aliases.key.clone(), self.clock.now());
        let issued = tokio::task::spawn_blocking(move || authority.issue(&name, now)).await;
        let issued =
            issued.map_err(|e| Error::internal("making a certificate was interrupted").with_source(e))??;
        let (fingerprint, expires_at) = (issued.fingerprint.clone(), issued.expires_at);
        self.store.catalog().put_certificate(principal, id, fingerprint, expires_at).await?;
        Ok(issued)
    }

    /// Returns the current certificate of a device; `None` when none was issued.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn certificate_of(
        &self,
        principal: &Principal,
        id: DeviceId,
    ) -> Result<Option<Arc<DeviceCertificate>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().certificate_of(principal, id))
    }

    /// Returns the certificate that devices verify this installation with, as PEM.
    ///
    /// # Errors
    /// `Unavailable` when the authority's files cannot be used.
    pub async fn authority_certificate(&self) -> Result<String> {
        Ok(self.certificate_authority().await?.certificate_pem().to_owned())
    }

    /// Reads the authority if there is one, so that an unusable one is reported at the start.
    pub async fn check_certificate_authority(&self) -> Result<()> {
        if self.authority_path(KEY_FILE).exists() {
            self.certificate_authority().await?;
        }
        Ok(())
    }

    /// Returns the authority, which is made when it is needed first.
    async fn certificate_authority(&self) -> Result<Arc<CertificateAuthority>> {
        let read = async || {
            let now = self.clock.now();
            let key =
                read_or_make(self.authority_path(KEY_FILE), certificate::generate_authority_key).await?;
            let own = key.clone();
            let make = move || certificate::make_authority_certificate(&own, now);
            let certificate = read_or_make(self.authority_path(CERTIFICATE_FILE), make).await?;
            CertificateAuthority::new(&key, &certificate).map(Arc::new)
        };
        self.host.authority.get_or_try_init(read).await.cloned()
    }

    fn authority_path(&self, file: &str) -> PathBuf {
        self.settings.data_dir.join(file)
    }
}

/// Reads a file that only its owner may read, or makes it if there is none.
async fn read_or_make(
    path: PathBuf,
    make: impl FnOnce() -> Result<String> + Send + 'static,
) -> Result<String> {
    let read = move || {
        let shown = path.display().to_string();
        let failed = |e| Error::unavailable(format!("{shown} cannot be used: {e}"));
        let content = match private_file::read(&path).map_err(failed)? {
            Some(content) => content,
            None => {
                let made = make()?.into_bytes();
                private_file::read_or_make(&path, || made).map_err(failed)?
            }
        };
        let damaged = |e| Error::unavailable(format!("{shown} is damaged")).with_source(e);
        String::from_utf8(content).map_err(damaged)
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|e| Error::internal("reading a key was interrupted").with_source(e))?
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::app::test_app;
    use crate::domain::Kind;
    use crate::domain::device::{DeviceSpec, Protocol};

    #[tokio::test]
    async fn a_certificate_is_remembered_and_the_authoritys_files_are_private() {
        let (dir, app) = test_app::open().await;
        let who = app.system(None).unwrap();
        let device = app.create_device(&who, DeviceSpec::new("gateway", Protocol::Mqtt)).await.unwrap();
        assert!(!dir.path().join(KEY_FILE).exists(), "it is made when it is needed");
        let mut fingerprints = Vec::new();
        for _ in 0..2 {
            let issued = app.issue_certificate(&who, device.id).await.unwrap();
            let current = app.certificate_of(&who, device.id).unwrap().unwrap();
            assert_eq!(current.fingerprint, issued.fingerprint);
            fingerprints.push(issued.fingerprint);
        }
        assert_ne!(fingerprints[0], fingerprints[1]);
        for file in [KEY_FILE, CERTIFICATE_FILE] {
            let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let error = app.issue_certificate(&who, DeviceId(99)).await.err().unwrap();
        assert_eq!(error.kind, Kind::NotFound);
    }
}

//! Certificates of devices, and the authorities of this installation that issue them.
//!
//! The life of one certificate. A device exchanges a registration token and a request with its own key for it
//! (`app/mk/provisioning.rs`), or a gateway of Instathings gets one with a key that is made here and given away once
//! (`issue_certificate`). The newest authority signs; the first one is made when it is needed (`authority.rs`). The catalog
//! stores the fingerprint, in place of the certificate that the device had before, which is refused from then on. The device
//! connects to the MQTT broker, which finds it by the fingerprint (`app/mqtt/access.rs`); with the first connection it is not
//! pending any more (`check_in`). Certificates of the broker itself come from the oldest authority, where none is configured
//! (`cli/mqtt_listeners.rs`). After `basalt ca rotate` another authority signs; the former ones stay trusted until a later
//! rotation finds that none of their certificates is valid. The certificate ends by its time, by the next one, or when it is
//! revoked, together with the unused tokens of the device; its connections end then (`app/live/credential.rs`).

pub mod authority;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use self::authority::AuthorityCache;
use super::audit::AuditLog;
use super::core_parts::CoreParts;
use super::device::Devices;
use crate::auth::certificate::IssuedCertificate;
use crate::domain::certificate::{DeviceCertificate, NewCertificate};
use crate::domain::{Clock, DeviceId, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Certificates of devices and of listeners, and the authorities that sign them.
pub struct Certificates {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    devices: Arc<Devices>,
    audit: Arc<AuditLog>,
    /// Directory of the files of the authorities.
    data_dir: PathBuf,
    authorities: AuthorityCache,
    /// Held while a private key is made.
    key_making: Semaphore,
}

impl Certificates {
    pub(super) fn new(
        parts: &CoreParts,
        devices: Arc<Devices>,
        audit: Arc<AuditLog>,
        data_dir: &Path,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            devices,
            audit,
            data_dir: data_dir.to_owned(),
            authorities: AuthorityCache::default(),
            key_making: Semaphore::new(1),
        }
    }

    /// Issues a certificate with a new key to a device; one that it had before is not accepted any more.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Unavailable` when the authority's files cannot be used.
    pub async fn issue_certificate(&self, principal: &Principal, id: DeviceId) -> Result<IssuedCertificate> {
        let device = self.devices.device_to_change(principal, id)?;
        let authority = self.authorities().await?.issuer()?;
        let signed_by = authority.description().fingerprint.clone();
        // Making a key takes a processor for a while, so it is done for one device at a time.
        let permit = self.key_making.acquire().await;
        let _permit =
            permit.map_err(|e| Error::internal("the issuing of certificates has stopped").with_source(e))?;
        let (name, now) = (device.aliases.key.clone(), self.clock.now());
        let issued = tokio::task::spawn_blocking(move || authority.issue(&name, now)).await;
        let issued =
            issued.map_err(|e| Error::internal("making a certificate was interrupted").with_source(e))??;
        let new = NewCertificate {
            fingerprint: issued.fingerprint.clone(),
            serial: issued.serial.clone(),
            authority: signed_by,
            expires_at: issued.expires_at,
        };
        self.store.catalog().provisioning.put_certificate(principal, id, new).await?;
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
        Ok(self.store.catalog().provisioning.certificate_of(principal, id))
    }

    /// Revokes the certificate of a device, and its unused registration tokens. Its sessions end
    /// (`CredentialWatch` in app/live/credential.rs). Revoking again changes nothing.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible or has no certificate.
    pub async fn revoke_certificate(
        &self,
        principal: &Principal,
        id: DeviceId,
    ) -> Result<Arc<DeviceCertificate>> {
        principal.require(Scope::write(Resource::Device))?;
        self.store.catalog().provisioning.revoke_certificate(principal, id).await
    }

    /// Stores that a device has connected with its certificate: one that was registered is not pending any more.
    /// Repeating it costs nothing.
    pub(in crate::app) async fn check_in(&self, device: DeviceId) -> Result<()> {
        self.store.catalog().provisioning.complete_provisioning(device).await
    }

    /// Returns the certificates that devices verify this installation with, as PEM, one after the other. The first is
    /// that of the authority that issues; the others are of authorities that are still trusted.
    ///
    /// # Errors
    /// `Unavailable` when the authority's files cannot be used.
    pub async fn authority_certificate(&self) -> Result<String> {
        Ok(self.authorities().await?.certificates_pem())
    }

    /// Signals every change of the authorities: whoever verifies certificates reads
    /// [`Certificates::authority_certificate`] again.
    pub fn authority_changes(&self) -> watch::Receiver<()> {
        self.authorities.subscribe()
    }

    /// Issues a certificate to a listener of this server. Returns it and its key, both PEM. Every device that has a
    /// valid certificate trusts it: it comes from the oldest authority.
    ///
    /// # Errors
    /// `Invalid` for a host that can have none; `Unavailable` when the authority's files cannot be used.
    pub async fn listener_certificate(&self, host: &str) -> Result<(String, String)> {
        self.authorities().await?.oldest()?.issue_listener(host, self.clock.now())
    }

    /// Reads the authorities if there are any, so that an unusable one is reported at the start.
    pub async fn check_certificate_authority(&self) -> Result<()> {
        if self.has_authority() {
            self.authorities().await?;
        }
        Ok(())
    }
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
        let who = app.access.system(None).unwrap();
        let device =
            app.devices.create_device(&who, DeviceSpec::new("gateway", Protocol::Mqtt)).await.unwrap();
        assert!(!dir.path().join("ca.key").exists(), "it is made when it is needed");
        let mut fingerprints = Vec::new();
        for _ in 0..2 {
            let issued = app.certificates.issue_certificate(&who, device.id).await.unwrap();
            let current = app.certificates.certificate_of(&who, device.id).unwrap().unwrap();
            assert_eq!(current.fingerprint, issued.fingerprint);
            assert_eq!(current.serial.as_deref(), Some(issued.serial.as_str()));
            fingerprints.push(issued.fingerprint);
        }
        assert_ne!(fingerprints[0], fingerprints[1]);
        assert!(
            app.parts.store.catalog().provisioning.certificate_by_fingerprint(&fingerprints[0]).is_none(),
            "it was replaced"
        );
        for file in ["ca.key", "ca.pem"] {
            let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let error = app.certificates.issue_certificate(&who, DeviceId(99)).await.err().unwrap();
        assert_eq!(error.kind, Kind::NotFound);
    }
}

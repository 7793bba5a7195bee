//! Certificates of devices: what the catalog remembers of those that this installation has issued.

use super::{DeviceId, Micros, OrgId};

/// The current certificate of a device. A device has at most one: an older one is not accepted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// Device that the certificate names.
    pub device: DeviceId,
    /// Organization of the device.
    pub org: OrgId,
    /// SHA-256 of the certificate in DER: 64 lower-case hexadecimal digits.
    pub fingerprint: String,
    /// Serial number: 32 lower-case hexadecimal digits; `None` for one issued before serial numbers were stored.
    pub serial: Option<String>,
    /// SHA-256 of the certificate of the authority that has signed it, as `fingerprint`; `None` for one issued before
    /// there was more than one authority.
    pub authority: Option<String>,
    /// Time of issue.
    pub issued_at: Micros,
    /// Time from which the certificate is refused.
    pub expires_at: Micros,
    /// Time from which the certificate is refused although it has not expired; `None` while it is accepted.
    pub revoked_at: Option<Micros>,
}

impl DeviceCertificate {
    /// Whether the certificate is accepted at `now`.
    pub fn is_valid_at(&self, now: Micros) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// A certificate to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificate {
    /// Fingerprint ([`DeviceCertificate::fingerprint`]).
    pub fingerprint: String,
    /// Serial number ([`DeviceCertificate::serial`]).
    pub serial: String,
    /// Fingerprint of the authority that has signed it.
    pub authority: String,
    /// Time from which the certificate is refused.
    pub expires_at: Micros,
}

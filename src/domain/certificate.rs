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
    /// Time of issue.
    pub issued_at: Micros,
    /// Time from which the certificate is refused.
    pub expires_at: Micros,
}

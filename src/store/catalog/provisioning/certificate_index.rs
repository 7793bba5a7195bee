//! In-memory index of the devices' certificates, by device and by fingerprint.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::DeviceId;
use crate::domain::certificate::DeviceCertificate;
use crate::store::catalog::mirror::id_table::IdTable;

#[derive(Default)]
pub(in crate::store::catalog) struct CertificateIndex {
    by_device: HashMap<DeviceId, Arc<DeviceCertificate>>,
    by_fingerprint: IdTable<DeviceId>,
}

impl CertificateIndex {
    /// The certificate of a device.
    pub(in crate::store::catalog) fn of_device(&self, device: DeviceId) -> Option<&Arc<DeviceCertificate>> {
        self.by_device.get(&device)
    }

    pub(in crate::store::catalog) fn by_fingerprint(
        &self,
        fingerprint: &str,
    ) -> Option<&Arc<DeviceCertificate>> {
        let has_it =
            |id| self.of_device(id).is_some_and(|certificate| certificate.fingerprint == fingerprint);
        self.of_device(self.by_fingerprint.find(fingerprint, has_it)?)
    }

    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<DeviceCertificate>> {
        self.by_device.values()
    }

    /// Adds a certificate, or replaces the one of its device.
    pub(in crate::store::catalog) fn put(&mut self, certificate: Arc<DeviceCertificate>) {
        self.remove(certificate.device);
        self.by_fingerprint.insert(certificate.fingerprint.as_str(), certificate.device);
        self.by_device.insert(certificate.device, certificate);
    }

    pub(in crate::store::catalog) fn remove(&mut self, device: DeviceId) {
        if let Some(old) = self.by_device.remove(&device) {
            self.by_fingerprint.remove(old.fingerprint.as_str(), device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Micros, OrgId};

    fn certificate(device: i32, fingerprint: &str) -> Arc<DeviceCertificate> {
        Arc::new(DeviceCertificate {
            device: DeviceId(device),
            org: OrgId(1),
            fingerprint: fingerprint.to_owned(),
            serial: None,
            authority: None,
            issued_at: Micros(0),
            expires_at: Micros(100),
            revoked_at: None,
        })
    }

    #[test]
    fn a_certificate_is_found_until_it_is_replaced_or_removed() {
        let mut index = CertificateIndex::default();
        let device_of =
            |index: &CertificateIndex, fingerprint| index.by_fingerprint(fingerprint).map(|c| c.device.0);
        index.put(certificate(1, "a"));
        index.put(certificate(2, "b"));
        assert_eq!((device_of(&index, "a"), device_of(&index, "b")), (Some(1), Some(2)));
        index.put(certificate(1, "c"));
        assert_eq!((device_of(&index, "a"), device_of(&index, "c")), (None, Some(1)));
        index.remove(DeviceId(1));
        assert_eq!((device_of(&index, "c"), index.all().count()), (None, 1));
        assert!(index.of_device(DeviceId(1)).is_none() && index.of_device(DeviceId(2)).is_some());
    }
}

//! In-memory index of the devices' certificates, by device and by fingerprint. It tells who listens when one ends.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::broadcast;

use super::id_table::IdTable;
use crate::domain::DeviceId;
use crate::domain::certificate::DeviceCertificate;

/// Ended certificates that a slow subscriber may lag behind. One that lags further looks all of its own up again.
const ENDED_CAPACITY: usize = 1024;

pub(super) struct CertificateIndex {
    by_device: HashMap<DeviceId, Arc<DeviceCertificate>>,
    by_fingerprint: IdTable<DeviceId>,
    ended: broadcast::Sender<Arc<DeviceCertificate>>,
}

impl Default for CertificateIndex {
    fn default() -> Self {
        Self {
            by_device: HashMap::new(),
            by_fingerprint: IdTable::default(),
            ended: broadcast::Sender::new(ENDED_CAPACITY),
        }
    }
}

impl CertificateIndex {
    /// The certificate of a device.
    pub(super) fn of_device(&self, device: DeviceId) -> Option<&Arc<DeviceCertificate>> {
        self.by_device.get(&device)
    }

    pub(super) fn by_fingerprint(&self, fingerprint: &str) -> Option<&Arc<DeviceCertificate>> {
        let has_it =
            |id| self.of_device(id).is_some_and(|certificate| certificate.fingerprint == fingerprint);
        self.of_device(self.by_fingerprint.find(fingerprint, has_it)?)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<DeviceCertificate>> {
        self.by_device.values()
    }

    /// Adds a certificate, or replaces the one of its device.
    pub(super) fn put(&mut self, certificate: Arc<DeviceCertificate>) {
        let old = self.forget(certificate.device);
        self.by_fingerprint.insert(certificate.fingerprint.as_str(), certificate.device);
        self.by_device.insert(certificate.device, certificate);
        if let Some(old) = old {
            self.tell_unless_accepted(old);
        }
    }

    pub(super) fn remove(&mut self, device: DeviceId) {
        if let Some(old) = self.forget(device) {
            self.tell_unless_accepted(old);
        }
    }

    /// Receives every certificate that was replaced, revoked or deleted from now on, as it was before.
    pub(super) fn subscribe_ended(&self) -> broadcast::Receiver<Arc<DeviceCertificate>> {
        self.ended.subscribe()
    }

    /// Goes on where `before` was left: its subscribers are told what has ended in between.
    pub(super) fn continue_from(&mut self, before: &Self) {
        self.ended = before.ended.clone();
        before.all().cloned().for_each(|old| self.tell_unless_accepted(old));
    }

    fn forget(&mut self, device: DeviceId) -> Option<Arc<DeviceCertificate>> {
        let old = self.by_device.remove(&device)?;
        self.by_fingerprint.remove(old.fingerprint.as_str(), device);
        Some(old)
    }

    fn tell_unless_accepted(&self, old: Arc<DeviceCertificate>) {
        let now = self.by_fingerprint(&old.fingerprint);
        let is_accepted = now.is_some_and(|now| now.revoked_at.is_none());
        if old.revoked_at.is_none() && !is_accepted {
            // It fails when nobody listens.
            let _ = self.ended.send(old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Micros, OrgId};

    fn certificate(device: i32, fingerprint: &str) -> DeviceCertificate {
        DeviceCertificate {
            device: DeviceId(device),
            org: OrgId(1),
            fingerprint: fingerprint.to_owned(),
            serial: None,
            authority: None,
            issued_at: Micros(0),
            expires_at: Micros(100),
            revoked_at: None,
        }
    }

    #[test]
    fn who_listens_is_told_once_of_each_certificate_that_ends() {
        let mut index = CertificateIndex::default();
        let mut ended = index.subscribe_ended();
        let mut next_ended = move || ended.try_recv().ok().map(|old| old.fingerprint.clone());
        index.put(Arc::new(certificate(1, "a")));
        index.put(Arc::new(certificate(2, "b")));
        index.put(Arc::new(DeviceCertificate { serial: Some("1".to_owned()), ..certificate(1, "a") }));
        assert_eq!(next_ended(), None, "it is still accepted");
        index.put(Arc::new(certificate(1, "c")));
        assert_eq!(next_ended().as_deref(), Some("a"));
        assert!(index.by_fingerprint("a").is_none() && index.by_fingerprint("c").is_some());
        let revoked = DeviceCertificate { revoked_at: Some(Micros(2)), ..certificate(1, "c") };
        index.put(Arc::new(revoked.clone()));
        assert_eq!(next_ended().as_deref(), Some("c"));
        index.remove(DeviceId(1));
        assert_eq!(next_ended(), None, "it had ended already");

        let mut after = CertificateIndex::default();
        after.put(Arc::new(certificate(3, "d")));
        after.continue_from(&index);
        assert_eq!(next_ended().as_deref(), Some("b"));
        after.remove(DeviceId(3));
        assert_eq!((next_ended().as_deref(), next_ended()), (Some("d"), None));
    }
}

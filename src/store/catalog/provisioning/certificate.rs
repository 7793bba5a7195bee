//! Certificates of devices in the catalog: one for each device, replaced by the next.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use super::ProvisioningCatalog;
use super::registration_state;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::certificate::{DeviceCertificate, NewCertificate};
use crate::domain::{DeviceId, Error, Kind, Micros, OrgId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

impl ProvisioningCatalog {
    /// Returns the current certificate of a visible device; `None` when none was issued, or the device is not visible.
    pub fn certificate_of(&self, who: &Principal, device: DeviceId) -> Option<Arc<DeviceCertificate>> {
        let visible = self.core.visible_to(who);
        visible.device(device).ok()?;
        visible.mirror.certificates.of_device(device).cloned()
    }

    /// For authentication: the current certificate with this fingerprint, whosever it is, also an expired one; `None`
    /// for one that was revoked or replaced.
    pub fn certificate_by_fingerprint(&self, fingerprint: &str) -> Option<Arc<DeviceCertificate>> {
        let mirror = self.core.mirror.read();
        let found = mirror.certificates.by_fingerprint(fingerprint);
        found.filter(|certificate| certificate.revoked_at.is_none()).cloned()
    }

    /// For the authorities: how many certificates of all organizations each has signed that are valid at `now`, by the
    /// authority's fingerprint; `None` is the first authority.
    pub fn count_certificates(&self, now: Micros) -> HashMap<Option<String>, usize> {
        let mut counts = HashMap::new();
        for certificate in self.core.mirror.read().certificates.all().filter(|one| one.is_valid_at(now)) {
            *counts.entry(certificate.authority.clone()).or_default() += 1;
        }
        counts
    }

    /// Stores the new certificate of a device. An older one is not accepted from then on.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible; `Forbidden` for one that the principal may not change.
    pub async fn put_certificate(
        &self,
        who: &Principal,
        device: DeviceId,
        new: NewCertificate,
    ) -> Result<Arc<DeviceCertificate>> {
        let transaction = self.core.begin_transaction().await?;
        let (org, is_first) = {
            let visible = transaction.visible_to(who);
            let org = visible.writable_device(device)?.org;
            (org, visible.mirror.certificates.of_device(device).is_none())
        };
        let new = Arc::new(issued(org, device, new, self.core.clock.now()));
        let replace = async move |db: DbTransaction| {
            replace(&db, &new).await?;
            Ok(new)
        };
        let action = if is_first { Action::Create } else { Action::Update };
        let audit = move |_: &Arc<DeviceCertificate>| AuditChange::new(action, "certificate", device.0);
        let apply =
            |mirror: &mut Mirror, new: &Arc<DeviceCertificate>| mirror.certificates.put(Arc::clone(new));
        transaction.commit_change(who, replace, audit, apply).await
    }

    /// Revokes the certificate of a device, and its unused registration tokens: whoever has stolen the one may have the
    /// other. Revoking again changes nothing.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible or has no certificate; `Forbidden` for one that the principal may
    /// not change.
    pub async fn revoke_certificate(
        &self,
        who: &Principal,
        device: DeviceId,
    ) -> Result<Arc<DeviceCertificate>> {
        let transaction = self.core.begin_transaction().await?;
        let (old, tokens) = {
            let visible = transaction.visible_to(who);
            visible.writable_device(device)?;
            let old = visible.mirror.certificates.of_device(device).cloned();
            let old = old.ok_or_else(|| Error::new(Kind::NotFound, "the device has no certificate"))?;
            (old, registration_state::revoked(&visible.mirror, device))
        };
        if old.revoked_at.is_some() && tokens.is_empty() {
            return Ok(old);
        }
        let revoked_at = old.revoked_at.or(Some(self.core.clock.now()));
        let new = Arc::new(DeviceCertificate { revoked_at, ..DeviceCertificate::clone(&old) });
        let ended = tokens.clone();
        let work = async move |db: DbTransaction| {
            replace(&db, &new).await?;
            registration_state::store_states(&db, &ended).await?;
            Ok(new)
        };
        let audit =
            move |_: &Arc<DeviceCertificate>| AuditChange::new(Action::Revoke, "certificate", device.0);
        let apply = move |mirror: &mut Mirror, new: &Arc<DeviceCertificate>| {
            mirror.certificates.put(Arc::clone(new));
            tokens.into_iter().for_each(|token| mirror.registrations.put(token));
        };
        transaction.commit_change(who, work, audit, apply).await
    }
}

/// A certificate that is issued now.
pub(in crate::store::catalog) fn issued(
    org: OrgId,
    device: DeviceId,
    new: NewCertificate,
    now: Micros,
) -> DeviceCertificate {
    DeviceCertificate {
        device,
        org,
        fingerprint: new.fingerprint,
        serial: Some(new.serial),
        authority: Some(new.authority),
        issued_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
    }
}

/// Replaces the row of a device.
pub(in crate::store::catalog) async fn replace(db: &DbTransaction, new: &DeviceCertificate) -> Result<()> {
    delete(db, new.device).await?;
    entity::certificate::new(new).insert(&**db).await.map_err(unavailable)?;
    Ok(())
}

pub(in crate::store::catalog) async fn delete(db: &DbTransaction, device: DeviceId) -> Result<()> {
    use entity::certificate::{Column, Entity};
    let old = Entity::delete_many().filter(Column::DeviceId.eq(device.0));
    old.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

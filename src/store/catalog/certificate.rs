//! Certificates of devices in the catalog: one for each device, replaced by the next.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use super::database::unavailable;
use super::mirror::Mirror;
use super::transaction::DbTransaction;
use super::{Catalog, entity};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::certificate::DeviceCertificate;
use crate::domain::{DeviceId, Micros, Principal, Result};

impl Catalog {
    /// Returns the current certificate of a visible device; `None` when none was issued, or the device is not visible.
    pub fn certificate_of(&self, who: &Principal, device: DeviceId) -> Option<Arc<DeviceCertificate>> {
        let visible = self.visible_to(who);
        visible.device(device).ok()?;
        visible.mirror.certificate_of(device).cloned()
    }

    /// Stores the new certificate of a device. An older one is not accepted from then on.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible; `Forbidden` for one that the principal may not change.
    pub async fn put_certificate(
        &self,
        who: &Principal,
        device: DeviceId,
        fingerprint: String,
        expires_at: Micros,
    ) -> Result<Arc<DeviceCertificate>> {
        let transaction = self.begin_transaction().await?;
        let (org, is_first) = {
            let visible = transaction.visible_to(who);
            (visible.writable_device(device)?.org, visible.mirror.certificate_of(device).is_none())
        };
        let issued_at = self.clock.now();
        let new = Arc::new(DeviceCertificate { device, org, fingerprint, issued_at, expires_at });
        let replace = async move |db: DbTransaction| {
            use entity::certificate::{Column, Entity};
            let old = Entity::delete_many().filter(Column::DeviceId.eq(new.device.0));
            old.exec(&*db).await.map_err(unavailable)?;
            entity::certificate::new(&new).insert(&*db).await.map_err(unavailable)?;
            Ok(new)
        };
        let action = if is_first { Action::Create } else { Action::Update };
        let told = move |_: &Arc<DeviceCertificate>| AuditChange::new(action, "certificate", device.0);
        let apply =
            |mirror: &mut Mirror, new: &Arc<DeviceCertificate>| mirror.put_certificate(Arc::clone(new));
        transaction.commit_change(who, replace, told, apply).await
    }
}

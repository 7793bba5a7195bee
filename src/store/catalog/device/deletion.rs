//! Deletion of devices, with everything that goes with them.

use std::sync::Arc;

use sea_orm::EntityTrait;

use super::DeviceCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::Device;
use crate::domain::{DeviceId, DocumentId, Principal, Result, StreamId};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::{CatalogTransaction, DbTransaction};
use crate::store::catalog::visibility::VisibleCatalog;
use crate::store::catalog::{entity, retention};

/// A device that was deleted, as it was, and the ids of its streams, ascending.
#[derive(Debug, Clone)]
pub struct DeletedDevice {
    pub device: Arc<Device>,
    pub streams: Vec<StreamId>,
    /// Documents that the database keeps with another device.
    documents: Vec<DocumentId>,
}

impl DeviceCatalog {
    /// Deletes a device with its streams and their policies; returns the ids of the streams, ascending. Their rows
    /// leave the disk in the next retention cycle. Events stay, without their device.
    pub async fn delete_device(&self, who: &Principal, id: DeviceId) -> Result<Vec<StreamId>> {
        let transaction = self.core.begin_transaction().await?;
        let deleted = vec![deletion(&transaction.visible_to(who), id)?];
        let deleted = delete(transaction, who, deleted).await?;
        Ok(deleted.into_iter().flat_map(|device| device.streams).collect())
    }

    /// Deletes a device and every device below it, with their streams and policies, all or none. Returns them, the device first.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible; `Forbidden` when the principal may not change all of them.
    pub async fn delete_device_tree(&self, who: &Principal, id: DeviceId) -> Result<Vec<DeletedDevice>> {
        let transaction = self.core.begin_transaction().await?;
        let deleted = {
            let visible = transaction.visible_to(who);
            let mut deleted = vec![deletion(&visible, id)?];
            let mut next = 0;
            // No device is below itself, so this ends.
            while let Some(parent) = deleted.get(next).map(|device| device.device.id) {
                for child in visible.mirror.devices.children_of(parent) {
                    deleted.push(deletion(&visible, child)?);
                }
                next += 1;
            }
            deleted
        };
        delete(transaction, who, deleted).await
    }
}

/// Rows that go with a device that the principal may delete.
fn deletion(visible: &VisibleCatalog, id: DeviceId) -> Result<DeletedDevice> {
    let device = Arc::clone(visible.writable_device(id)?);
    let of_others = visible.mirror.documents.of_device(id).filter(|row| row.spec.device() != Some(id));
    let documents = of_others.map(|row| row.id).collect();
    Ok(DeletedDevice { device, streams: visible.mirror.streams().ids_of(id).collect(), documents })
}

async fn delete(
    transaction: CatalogTransaction,
    who: &Principal,
    deleted: Vec<DeletedDevice>,
) -> Result<Vec<DeletedDevice>> {
    let work = async move |db: DbTransaction| {
        for DeletedDevice { device, streams, documents } in &deleted {
            retention::mark_deleted(&*db, streams, Some(device.id)).await?;
            for document in documents {
                let row = entity::document::Entity::delete_by_id(document.0);
                row.exec(&*db).await.map_err(unavailable)?;
            }
            entity::device::Entity::delete_by_id(device.id.0).exec(&*db).await.map_err(unavailable)?;
        }
        Ok(deleted)
    };
    let audit = |deleted: &Vec<DeletedDevice>| {
        let row = |gone: &DeletedDevice| AuditChange::new(Action::Delete, "device", gone.device.id.0);
        deleted.iter().map(row).collect()
    };
    let apply = |mirror: &mut Mirror, deleted: &Vec<DeletedDevice>| {
        for gone in deleted {
            mirror.remove_device(gone.device.id);
        }
    };
    transaction.commit_changes(who, work, audit, apply).await
}

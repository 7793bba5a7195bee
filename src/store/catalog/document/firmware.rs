//! Firmware in the catalog: a document and the object with its bytes, which are created and deleted together.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, EntityTrait};
use uuid::Uuid;

use super::DocumentCatalog;
use super::{audit_change, check_writable, into_document};
use crate::domain::audit::Action;
use crate::domain::document::{Document, DocumentKind, DocumentSpec, FirmwareSpec};
use crate::domain::object::{Object, ObjectSpec};
use crate::domain::{Error, Kind, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::object::check_room;
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::{NewDocument, entity};

/// Media type of every firmware.
const OCTETS: &str = "application/octet-stream";

impl DocumentCatalog {
    /// Checks what a firmware that is to be created must be, except for its bytes.
    ///
    /// # Errors
    /// The errors of [`DocumentCatalog::create_firmware`].
    pub fn check_firmware(&self, who: &Principal, spec: &FirmwareSpec) -> Result<()> {
        let visible = self.core.visible_to(who);
        self.check_new_documents(&visible, &[NewDocument::new(DocumentSpec::Firmware(spec.clone()))])?;
        check_room(&visible.mirror.objects, who.org, spec.size_bytes)
    }

    /// Creates a firmware whose bytes are durable in the file of its object.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal; `Invalid` naming the rule; `Conflict` for a name and version that exist;
    /// `LimitReached` when the organization has too many documents, objects or bytes.
    pub async fn create_firmware(
        &self,
        who: &Principal,
        spec: FirmwareSpec,
        file_name: String,
    ) -> Result<Arc<Document>> {
        let (org, now) = (who.org, self.core.clock.now());
        let object = Object {
            id: 0,
            org,
            uuid: spec.object,
            spec: ObjectSpec {
                file_name,
                content_type: OCTETS.to_owned(),
                size_bytes: spec.size_bytes,
                sha256: Some(spec.sha256.clone()),
            },
            created_at: now,
            upload_until: now,
            stored_at: Some(now),
        };
        let NewDocument { uuid, spec } = NewDocument::new(DocumentSpec::Firmware(spec));
        let transaction = self.core.begin_transaction().await?;
        {
            let visible = transaction.visible_to(who);
            self.check_new_documents(&visible, &[NewDocument { uuid, spec: spec.clone() }])?;
            check_room(&visible.mirror.objects, org, object.spec.size_bytes)?;
        }
        let insert = async move |db: DbTransaction| {
            let row = entity::object::new(&object).insert(&*db).await.map_err(unavailable)?;
            let object = Object::try_from(row).map(Arc::new)?;
            let row = entity::document::new(org, uuid, &spec, now).insert(&*db).await;
            Ok((into_document(row, &spec)?, object))
        };
        let audit = |(document, _): &(Arc<Document>, Arc<Object>)| audit_change(Action::Create, document);
        let apply = |mirror: &mut Mirror, (document, object): &(Arc<Document>, Arc<Object>)| {
            mirror.documents.put(Arc::clone(document));
            mirror.objects.put(Arc::clone(object));
        };
        let (document, _) = transaction.commit_change(who, insert, audit, apply).await?;
        Ok(document)
    }

    /// Deletes a firmware and its object; returns the id of the object, whose file is not needed any more.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` for a restricted principal.
    pub async fn delete_firmware(&self, who: &Principal, uuid: Uuid) -> Result<Uuid> {
        let transaction = self.core.begin_transaction().await?;
        let (stored, object) = {
            let visible = transaction.visible_to(who);
            let stored = Arc::clone(visible.document(DocumentKind::Firmware, uuid)?);
            check_writable(&visible, &stored.spec)?;
            let damaged = || Error::internal("the document is not firmware");
            let object = stored.firmware().ok_or_else(damaged)?.object;
            (stored, object)
        };
        let row = transaction.mirror().objects.by_uuid(object).map(|object| object.id);
        let delete = async move |db: DbTransaction| {
            let document = entity::document::Entity::delete_by_id(stored.id.0);
            document.exec(&*db).await.map_err(unavailable)?;
            if let Some(row) = row {
                let object = entity::object::Entity::delete_by_id(row);
                object.exec(&*db).await.map_err(unavailable)?;
            }
            Ok(stored)
        };
        let audit = |gone: &Arc<Document>| audit_change(Action::Delete, gone);
        let apply = move |mirror: &mut Mirror, gone: &Arc<Document>| {
            mirror.documents.remove(gone.id);
            mirror.objects.remove(object);
        };
        transaction.commit_change(who, delete, audit, apply).await?;
        Ok(object)
    }

    /// Returns a firmware for the bearer of a download token, without a principal: the token was made for a firmware and
    /// a device of one organization.
    ///
    /// # Errors
    /// `Unauthenticated` when the device is gone, `NotFound` when the firmware is.
    pub fn firmware_for_device(&self, firmware: Uuid, device: Uuid) -> Result<Arc<Document>> {
        let mirror = self.core.mirror.read();
        let document = mirror.documents.by_uuid(firmware).filter(|row| row.firmware().is_some());
        let document = document.ok_or_else(Error::not_found)?;
        let device = mirror.devices.get_by_uuid(device).filter(|device| device.org == document.org);
        device
            .map(|_| Arc::clone(document))
            .ok_or_else(|| Error::new(Kind::Unauthenticated, "the device of the download token is gone"))
    }
}

//! Uploaded objects in the catalog. Their bytes are in files, which the catalog does not know.

pub(super) mod index;

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use self::index::ObjectIndex;
use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::mirror::Mirror;
use super::transaction::DbTransaction;
use super::visibility::require_unrestricted;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::object::{MAX_ORG_BYTES, MAX_PER_ORG, Object, ObjectSpec, UPLOAD_S};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Kind, Micros, OrgId, Principal, Result};

/// Objects removed per statement: databases limit the number of parameters.
const MAX_REMOVED_PER_STATEMENT: usize = 500;

/// Objects: rows of files that are kept outside of the catalog.
pub struct ObjectCatalog {
    core: Arc<CatalogCore>,
}

impl ObjectCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Declares an object, whose bytes may be uploaded within 15 minutes.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal; `Invalid` naming the rule; `LimitReached` when the organization has too
    /// many objects or bytes.
    pub async fn create_object(&self, who: &Principal, spec: ObjectSpec) -> Result<Arc<Object>> {
        require_unrestricted(who)?;
        Error::check(spec.problems())?;
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        check_room(&transaction.mirror().objects, who.org, spec.size_bytes)?;
        let object = Object {
            id: 0,
            org: who.org,
            uuid: Uuid::new_v4(),
            spec,
            created_at: now,
            upload_until: Micros(now.0.saturating_add(UPLOAD_S * MICROS_PER_SECOND)),
            stored_at: None,
        };
        let row = entity::object::new(&object);
        let insert = async move |db: DbTransaction| {
            let row = row.insert(&*db).await.map_err(unavailable)?;
            Object::try_from(row).map(Arc::new)
        };
        let audit = |object: &Arc<Object>| AuditChange::new(Action::Create, "object", object.id);
        let apply = |mirror: &mut Mirror, object: &Arc<Object>| mirror.objects.put(Arc::clone(object));
        transaction.commit_change(who, insert, audit, apply).await
    }

    /// Returns an object; `NotFound` when it is absent or of another organization.
    pub fn object(&self, who: &Principal, uuid: Uuid) -> Result<Arc<Object>> {
        let object = self.signed_object(uuid).ok_or_else(Error::not_found)?;
        if object.org == who.org { Ok(object) } else { Err(Error::hidden()) }
    }

    /// Returns an object for the bearer of a signed address, without a principal.
    pub fn signed_object(&self, uuid: Uuid) -> Option<Arc<Object>> {
        self.core.mirror.read().objects.by_uuid(uuid).cloned()
    }

    /// Notes that the bytes of an object are durable, with their hash. Of concurrent uploads the first counts: returns
    /// the object as it is stored then.
    ///
    /// # Errors
    /// `NotFound` when the object was removed meanwhile.
    pub async fn finish_object(&self, uuid: Uuid, sha256: String) -> Result<Arc<Object>> {
        let transaction = self.core.begin_transaction().await?;
        let stored = transaction.mirror().objects.by_uuid(uuid).cloned().ok_or_else(Error::not_found)?;
        if stored.stored_at.is_some() {
            return Ok(stored);
        }
        let spec = ObjectSpec { sha256: Some(sha256), ..stored.spec.clone() };
        let object =
            Arc::new(Object { spec, stored_at: Some(self.core.clock.now()), ..Object::clone(&stored) });
        let row = entity::object::stored(&object);
        let update = async move |db: DbTransaction| {
            row.update(&*db).await.map_err(unavailable)?;
            Ok(object)
        };
        let apply = |mirror: &mut Mirror, object: &Arc<Object>| mirror.objects.put(Arc::clone(object));
        transaction.commit_unaudited(update, apply).await
    }

    /// Removes the objects that `is_referenced` denies and whose time is over; returns their ids. It asks while no
    /// other change of the catalog is under way.
    pub async fn purge_objects(
        &self,
        is_referenced: impl Fn(&Object) -> bool + Send,
        now: Micros,
    ) -> Result<Vec<Uuid>> {
        let is_over = |object: &Object| object.is_abandoned(now) && !is_referenced(object);
        let transaction = self.core.begin_transaction().await?;
        let over: Vec<(i32, Uuid)> = {
            let mirror = transaction.mirror();
            let over = mirror.objects.all().filter(|object| is_over(object));
            over.map(|object| (object.id, object.uuid)).collect()
        };
        if over.is_empty() {
            return Ok(Vec::new());
        }
        let remove = async move |db: DbTransaction| {
            for some in over.chunks(MAX_REMOVED_PER_STATEMENT) {
                let ids = some.iter().map(|(id, _)| *id);
                let old = entity::object::Entity::delete_many().filter(entity::object::Column::Id.is_in(ids));
                old.exec(&*db).await.map_err(unavailable)?;
            }
            Ok(over.into_iter().map(|(_, uuid)| uuid).collect::<Vec<_>>())
        };
        let apply = |mirror: &mut Mirror, removed: &Vec<Uuid>| {
            for uuid in removed {
                mirror.objects.remove(*uuid);
            }
        };
        transaction.commit_unaudited(remove, apply).await
    }
}

/// Checks that an organization may have an object of this size as well.
pub(super) fn check_room(objects: &ObjectIndex, org: OrgId, bytes: u64) -> Result<()> {
    let (count, used_bytes) = objects
        .of_org(org)
        .fold((0, 0_u64), |(n, sum), object| (n + 1, sum.saturating_add(object.spec.size_bytes)));
    if count >= MAX_PER_ORG {
        let message = format!("the organization has {count} uploaded objects, and {MAX_PER_ORG} is the most");
        return Err(Error::new(Kind::LimitReached, message));
    }
    if used_bytes.saturating_add(bytes) > MAX_ORG_BYTES {
        let message = format!(
            "the organization's uploaded objects have {used_bytes} bytes, and {MAX_ORG_BYTES} is the most: delete artefacts \
             or firmware that use them"
        );
        return Err(Error::new(Kind::LimitReached, message));
    }
    Ok(())
}

//! Captures, clips and live sessions in the catalog. They are seen with the camera's device, and deleted with the camera. Their
//! files are in the directory of objects, which the catalog does not know.

pub(super) mod index;

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::mirror::Mirror;
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::{CameraSpec, Document, DocumentKind};
use crate::domain::media::{MAX_PER_ORG, MAX_WAITING_CLIPS, MediaJob, MediaKind, MediaWork};
use crate::domain::{Error, Kind, Micros, OrgId, Principal, Result};

/// Rows removed per statement: databases limit the number of parameters.
const MAX_REMOVED_PER_STATEMENT: usize = 500;

/// Jobs of cameras.
pub struct MediaCatalog {
    core: Arc<CatalogCore>,
}

impl MediaCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Visible rows of a kind, the oldest first.
    pub fn media_jobs(&self, who: &Principal, kind: MediaKind) -> Vec<Arc<MediaJob>> {
        let visible = self.core.visible_to(who);
        let own = visible.mirror.media.of_org(who.org).filter(|job| job.work.kind() == kind);
        own.filter(|job| visible.device(job.device).is_ok()).cloned().collect()
    }

    /// Returns a row of a kind; `NotFound` when it is absent or not visible.
    pub fn media_job(&self, who: &Principal, kind: MediaKind, uuid: Uuid) -> Result<Arc<MediaJob>> {
        let job = visible_job(&self.core.visible_to(who), uuid)?;
        if job.work.kind() == kind { Ok(job) } else { Err(Error::not_found()) }
    }

    /// Returns a row for the bearer of a signed address or of its own password, without a principal.
    pub fn signed_media_job(&self, uuid: Uuid) -> Option<Arc<MediaJob>> {
        self.core.mirror.read().media.by_uuid(uuid).cloned()
    }

    /// Every row of every organization, the oldest first, for the server itself.
    pub fn all_media_jobs(&self) -> Vec<Arc<MediaJob>> {
        self.core.mirror.read().media.all().cloned().collect()
    }

    /// Cameras of every organization with their rows, for the server itself.
    pub fn all_cameras(&self) -> Vec<Arc<Document>> {
        let mirror = self.core.mirror.read();
        let orgs = mirror.orgs.rows_of(());
        orgs.flat_map(|org| mirror.documents.of_kind(org.id, DocumentKind::Camera)).cloned().collect()
    }

    /// Every organization, for the server itself.
    pub fn all_orgs(&self) -> Vec<OrgId> {
        self.core.mirror.read().orgs.rows_of(()).map(|org| org.id).collect()
    }

    /// Whether a file of the directory of objects belongs to a capture.
    pub fn has_media_file(&self, file: Uuid) -> bool {
        let mirror = self.core.mirror.read();
        mirror.media.all().filter_map(|job| job.capture()).any(|capture| capture.files().contains(&file))
    }

    /// Bytes of the files of an organization's captures.
    pub fn media_bytes(&self, org: OrgId) -> u64 {
        self.core.mirror.read().media.of_org(org).map(|job| job.work.size_bytes()).sum()
    }

    /// Creates a row about a camera. Of live sessions that are open for the same camera and the same user there is one: that one
    /// is returned then, with `false`.
    ///
    /// # Errors
    /// `NotFound` for a camera that is not visible; `Forbidden` when its device may only be read; `LimitReached` when the
    /// organization has too many rows; `Busy` when too many clips wait.
    pub async fn create_media_job(
        &self,
        who: &Principal,
        camera: Uuid,
        work: MediaWork,
    ) -> Result<(Arc<MediaJob>, bool)> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let job = {
            let visible = transaction.visible_to(who);
            let document = visible.document(DocumentKind::Camera, camera)?;
            let CameraSpec { device, .. } = document.camera().ok_or_else(Error::not_found)?;
            visible.writable_device(*device)?;
            if let Some(open) = open_session(&visible, camera, &work) {
                return Ok((open, false));
            }
            check_room(&visible, &work)?;
            MediaJob {
                id: 0,
                org: who.org,
                uuid: Uuid::new_v4(),
                device: *device,
                camera_row: document.id,
                camera,
                work,
                created_at: now,
                updated_at: now,
            }
        };
        let row = entity::media_job::new(&job);
        let kind = job.work.kind();
        let insert = async move |db: DbTransaction| {
            let row = row.insert(&*db).await.map_err(unavailable)?;
            MediaJob::try_from(row).map(Arc::new)
        };
        let audit = move |job: &Arc<MediaJob>| AuditChange::new(Action::Create, kind.name(), job.id);
        let apply = |mirror: &mut Mirror, job: &Arc<MediaJob>| mirror.media.put(Arc::clone(job));
        Ok((transaction.commit_change(who, insert, audit, apply).await?, true))
    }

    /// Changes a row as it is stored at that moment. `change` gives `None` where there is nothing to change.
    ///
    /// # Errors
    /// `NotFound` when it is absent or not visible; `Conflict` for a state that may not follow; those of `change`.
    pub async fn change_media_job(
        &self,
        who: &Principal,
        uuid: Uuid,
        change: impl FnOnce(&MediaWork, Micros) -> Result<Option<MediaWork>> + Send,
    ) -> Result<Arc<MediaJob>> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let job = {
            let visible = transaction.visible_to(who);
            let stored = visible_job(&visible, uuid)?;
            visible.writable_device(stored.device)?;
            let Some(work) = change(&stored.work, now)? else { return Ok(stored) };
            if !stored.work.may_become(&work) {
                let (kind, state) = (work.kind().title(), stored.work.state_name());
                let next = work.state_name();
                return Err(Error::conflict(format!("{kind} {uuid} is {state} and cannot become {next}")));
            }
            Arc::new(MediaJob { work, updated_at: now, ..MediaJob::clone(&stored) })
        };
        let row = entity::media_job::for_update(&job);
        let update = async move |db: DbTransaction| {
            row.update(&*db).await.map_err(unavailable)?;
            Ok(job)
        };
        let apply = |mirror: &mut Mirror, job: &Arc<MediaJob>| mirror.media.put(Arc::clone(job));
        transaction.commit_unaudited(update, apply).await
    }

    /// Removes the rows whose time is over; captures with a recording are kept for `keep_us` microseconds. Returns how many.
    pub async fn purge_media(&self, now: Micros, keep_us: i64) -> Result<usize> {
        let transaction = self.core.begin_transaction().await?;
        let over: Vec<i32> = {
            let mirror = transaction.mirror();
            mirror.media.all().filter(|job| job.is_over(now, keep_us)).map(|job| job.id).collect()
        };
        if over.is_empty() {
            return Ok(0);
        }
        let remove = async move |db: DbTransaction| {
            use entity::media_job::{Column, Entity};
            for some in over.chunks(MAX_REMOVED_PER_STATEMENT) {
                let old = Entity::delete_many().filter(Column::Id.is_in(some.iter().copied()));
                old.exec(&*db).await.map_err(unavailable)?;
            }
            Ok(over)
        };
        let apply = |mirror: &mut Mirror, over: &Vec<i32>| {
            mirror.media.remove_where(|job| over.contains(&job.id));
        };
        Ok(transaction.commit_unaudited(remove, apply).await?.len())
    }
}

fn visible_job(visible: &VisibleCatalog, uuid: Uuid) -> Result<Arc<MediaJob>> {
    let job = visible.mirror.media.by_uuid(uuid).ok_or_else(Error::not_found)?;
    let is_seen = job.org == visible.who.org && visible.device(job.device).is_ok();
    if is_seen { Ok(Arc::clone(job)) } else { Err(Error::hidden()) }
}

/// The open live session of the camera and the user of a new one.
fn open_session(visible: &VisibleCatalog, camera: Uuid, work: &MediaWork) -> Option<Arc<MediaJob>> {
    let MediaWork::Live(new) = work else { return None };
    let is_same = |job: &&Arc<MediaJob>| {
        let of_user = |session: &crate::domain::media::LiveSession| {
            session.requested_by == new.requested_by && !session.state.is_final()
        };
        job.camera == camera && job.live().is_some_and(of_user)
    };
    visible.mirror.media.of_org(visible.who.org).find(is_same).cloned()
}

fn check_room(visible: &VisibleCatalog, work: &MediaWork) -> Result<()> {
    let (mut all, mut waiting) = (0, 0);
    for job in visible.mirror.media.of_org(visible.who.org) {
        all += 1;
        waiting += usize::from(job.clip().is_some_and(|clip| !clip.state.is_final()));
    }
    if all >= MAX_PER_ORG {
        let message = format!(
            "the organization has {all} captures, clips and live sessions, and {MAX_PER_ORG} is the most: those of \
             former days are removed by and by"
        );
        return Err(Error::new(Kind::LimitReached, message));
    }
    if work.kind() == MediaKind::Clip && waiting >= MAX_WAITING_CLIPS {
        return Err(Error::busy(format!("{waiting} clips of the organization wait; retry later")));
    }
    Ok(())
}

//! Exports in the catalog. They are read from the database and not mirrored: they are few, and nothing else refers to
//! them. Their files are in a directory, which the catalog does not know.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::JobCatalog;
use super::rows;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::DocumentKind;
use crate::domain::export::{
    CANCELLED, Export, ExportAccess, ExportResult, ExportScope, ExportSpec, ExportStatus, KEPT_S,
    MAX_PER_ORG, MAX_UNFINISHED_PER_ORG,
};
use crate::domain::job::{Job, JobEnd, JobKind, JobSubject};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, ExportId, FieldError, Kind, Micros, OrgId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::export::{self, Column, Entity};
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::VisibleCatalog;

/// Age from which a finished export without a file has lost it, seconds: files are looked for before the rows are read.
const SETTLED_S: i64 = 3600;

/// How an export ended: what its file contains, or why it failed.
pub type ExportEnd = std::result::Result<ExportResult, String>;

impl JobCatalog {
    /// Creates an export, which a worker takes later.
    ///
    /// # Errors
    /// `Invalid` naming the rule, also for a scope that the principal does not see; `LimitReached` when the organization
    /// has too many exports.
    pub async fn create_export(
        &self,
        who: &Principal,
        spec: ExportSpec,
        requested_by: String,
    ) -> Result<Export> {
        let mut problems = spec.problems();
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        if !sees_scope(&transaction.visible_to(who), &spec) {
            problems.insert(0, FieldError::new("scope", "does not exist"));
        }
        Error::check(problems)?;
        let oldest = oldest_to_remove(&of_org(&transaction.db, who.org).await?, &requested_by)?;
        let export = Export {
            id: ExportId(0),
            org: who.org,
            uuid: Uuid::new_v4(),
            spec,
            status: ExportStatus::Pending,
            requested_by,
            access: ExportAccess::of(who),
            result: None,
            error: String::new(),
            created_at: now,
            completed_at: None,
        };
        let row = export::new(&export);
        let subject = JobSubject::Export(export.access.clone());
        let queued = Job { uuid: export.uuid, ..Job::queued(who, JobKind::Export, subject, now) };
        let insert = async move |db: DbTransaction| {
            if let Some(oldest) = oldest {
                Entity::delete_by_id(oldest.0).exec(&*db).await.map_err(unavailable)?;
            }
            rows::insert(&db, &queued).await?;
            Export::try_from(row.insert(&*db).await.map_err(unavailable)?)
        };
        let audit = |export: &Export| AuditChange::new(Action::Create, "export", export.id.0);
        transaction.commit_change(who, insert, audit, |_, _| ()).await
    }

    /// Returns the exports that the principal sees, the oldest first.
    pub async fn exports(&self, who: &Principal) -> Result<Vec<Export>> {
        let mut all = of_org(&self.core.db, who.org).await?;
        all.retain(|export| sees(who, export));
        Ok(all)
    }

    /// Returns an export; `NotFound` when it is absent or not visible.
    pub async fn export(&self, who: &Principal, uuid: Uuid) -> Result<Export> {
        let export = read(&self.core.db, uuid).await?;
        if sees(who, &export) { Ok(export) } else { Err(Error::hidden()) }
    }

    /// Returns an export without a principal, for the bearer of a signed link to its file.
    pub async fn signed_export(&self, uuid: Uuid) -> Result<Export> {
        read(&self.core.db, uuid).await
    }

    /// Removes an export; its file is then nobody's.
    ///
    /// # Errors
    /// `NotFound` when it is absent or not visible; `Conflict` before it is finished.
    pub async fn delete_export(&self, who: &Principal, uuid: Uuid) -> Result<Export> {
        let transaction = self.core.begin_transaction().await?;
        let export = read(&transaction.db, uuid).await?;
        if !sees(who, &export) {
            return Err(Error::hidden());
        }
        if export.status.is_unfinished() {
            let status = export.status.name();
            return Err(Error::conflict(format!(
                "Export {uuid} is {status}: it can be deleted when it is finished"
            )));
        }
        let id = export.id.0;
        let delete = async move |db: DbTransaction| {
            Entity::delete_by_id(id).exec(&*db).await.map_err(unavailable)?;
            Ok(export)
        };
        let audit = move |_: &Export| AuditChange::new(Action::Delete, "export", id);
        transaction.commit_change(who, delete, audit, |_, _| ()).await
    }

    /// Returns the exports of every organization that a worker has, or will have, the oldest first.
    pub async fn unfinished_exports(&self) -> Result<Vec<Export>> {
        let statuses = [ExportStatus::Pending, ExportStatus::Running].map(ExportStatus::name);
        let rows = Entity::find().filter(Column::Status.is_in(statuses)).order_by_asc(Column::Id);
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(Export::try_from).collect()
    }

    /// Marks an export as being written. One that is so already, because a crash interrupted it, stays so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a finished one.
    pub async fn start_export(&self, uuid: Uuid) -> Result<Export> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let export = read(&transaction.db, uuid).await?;
        let job = rows::read_by_uuid(&transaction.db, uuid).await?;
        if export.status == ExportStatus::Running {
            self.running_jobs.begin(&Job { progress: 0.0, ..job }, now);
            return Ok(export);
        }
        let changed = Export { status: next(&export, ExportStatus::Running)?, ..export };
        let started = job.started(now)?;
        let update = async move |db: DbTransaction| {
            let started = rows::store(&db, started).await?;
            Ok((store(&db, changed).await?, started))
        };
        let (changed, started) = transaction.commit_unmirrored(update).await?;
        self.running_jobs.begin(&started, now);
        Ok(changed)
    }

    /// Stores how an export ended, and its job. An export that was deleted meanwhile stays so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` unless it is being written.
    pub async fn finish_export(&self, uuid: Uuid, end: ExportEnd) -> Result<Export> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let export = read(&transaction.db, uuid).await?;
        if export.status != ExportStatus::Running {
            return Err(not_in_order(&export));
        }
        let (changed, end) = match end {
            Ok(result) => {
                let shown = JobEnd::Done(shown_result(&result));
                (Export { status: ExportStatus::Ready, result: Some(result), ..export }, shown)
            }
            Err(error) => {
                let shown = JobEnd::Failed(error.clone());
                (Export { status: ExportStatus::Failed, error, ..export }, shown)
            }
        };
        let changed = Export { completed_at: Some(now), ..changed };
        let job = rows::read_by_uuid(&transaction.db, uuid).await?;
        let ended = self.running_jobs.with_progress(job).ended(end, now)?;
        let update = async move |db: DbTransaction| {
            rows::store(&db, ended).await?;
            store(&db, changed).await
        };
        let changed = transaction.commit_unmirrored(update).await?;
        self.running_jobs.end(uuid);
        Ok(changed)
    }

    /// Marks exports whose files have been kept for their time, or that have none: a backup contains no files of exports.
    /// Returns how many.
    pub async fn expire_exports(&self, now: Micros, has_file: impl Fn(Uuid) -> bool + Send) -> Result<usize> {
        let before = |seconds: i64| Micros(now.0.saturating_sub(seconds * MICROS_PER_SECOND));
        let (kept_from, settled) = (before(KEPT_S), before(SETTLED_S));
        let transaction = self.core.begin_transaction().await?;
        let ready = Entity::find().filter(Column::Status.eq(ExportStatus::Ready.name()));
        let ready = ready.all(&transaction.db).await.map_err(unavailable)?;
        let mut over = ready.into_iter().map(Export::try_from).collect::<Result<Vec<_>>>()?;
        over.retain(|export| {
            export.completed_at.is_none_or(|at| at <= kept_from || (at < settled && !has_file(export.uuid)))
        });
        let count = over.len();
        if count == 0 {
            return Ok(0);
        }
        let update = async move |db: DbTransaction| {
            for export in over {
                store(&db, Export { status: ExportStatus::Expired, ..export }).await?;
            }
            Ok(())
        };
        transaction.commit_unmirrored(update).await?;
        Ok(count)
    }

    /// Returns the exports of every organization that have a file, or will have one.
    pub async fn exports_with_files(&self) -> Result<HashSet<Uuid>> {
        let statuses = [ExportStatus::Pending, ExportStatus::Running, ExportStatus::Ready];
        let rows = Entity::find().filter(Column::Status.is_in(statuses.map(ExportStatus::name)));
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(|row| Export::try_from(row).map(|export| export.uuid)).collect()
    }

    /// Whether the principal sees what an export is of.
    pub fn sees_export_scope(&self, who: &Principal, spec: &ExportSpec) -> bool {
        sees_scope(&self.core.visible_to(who), spec)
    }
}

fn sees(who: &Principal, export: &Export) -> bool {
    export.org == who.org && export.access.is_within(who)
}

fn sees_scope(visible: &VisibleCatalog, spec: &ExportSpec) -> bool {
    match spec.scope_type {
        ExportScope::Site => visible.document(DocumentKind::Site, spec.scope).is_ok(),
        ExportScope::Component => visible.document(DocumentKind::Component, spec.scope).is_ok(),
        ExportScope::Device => visible.named_device(visible.mirror.devices.get_by_uuid(spec.scope)).is_ok(),
        ExportScope::Sensor => {
            let stream = visible.mirror.stream_by_uuid(spec.scope);
            stream.is_some_and(|stream| visible.stream(stream.id).is_ok())
        }
    }
}

/// The export that makes room for another one; `None` while there is room.
///
/// # Errors
/// `LimitReached` when too many are unfinished, in all or of the requester, who has at most as many as it leaves free for the
/// others of its organization.
fn oldest_to_remove(all: &[Export], requested_by: &str) -> Result<Option<ExportId>> {
    let unfinished: Vec<_> = all.iter().filter(|export| export.status.is_unfinished()).collect();
    let own = unfinished.iter().filter(|export| export.requested_by == requested_by).count();
    let free = MAX_UNFINISHED_PER_ORG.saturating_sub(unfinished.len());
    if free == 0 {
        let message = format!(
            "the organization has {} exports that are not finished: wait for one of them",
            unfinished.len()
        );
        return Err(Error::new(Kind::LimitReached, message));
    }
    if own >= free {
        let message = format!(
            "you have {own} exports that are not finished, and {free} are left for others: wait for one of yours"
        );
        return Err(Error::new(Kind::LimitReached, message));
    }
    if all.len() < MAX_PER_ORG {
        return Ok(None);
    }
    let has_no_file =
        |export: &&Export| !export.status.is_unfinished() && export.status != ExportStatus::Ready;
    let oldest = all.iter().find(has_no_file).map(|export| export.id);
    let full = || {
        let message = format!("the organization has {MAX_PER_ORG} exports with files: delete some of them");
        Error::new(Kind::LimitReached, message)
    };
    oldest.map(Some).ok_or_else(full)
}

fn next(export: &Export, status: ExportStatus) -> Result<ExportStatus> {
    if export.status.may_become(status) {
        return Ok(status);
    }
    Err(not_in_order(export))
}

fn not_in_order(export: &Export) -> Error {
    Error::conflict(format!("Export {} is {}", export.uuid, export.status.name()))
}

/// The result of an export as its job shows it.
fn shown_result(result: &ExportResult) -> Value {
    let ExportResult { size_bytes, reading_count, annotation_count } = result;
    json!({"size_bytes": size_bytes, "readings": reading_count, "annotations": annotation_count})
}

/// Marks an unfinished export as failed, because its job is cancelled.
pub(in crate::store::catalog) async fn cancel(db: &DbTransaction, uuid: Uuid, now: Micros) -> Result<()> {
    let export = read(&**db, uuid).await?;
    let (status, error) = (next(&export, ExportStatus::Failed)?, CANCELLED.to_owned());
    store(db, Export { status, error, completed_at: Some(now), ..export }).await?;
    Ok(())
}

async fn store(db: &DbTransaction, export: Export) -> Result<Export> {
    export::for_update(&export).update(&**db).await.map_err(unavailable)?;
    Ok(export)
}

async fn read(db: &impl ConnectionTrait, uuid: Uuid) -> Result<Export> {
    let row = Entity::find().filter(Column::Uuid.eq(uuid.to_string())).one(db).await;
    row.map_err(unavailable)?.ok_or_else(Error::not_found)?.try_into()
}

async fn of_org(db: &impl ConnectionTrait, org: OrgId) -> Result<Vec<Export>> {
    let rows = Entity::find().filter(Column::OrgId.eq(org.0)).order_by_asc(Column::Id).all(db).await;
    rows.map_err(unavailable)?.into_iter().map(Export::try_from).collect()
}

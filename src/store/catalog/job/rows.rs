//! The rows of jobs: read and written by jobs themselves, and by the exports that have one.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use crate::domain::caller::Caller;
use crate::domain::job::{Job, JobState, MAX_FINISHED, MAX_UNFINISHED};
use crate::domain::{Error, JobId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::job::{self, Column, Entity};
use crate::store::catalog::transaction::DbTransaction;

/// Seconds after which another job may be accepted.
const RETRY_AFTER_S: u64 = 60;

/// Inserts a job, for which the oldest finished one of its kind makes room.
///
/// # Errors
/// `Throttled` when too many of its kind are unfinished, in all or of its requester.
pub(in crate::store::catalog) async fn insert(db: &DbTransaction, job: &Job) -> Result<Job> {
    let of_kind = Entity::find()
        .filter(Column::OrgId.eq(job.org.0))
        .filter(Column::Kind.eq(job.kind.name()))
        .order_by_asc(Column::Id);
    let is_over = [JobState::Done, JobState::Failed, JobState::Cancelled].map(JobState::name);
    let unfinished = of_kind.clone().filter(Column::State.is_not_in(is_over));
    let all = unfinished.clone().count(&**db).await.map_err(unavailable)?;
    let own = unfinished.filter(Column::RequestedBy.eq(job.requested_by.as_str()));
    let own = own.count(&**db).await.map_err(unavailable)?;
    if !may_begin(&job.requested_by, all, own) {
        return Err(Error::throttled(RETRY_AFTER_S));
    }
    let finished = of_kind.filter(Column::State.is_in(is_over)).select_only().column(Column::Id);
    let finished: Vec<i32> = finished.into_tuple().all(&**db).await.map_err(unavailable)?;
    let surplus = (finished.len() + 1).saturating_sub(MAX_FINISHED);
    for oldest in &finished[..surplus] {
        Entity::delete_by_id(*oldest).exec(&**db).await.map_err(unavailable)?;
    }
    job::new(job).insert(&**db).await.map_err(unavailable)?.try_into()
}

/// Whether a requester that has `own` of `all` unfinished jobs of a kind may have another one: a caller has at most as many
/// as it leaves free for the others of its organization. The server itself asks for what its models need.
fn may_begin(requested_by: &str, all: u64, own: u64) -> bool {
    let free = MAX_UNFINISHED.saturating_sub(all);
    free > 0 && (own < free || requested_by == Caller::System.to_string())
}

/// Replaces the row of a job.
pub(in crate::store::catalog) async fn store(db: &DbTransaction, job: Job) -> Result<Job> {
    job::for_update(&job).update(&**db).await.map_err(unavailable)?;
    Ok(job)
}

/// Returns the job of an export.
pub(in crate::store::catalog) async fn read_by_uuid(db: &impl ConnectionTrait, uuid: Uuid) -> Result<Job> {
    let row = Entity::find().filter(Column::Uuid.eq(uuid.to_string())).one(db).await;
    row.map_err(unavailable)?.ok_or_else(|| Error::internal("an export has no job"))?.try_into()
}

/// Returns a job.
///
/// # Errors
/// `NotFound`.
pub(in crate::store::catalog) async fn read(db: &impl ConnectionTrait, id: JobId) -> Result<Job> {
    let row = Entity::find_by_id(id.0).one(db).await;
    row.map_err(unavailable)?.ok_or_else(Error::not_found)?.try_into()
}

//! Fields of `Query` for jobs.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::job::Job;
use crate::api::graphql::paging::{self, ListCursor};
use crate::domain::job::{self, JobFilter, JobKind, JobState};
use crate::domain::pagination::Pagination;
use crate::domain::{Error, JobId};

/// Queries of long-running work.
#[derive(Default)]
pub struct JobQueries;

object! {
    #[Object(name = "JobQueries")]
    impl JobQueries(self) {}
    pages(ctx, page, child_complexity) {
        /// Jobs whose subjects the caller sees, the newest first.
        jobs(
            #[graphql(desc = "Only jobs of this kind: `score`, `rescore`, `export` or `import`.")]
            kind: Option<String>,
            #[graphql(desc = "Only jobs in this state: `queued`, `running`, `done`, `failed` or `cancelled`.")]
            state: Option<String>,
        ): Job = {
            let kind = kind.map(|kind| kind.parse::<JobKind>().map_err(|e| Error::field("kind", e.message)));
            let state =
                state.map(|state| state.parse::<JobState>().map_err(|e| Error::field("state", e.message)));
            let filter = JobFilter { kind: kind.transpose()?, state: state.transpose()?, page: Pagination::ALL };
            let jobs = app(ctx).jobs.jobs(caller(ctx), &filter).await?;
            // Pages are in ascending order of their cursors: the newest job has the least.
            let place = |job: &job::Job| ListCursor { sort_key: String::new(), row: -job.id.0 };
            Ok(paging::paginate(jobs, page, place, Job)?)
        };
    }
    resolvers {
        /// State and progress of a job; null if it does not exist.
        async fn job(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Number of the job, as returned by the mutation that started it.")] row_id: i32,
        ) -> Result<Option<Job>> {
            Ok(none_if_not_found(app(ctx).jobs.job(caller(ctx), JobId(row_id)).await)?.map(Job))
        }
    }
}

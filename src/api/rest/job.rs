//! `/api/job/{id}/`: progress and cancellation of long-running jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::precheck::RequiredAccess;
use super::{Id, RowId};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, read_only};
use crate::app::App;
use crate::app::job::{Job, JobState};
use crate::domain::{ModelId, Resource, Result};

/// Routes, documentation and schemas of jobs.
pub fn section() -> Section {
    let get = Doc::new("job_get", "Get the progress of a job")
        .about("A restart of the server forgets all jobs; what they have written stays.");
    let cancel = Doc::new("job_cancel", "Cancel a job; what it has written stays")
        .answers_nothing("The job was cancelled");
    Section {
        name: "Jobs",
        about: "Long-running work that continues after the response.",
        routes: vec![
            Route::gated("/api/job/{id}", RequiredAccess::Scope(Resource::System))
                .get(retrieve, get.answers(200, "The requested job", schema::reference("Job")))
                .delete(self::cancel, cancel),
        ],
        schemas: vec![("Job", schema::view(&described()))],
    }
}

fn described() -> Vec<FieldSchema> {
    vec![
        read_only("id", schema::row_id()),
        read_only("kind", schema::string()),
        read_only("model", schema::row_id()),
        read_only("state", schema::choice(["queued", "running", "done", "failed", "cancelled"])),
        read_only("progress", schema::number_within(0.0, 1.0)),
        read_only("result", schema::nullable(schema::map())),
        read_only("error", schema::nullable(schema::string())),
    ]
}

/// `GET /api/job/{id}`: state and progress of a job.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(RowId(id)): Id<RowId>,
) -> Result<Json<JobView>, RestError> {
    Ok(Json(app.job(&caller, id)?.into()))
}

/// `DELETE /api/job/{id}`: cancels a job; what it has written stays.
pub async fn cancel(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(RowId(id)): Id<RowId>,
) -> Result<StatusCode, RestError> {
    app.cancel_job(&caller, id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// State and progress of a job.
#[derive(Debug, Serialize)]
pub struct JobView {
    /// Number of the job; unknown after a restart of the server.
    pub id: i32,
    kind: &'static str,
    model: ModelId,
    state: &'static str,
    progress: f64,
    result: Option<Value>,
    error: Option<String>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let (result, error) = match &job.state {
            JobState::Done(result) => (Some(result.clone()), None),
            JobState::Failed(error) => (None, Some(error.clone())),
            JobState::Queued | JobState::Running | JobState::Cancelled => (None, None),
        };
        Self {
            id: job.id,
            kind: job.kind,
            model: job.model,
            state: job.state.name(),
            progress: job.progress,
            result,
            error,
        }
    }
}

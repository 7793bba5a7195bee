//! `/api/job/{id}/`: how far long work is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::gate::Right;
use super::{Id, RowId};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, shown};
use crate::app::App;
use crate::app::job::{Job, JobState};
use crate::domain::{ModelId, Resource, Result};

pub fn section() -> Section {
    let get = Doc::new("job_get", "How far a job is")
        .about("Jobs are forgotten when the server starts again; what they have written stays.");
    let cancel = Doc::new("job_cancel", "Ends it where it is").answers_nothing("It has ended");
    Section {
        name: "Jobs",
        about: "Long work that goes on behind its answer.",
        routes: vec![
            Route::gated("/api/job/{id}", Right::Scope(Resource::System))
                .get(retrieve, get.answers(200, "It", shape::named("Job")))
                .delete(self::cancel, cancel),
        ],
        schemas: vec![("Job", shape::view(&described()))],
    }
}

fn described() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        shown("kind", shape::words()),
        shown("model", shape::row()),
        shown("state", shape::choice(["queued", "running", "done", "failed", "cancelled"])),
        shown("progress", shape::number_within(0.0, 1.0)),
        shown("result", shape::or_null(shape::map())),
        shown("error", shape::or_null(shape::words())),
    ]
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(RowId(id)): Id<RowId>,
) -> Result<Json<JobView>, RestError> {
    Ok(Json(app.job(&caller, id)?.into()))
}

pub async fn cancel(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(RowId(id)): Id<RowId>,
) -> Result<StatusCode, RestError> {
    app.cancel_job(&caller, id)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Serialize)]
pub struct JobView {
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

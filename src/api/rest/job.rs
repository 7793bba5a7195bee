//! `/api/job/`: long-running work of every kind, its progress and cancellation, and the reports of those who import.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Id;
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::app::fields::job::MAX_SIZE;
use crate::app::fields::reader::ReadMode;
use crate::domain::job::{
    ImportUnit, Job, JobFilter, JobKind, JobState, JobSubject, MAX_ERROR_CHARS, MAX_NAME_CHARS,
};
use crate::domain::{JobId, ModelId, Resource, Result, Scope};

/// States that a report may give.
const REPORTED: [JobState; 3] = [JobState::Running, JobState::Done, JobState::Failed];

/// Jobs are of the system or of values, by their kind. Imports are reported by those who may write values.
const ACCESS: RequiredAccess = RequiredAccess::AnyScope(|method| match method {
    "GET" => &READERS,
    "POST" | "PATCH" => &IMPORTERS,
    _ => &CANCELLERS,
});
const READERS: [Scope; 2] = [Scope::read(Resource::System), Scope::read(Resource::Value)];
const IMPORTERS: [Scope; 1] = [Scope::write(Resource::Value)];
const CANCELLERS: [Scope; 2] = [Scope::write(Resource::System), Scope::write(Resource::Value)];

/// Routes, documentation and schemas of jobs.
pub fn section() -> Section {
    let one = || schema::reference("Job");
    let list = Doc::new("job_list", "List jobs, newest first")
        .query("kind", schema::choice_of::<JobKind>(), "Only jobs of this kind.")
        .query("state", schema::choice_of::<JobState>(), "Only jobs in this state.")
        .page()
        .answers(200, "The jobs whose subjects the caller sees", schema::list(one()));
    let create = Doc::new("job_create", "Create the job of an import")
        .about("The job runs from now on. It fails when nothing is reported for 5 minutes.")
        .body(schema::reference("NewJob"))
        .refuses(429)
        .answers(201, "The new job", one())
        .with_header("Location", schema::string(), "Path of the job.");
    let get = Doc::new("job_get", "Get the progress of a job")
        .about("Jobs are listed for 30 days after their end.")
        .answers(200, "The requested job", one());
    let report = Doc::new("job_report", "Report how far an import is")
        .about("Answers 409 when the job has ended, for example because it was cancelled, and for jobs that are no imports.")
        .body(schema::reference("JobReport"))
        .refuses(409)
        .answers(200, "The job after the report", one());
    let cancel = Doc::new("job_cancel", "Cancel a job; what it has written stays")
        .about("The unfinished file of an export is removed. A job that has ended stays as it is.")
        .answers_nothing("The job was cancelled");
    Section {
        name: "Jobs",
        about: "Long-running work that continues after the response: scoring by models, exports and imports.",
        routes: vec![
            Route::gated("/api/job", ACCESS).get(self::list, list).post(self::create, create),
            Route::gated("/api/job/{id}", ACCESS)
                .get(retrieve, get)
                .patch(self::report, report)
                .delete(self::cancel, cancel),
        ],
        schemas: vec![
            ("Job", schema::view(&described())),
            ("NewJob", schema::body(&described_new())),
            ("JobReport", schema::body(&described_report())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    let time_or_null = || schema::nullable(schema::time());
    vec![
        read_only("id", schema::row_id()),
        read_only("uuid", schema::string()),
        read_only("kind", schema::choice_of::<JobKind>()),
        read_only("model", schema::nullable(schema::row_id())),
        read_only("export", schema::nullable(schema::string())),
        read_only("name", schema::nullable(schema::string())),
        read_only("size", schema::nullable(schema::count())),
        read_only("unit", schema::nullable(schema::choice_of::<ImportUnit>())),
        read_only("state", schema::choice_of::<JobState>()),
        read_only("progress", schema::number_within(0.0, 1.0)),
        read_only("result", schema::nullable(schema::map())),
        read_only("error", schema::nullable(schema::string())),
        read_only("requested_by", schema::string()),
        read_only("created_at", schema::time()),
        read_only("started_at", time_or_null()),
        read_only("ended_at", time_or_null()),
    ]
}

fn described_new() -> Vec<FieldSchema> {
    vec![
        required("kind", schema::choice([JobKind::Import.name()])),
        required("name", schema::text(1, MAX_NAME_CHARS)),
        optional("size", schema::nullable(schema::integer(0, MAX_SIZE)), Value::Null),
        optional("unit", schema::choice_of::<ImportUnit>(), ImportUnit::Bytes.name()),
    ]
}

fn described_report() -> Vec<FieldSchema> {
    vec![
        omittable("progress", schema::nullable(schema::number_within(0.0, 1.0))),
        omittable("state", schema::choice(REPORTED.map(JobState::name))),
        omittable("result", schema::map()),
        omittable("error", schema::text(0, MAX_ERROR_CHARS)),
    ]
}

/// `GET /api/job`: the jobs whose subjects the caller sees, newest first.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<JobView>>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let (kind, state) = (query.choice("kind"), query.choice("state"));
    let page = query.page();
    query.finish()?;
    let jobs = app.jobs.jobs(&caller, &JobFilter { kind, state, page }).await?;
    Ok(Json(jobs.into_iter().map(JobView::from).collect()))
}

/// `POST /api/job`: creates the job of an import; 201 with its path in `Location`.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<impl IntoResponse, RestError> {
    let fields = body.fields(ReadMode::Whole).await?;
    let job = JobView::from(app.jobs.create_import_from_fields(&caller, fields).await?);
    let location = format!("/api/job/{}/", job.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(job)))
}

/// `GET /api/job/{id}`: state and progress of a job.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<JobId>,
) -> Result<Json<JobView>, RestError> {
    Ok(Json(app.jobs.job(&caller, id).await?.into()))
}

/// `PATCH /api/job/{id}`: takes progress or the end of an import.
pub async fn report(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<JobId>,
    body: DeferredJson,
) -> Result<Json<JobView>, RestError> {
    app.jobs.job_to_report(&caller, id).await?;
    let fields = body.fields(ReadMode::Partial).await?;
    Ok(Json(app.jobs.report_import_from_fields(&caller, id, fields).await?.into()))
}

/// `DELETE /api/job/{id}`: cancels a job; what it has written stays.
pub async fn cancel(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<JobId>,
) -> Result<StatusCode, RestError> {
    app.jobs.cancel_job(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// State and progress of a job.
#[derive(Debug, Serialize)]
pub struct JobView {
    /// Number of the job.
    pub id: JobId,
    uuid: Uuid,
    kind: &'static str,
    /// Model of a job that scores.
    model: Option<ModelId>,
    /// UUID of the export.
    export: Option<Uuid>,
    /// Name of the imported file or of the backup.
    name: Option<String>,
    /// Size of the imported file, in `unit`.
    size: Option<u64>,
    unit: Option<&'static str>,
    state: &'static str,
    /// Completed fraction, 0 to 1.
    progress: f64,
    result: Option<Value>,
    error: Option<String>,
    requested_by: String,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let (mut model, mut export, mut file, mut backup) = (None, None, None, None);
        match job.subject {
            JobSubject::Model { model: id, .. } => model = Some(id),
            JobSubject::Export(_) => export = Some(job.uuid),
            JobSubject::Import(imported) => file = Some(imported),
            JobSubject::Backup(name) => backup = Some(name),
        }
        Self {
            id: job.id,
            uuid: job.uuid,
            kind: job.kind.name(),
            model,
            export,
            size: file.as_ref().and_then(|file| file.size),
            unit: file.as_ref().map(|file| file.unit.name()),
            name: file.map(|file| file.name).or(backup),
            state: job.state.name(),
            progress: job.progress,
            result: job.result,
            error: (job.state == JobState::Failed).then_some(job.error),
            requested_by: job.requested_by,
            created_at: job.created_at.to_iso(),
            started_at: job.started_at.map(|ts| ts.to_iso()),
            ended_at: job.ended_at.map(|ts| ts.to_iso()),
        }
    }
}

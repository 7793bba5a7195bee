//! `/api/backup/`: backups in the configured directory, written and verified by jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use serde::Serialize;

use super::job::JobView;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, read_only};
use crate::app::App;
use crate::domain::backup::StoredBackup;
use crate::domain::job::Job;
use crate::domain::{Error, Resource, Result};

/// Routes, documentation and schemas of backups.
pub fn section() -> Section {
    let machine = "They belong to the machine: for unrestricted callers of the default organization. 409 when `backup.dir` is not set.";
    let list = Doc::new("backup_list", "List the backups in the configured directory, the newest first")
        .about(machine)
        .answers(200, "The directory and the finished backups in it", schema::reference("BackupList"))
        .refuses(409);
    let start = Doc::new("backup_start", "Start a job that writes a backup")
        .about(machine)
        .answers(202, "The job; `Location` has its path", schema::reference("Job"))
        .refuses(409);
    let verify = Doc::new("backup_verify", "Start a job that verifies a backup")
        .about("Every file is read and compared with what was written.")
        .answers(202, "The job; `Location` has its path", schema::reference("Job"))
        .refuses(409);
    let right = RequiredAccess::Scope(Resource::System);
    let backup = schema::view(&[
        read_only("name", schema::string()),
        read_only("created_at", schema::time()),
        read_only("seq", schema::count()),
        read_only("files", schema::count()),
        read_only("bytes", schema::count()),
    ]);
    let backups = schema::list(backup.into());
    Section {
        name: "Backups",
        about: "Backups of the whole server.",
        routes: vec![
            Route::gated("/api/backup", right).get(self::list, list).post(self::start, start),
            Route::gated("/api/backup/{name}/verify", right)
                .variable("name", schema::string())
                .post(self::verify, verify),
        ],
        schemas: vec![(
            "BackupList",
            schema::view(&[read_only("directory", schema::string()), read_only("backups", backups)]),
        )],
    }
}

/// `GET /api/backup`: the finished backups.
pub async fn list(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<BackupListView>, RestError> {
    let (directory, backups) = app.backups.backups(&caller).await?;
    let backups = backups.into_iter().map(BackupView::from).collect();
    Ok(Json(BackupListView { directory: directory.display().to_string(), backups }))
}

/// Response with a job that was started.
type JobResponse = (StatusCode, [(HeaderName, String); 1], Json<JobView>);

/// `POST /api/backup`: starts a backup; 202 with the job.
pub async fn start(caller: Caller, State(app): State<Arc<App>>) -> Result<JobResponse, RestError> {
    Ok(accepted(app.backups.start_backup(&caller).await?))
}

/// `POST /api/backup/{name}/verify`: starts a verification; 202 with the job.
pub async fn verify(
    caller: Caller,
    State(app): State<Arc<App>>,
    name: std::result::Result<Path<String>, PathRejection>,
) -> Result<JobResponse, RestError> {
    let Path(name) = name.map_err(|_| Error::not_found())?;
    Ok(accepted(app.backups.start_backup_verification(&caller, &name).await?))
}

fn accepted(job: Job) -> JobResponse {
    let job = JobView::from(job);
    (StatusCode::ACCEPTED, [(header::LOCATION, format!("/api/job/{}/", job.id))], Json(job))
}

/// The backups in a response.
#[derive(Debug, Serialize)]
pub struct BackupListView {
    directory: String,
    backups: Vec<BackupView>,
}

#[derive(Debug, Serialize)]
struct BackupView {
    name: String,
    created_at: String,
    seq: u64,
    files: u64,
    bytes: u64,
}

impl From<StoredBackup> for BackupView {
    fn from(backup: StoredBackup) -> Self {
        let StoredBackup { name, taken_at, seq, files, bytes } = backup;
        Self { name, created_at: taken_at, seq, files, bytes }
    }
}

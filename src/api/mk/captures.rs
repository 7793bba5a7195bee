//! `/captures`: recordings of cameras.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::base_url::BaseUrl;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::{Page, SortKey};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{iso, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::media::files::CaptureFile;
use crate::domain::media::state::CaptureState;
use crate::domain::media::{MediaJob, MediaKind};
use crate::domain::{Error, Principal, Result};

const COLLECTION: &str = "/api/v1/captures";
const ONE: &str = "/api/v1/captures/{id}";
const DOWNLOAD: &str = "/api/v1/captures/{id}/download";
const KIND: MediaKind = MediaKind::Capture;
const SORTABLE: &[&str] =
    &["createdAt", "updatedAt", "cameraId", "eventId", "ruleId", "status", "startTime", "endTime", "id"];

/// The operations.
pub fn section() -> Section {
    let states: Vec<_> = CaptureState::ALL.iter().map(|state| state.name()).collect();
    let list_doc = paged(Doc::new("listCaptures", "List captures"))
        .query("cameraId", id(), "Camera.")
        .query("eventId", id(), "Event that caused them.")
        .query("status", schema::choice(states.clone()), "Only this status.")
        .query("from", schema::time(), "Captures that end after this time.")
        .query("to", schema::time(), "Captures that begin before this time.")
        .answers(200, "A page of captures.", page_of("Capture"));
    let get_doc =
        Doc::new("getCapture", "Get a capture").answers(200, "The capture.", schema::reference("Capture"));
    let download_doc = Doc::new("downloadCapture", "Get an address of the recording")
        .about("The address needs no other credential. The recording is MP4.")
        .answers(200, "The address.", schema::reference("CaptureDownload"));
    let link = [schema::required("url", schema::string()), schema::required("expiresAt", schema::time())];
    Section {
        name: "Captures",
        about: "Recordings: PENDING, RECORDING, then READY or FAILED. `startTime` and `endTime` are what a recording holds; \
                without it, what was wanted.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::get(DOWNLOAD, download, download_doc),
        ],
        schemas: vec![
            ("Capture", schema::object(&response_fields(states))),
            ("CaptureDownload", schema::object(&link)),
        ],
    }
}

fn response_fields(states: Vec<&'static str>) -> Vec<FieldSchema> {
    vec![
        schema::required("id", id()),
        schema::required("cameraId", id()),
        schema::required("eventId", nullable(id())),
        schema::required("ruleId", nullable(id())),
        schema::required("status", schema::choice(states)),
        schema::required("startTime", schema::time()),
        schema::required("endTime", schema::time()),
        schema::required("sizeBytes", nullable(schema::count())),
        schema::required("thumbnailUrl", nullable(schema::string())),
        schema::required("error", nullable(schema::string())),
        schema::required("createdAt", schema::time()),
        schema::required("updatedAt", schema::time()),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaptureView {
    id: Uuid,
    camera_id: Uuid,
    event_id: Option<Uuid>,
    rule_id: Option<Uuid>,
    status: &'static str,
    start_time: String,
    end_time: String,
    size_bytes: Option<u64>,
    thumbnail_url: Option<String>,
    error: Option<String>,
    created_at: String,
    updated_at: String,
}

async fn view(app: &App, who: &Principal, base: &BaseUrl, job: &MediaJob) -> Result<CaptureView> {
    let capture = job.capture().ok_or_else(|| Error::internal("a capture is of another kind"))?;
    let thumbnail = app.capture_download(who, job.uuid, CaptureFile::Thumbnail).await?;
    Ok(CaptureView {
        id: job.uuid,
        camera_id: job.camera,
        event_id: capture.event,
        rule_id: capture.rule,
        status: capture.state.name(),
        start_time: iso(capture.start.unwrap_or(capture.from)),
        end_time: iso(capture.end.unwrap_or(capture.to)),
        size_bytes: capture.file.as_ref().map(|file| file.size_bytes),
        thumbnail_url: thumbnail.map(|(path, _)| format!("{}{path}", base.0)),
        error: capture.error.clone(),
        created_at: iso(job.created_at),
        updated_at: iso(job.updated_at),
    })
}

/// `GET /captures`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, base: BaseUrl, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(SORTABLE)?);
    let (camera, event) = (query.uuid("cameraId")?, query.uuid("eventId")?);
    let status = query.choice("status", CaptureState::ALL, CaptureState::name)?;
    let (from, to) = (query.time("from")?, query.time("to")?);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(MkError::invalid_parameter("from"));
    }
    let is_wanted = |job: &Arc<MediaJob>| {
        job.capture().is_some_and(|capture| {
            camera.is_none_or(|camera| job.camera == camera)
                && event.is_none_or(|event| capture.event == Some(event))
                && status.is_none_or(|status| capture.state == status)
                && from.is_none_or(|from| capture.end.unwrap_or(capture.to) > from)
                && to.is_none_or(|to| capture.start.unwrap_or(capture.from) < to)
        })
    };
    let rows: Vec<_> = app.media_jobs(who, KIND)?.into_iter().filter(is_wanted).collect();
    let key = |job: &Arc<MediaJob>, property: &str| match property {
        "status" => job.work.state_name().into(),
        "startTime" => job.capture().map(|capture| capture.start.unwrap_or(capture.from)).into(),
        "endTime" => job.capture().map(|capture| capture.end.unwrap_or(capture.to)).into(),
        "cameraId" => job.camera.into(),
        "eventId" => job.capture().and_then(|capture| capture.event).into(),
        "ruleId" => job.capture().and_then(|capture| capture.rule).into(),
        "updatedAt" => job.updated_at.into(),
        "id" => SortKey::Text(job.uuid.to_string()),
        _ => job.created_at.into(),
    };
    let page = page.of(rows, key, |job| job.uuid);
    let mut content = Vec::with_capacity(page.content.len());
    for job in &page.content {
        // A capture that was deleted with its camera a moment ago is left out.
        content.extend(view(&app, who, &base, job).await.ok());
    }
    Ok(ok(Page::<CaptureView> { content, page: page.page }))
}

/// `GET /captures/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, base: BaseUrl, id: PathId) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.media_job(&caller.principal, KIND, *id).map_err(named)?;
    Ok(ok(view(&app, &caller.principal, &base, &job).await.map_err(named)?))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DownloadView {
    url: String,
    expires_at: String,
}

/// `GET /captures/{id}/download`.
async fn download(caller: MkCaller, State(app): State<Arc<App>>, base: BaseUrl, id: PathId) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.media_job(&caller.principal, KIND, *id).map_err(named)?;
    let found = app.capture_download(&caller.principal, *id, CaptureFile::Recording).await.map_err(named)?;
    let not_ready = || Error::conflict(format!("Capture {} is {}", *id, job.work.state_name()));
    let (path, expires_at) = found.ok_or_else(not_ready)?;
    Ok(ok(DownloadView { url: format!("{}{path}", base.0), expires_at: iso(expires_at) }))
}

//! `/captures`: recordings of cameras.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::base_url::BaseUrl;
use super::caller::MkCaller;
use super::documents;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, read_only};
use super::noun::stamp::Stamp;
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::page::{Page, SortKey};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{iso, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::media::files::CaptureFile;
use crate::domain::media::state::CaptureState;
use crate::domain::media::{MediaJob, MediaKind};
use crate::domain::{Error, Micros, Principal, Result};

const COLLECTION: &str = "/api/v1/captures";
const ONE: &str = "/api/v1/captures/{id}";
const DOWNLOAD: &str = "/api/v1/captures/{id}/download";
const KIND: MediaKind = MediaKind::Capture;

/// The operations.
pub fn section() -> Section {
    let list_doc = paged(Doc::new("listCaptures", "List captures"))
        .query("cameraId", id(), "Only captures of this camera.")
        .query("eventId", id(), "Event that caused them.")
        .query("status", schema::choice_of::<CaptureState>(), "Only captures in this state.")
        .query("from", schema::time(), "Captures that end after this time.")
        .query("to", schema::time(), "Captures that begin before this time.")
        .answers(200, "A page of captures.", page_of("Capture"));
    let get_doc = Doc::new("getCapture", "Get a capture").answers(
        200,
        "The capture with its progress.",
        schema::reference("Capture"),
    );
    let download_doc = Doc::new("downloadCapture", "Get an address of the recording")
        .about("The address needs no other credential. The recording is MP4.")
        .answers(200, "Address at which the file is fetched.", schema::reference("CaptureDownload"));
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
        schemas: vec![schemas::view::<CaptureRow>("Capture"), ("CaptureDownload", schema::object(&link))],
    }
}

/// A capture as shown.
#[derive(Default)]
pub struct CaptureRow {
    stamp: Stamp,
    camera: Uuid,
    event: Option<Uuid>,
    rule: Option<Uuid>,
    state: CaptureState,
    start: Micros,
    end: Micros,
    size_bytes: Option<u64>,
    thumbnail_url: Option<String>,
    error: Option<String>,
}

impl MkNoun for CaptureRow {
    fn blank() -> Self {
        CaptureRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let uuid = || nullable(id());
        let text = || nullable(schema::string());
        self.stamp.visit_id(visitor);
        visitor.visit(read_only("cameraId", "Camera that is recorded.", id), &mut self.camera);
        let about = "Event that caused the capture; null for one that a clip request caused.";
        visitor.visit(read_only("eventId", about, uuid), &mut self.event);
        let about = "Capture rule that caused the capture; null for one that a clip request caused.";
        visitor.visit(read_only("ruleId", about, uuid), &mut self.rule);
        let about = "How far the recording is; only of a READY one are there files.";
        visitor.visit(read_only("status", about, schema::choice_of::<CaptureState>), &mut self.state);
        let about = "Time of the first picture, ISO-8601 in UTC.";
        visitor.visit(read_only("startTime", about, schema::time), &mut self.start);
        let about = "Time after the last picture, ISO-8601 in UTC.";
        visitor.visit(read_only("endTime", about, schema::time), &mut self.end);
        let about = "Size of the recording in bytes; null without one.";
        visitor.visit(
            read_only("sizeBytes", about, || nullable(schema::count())).unsorted(),
            &mut self.size_bytes,
        );
        let about =
            "URL of a picture of the recording, fetched without another credential for a quarter of an hour.";
        visitor.visit(read_only("thumbnailUrl", about, text).unsorted(), &mut self.thumbnail_url);
        let about = "Why the recording failed; null unless it did.";
        visitor.visit(read_only("error", about, text).unsorted(), &mut self.error);
        self.stamp.visit_times(visitor);
    }
}

impl CaptureRow {
    /// Without the URL of its picture; `None` for a job of another kind.
    fn new(job: &MediaJob) -> Option<Self> {
        let capture = job.capture()?;
        Some(CaptureRow {
            stamp: Stamp { id: job.uuid, created_at: job.created_at, updated_at: job.updated_at },
            camera: job.camera,
            event: capture.event,
            rule: capture.rule,
            state: capture.state,
            start: capture.start.unwrap_or(capture.from),
            end: capture.end.unwrap_or(capture.to),
            size_bytes: capture.file.as_ref().map(|file| file.size_bytes),
            thumbnail_url: None,
            error: capture.error.clone(),
        })
    }
}

async fn view(app: &App, who: &Principal, base: &BaseUrl, job: &MediaJob) -> Result<ShownRow> {
    let capture = CaptureRow::new(job).ok_or_else(|| Error::internal("a capture is of another kind"))?;
    let thumbnail = app.media.captures.capture_download(who, job.uuid, CaptureFile::Thumbnail).await?;
    let thumbnail_url = thumbnail.map(|(path, _)| format!("{}{path}", base.0));
    Ok(ShownRow::new(CaptureRow { thumbnail_url, ..capture }))
}

/// `GET /captures`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, base: BaseUrl, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(&sort::sortable::<CaptureRow>())?);
    let (camera, event) = (query.uuid("cameraId")?, query.uuid("eventId")?);
    let status = query.choice("status", &CaptureState::ALL, CaptureState::name)?;
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
    let rows: Vec<_> = app.media.captures.media_jobs(who, KIND)?.into_iter().filter(is_wanted).collect();
    let key = |job: &Arc<MediaJob>, property: &str| {
        CaptureRow::new(job).map_or(SortKey::Null, |capture| sort::sort_key(capture, property))
    };
    let page = page.of(rows, key, |job| job.uuid);
    let mut content = Vec::with_capacity(page.content.len());
    for job in &page.content {
        // A capture that was deleted with its camera a moment ago is left out.
        content.extend(documents::unless_deleted(view(&app, who, &base, job).await)?);
    }
    Ok(ok(Page::<ShownRow> { content, page: page.page }))
}

/// `GET /captures/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, base: BaseUrl, id: PathId) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.media.captures.media_job(&caller.principal, KIND, *id).map_err(named)?;
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
    let job = app.media.captures.media_job(&caller.principal, KIND, *id).map_err(named)?;
    let found = app
        .media
        .captures
        .capture_download(&caller.principal, *id, CaptureFile::Recording)
        .await
        .map_err(named)?;
    let not_ready = || Error::conflict(format!("Capture {} is {}", *id, job.work.state_name()));
    let (path, expires_at) = found.ok_or_else(not_ready)?;
    Ok(ok(DownloadView { url: format!("{}{path}", base.0), expires_at: iso(expires_at) }))
}

//! `/dvr-clip-requests`: requests for what a recorder holds of a camera.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, read_only, required};
use super::noun::stamp::Stamp;
use super::noun::{schemas, sort};
use super::openapi_document::{id, page_of, paged};
use super::page::{Page, SortKey};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::domain::document::DocumentKind;
use crate::domain::media::state::ClipState;
use crate::domain::media::{ClipRequest, MediaJob, MediaKind};
use crate::domain::{Error, Micros, Result};

const COLLECTION: &str = "/api/v1/dvr-clip-requests";
const ONE: &str = "/api/v1/dvr-clip-requests/{id}";
const KIND: MediaKind = MediaKind::Clip;

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("DvrClipRequest");
    let create_doc = Doc::new("createDvrClipRequest", "Ask for a clip of a recorder")
        .about("The range ends in the past and has at most an hour. The camera has a `dvrUrl`.")
        .body(schema::reference("DvrClipRequestBody"))
        .answers(201, "The clip request with its progress.", row())
        .with_header("Location", schema::string(), "Path of the request.");
    let get_doc = Doc::new("getDvrClipRequest", "Get a request for a clip").answers(
        200,
        "The clip request with its progress.",
        row(),
    );
    let list_doc = paged(Doc::new("listDvrClipRequests", "List requests for clips"))
        .query("cameraId", id(), "Only requests for this camera.")
        .query("status", schema::choice_of::<ClipState>(), "Only requests in this state.")
        .answers(200, "A page of requests.", page_of("DvrClipRequest"));
    Section {
        name: "Clips of recorders",
        about: "PENDING, RUNNING, then READY or FAILED.",
        endpoints: vec![
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::get(COLLECTION, list, list_doc),
        ],
        schemas: vec![
            schemas::view::<ClipRow>("DvrClipRequest"),
            schemas::body::<ClipRow>("DvrClipRequestBody"),
        ],
    }
}

/// A request as shown.
pub struct ClipRow {
    stamp: Stamp,
    camera: Uuid,
    clip: ClipRequest,
}

impl MkNoun for ClipRow {
    fn blank() -> Self {
        let clip = ClipRequest::new(Micros(0), Micros(0), String::new());
        ClipRow { stamp: Stamp::default(), camera: Uuid::nil(), clip }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ClipRequest { state, from, to, capture, requested_by, attempts: _, error } = &mut self.clip;
        self.stamp.visit_id(visitor);
        let about = "Camera whose recorder is asked.";
        visitor.visit(required("cameraId", about, id).looked_up(), &mut self.camera);
        let about = "Begin of the clip, ISO-8601.";
        visitor.visit(required("from", about, schema::time).looked_up(), from);
        let about = "End of the clip, which does not belong to it, ISO-8601.";
        visitor.visit(required("to", about, schema::time).looked_up(), to);
        visitor.visit(read_only("status", "How far the request is.", schema::choice_of::<ClipState>), state);
        let about = "Capture that holds the clip, once the request is READY.";
        visitor.visit(read_only("captureId", about, || nullable(id())), capture);
        let about = "Requester of the clip: a user, or `key_` and a key.";
        visitor.visit(read_only("requestedBy", about, schema::string), requested_by);
        let about = "Why the request failed; null unless it did.";
        visitor.visit(read_only("error", about, || nullable(schema::string())).unsorted(), error);
        self.stamp.visit_times(visitor);
    }
}

impl ClipRow {
    /// `None` for a job of another kind.
    fn new(job: &MediaJob) -> Option<Self> {
        let stamp = Stamp { id: job.uuid, created_at: job.created_at, updated_at: job.updated_at };
        Some(ClipRow { stamp, camera: job.camera, clip: job.clip()?.clone() })
    }
}

fn view(job: &MediaJob) -> Result<ShownRow> {
    let clip = ClipRow::new(job).ok_or_else(|| Error::internal("a request for a clip is of another kind"))?;
    Ok(ShownRow::new(clip))
}

/// `POST /dvr-clip-requests`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.documents.check_may_change_documents(&caller.principal, DocumentKind::Camera)?;
    let (camera, clip) = read(&app, &caller, body.fields(&app).await?)?;
    let job = app.media.captures.request_clip(&caller.principal, camera, clip).await?;
    Ok(created(COLLECTION, job.uuid, view(&job)?))
}

/// `GET /dvr-clip-requests/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.media.captures.media_job(&caller.principal, KIND, *id).map_err(named)?;
    Ok(ok(view(&job)?))
}

/// `GET /dvr-clip-requests`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<ClipRow>())?;
    let camera = query.uuid("cameraId")?;
    let status = query.choice("status", &ClipState::ALL, ClipState::name)?;
    let is_wanted = |job: &Arc<MediaJob>| {
        camera.is_none_or(|camera| job.camera == camera)
            && job.clip().is_some_and(|clip| status.is_none_or(|status| clip.state == status))
    };
    let rows: Vec<_> =
        app.media.captures.media_jobs(&caller.principal, KIND)?.into_iter().filter(is_wanted).collect();
    let key = |job: &Arc<MediaJob>, property: &str| {
        ClipRow::new(job).map_or(SortKey::Null, |clip| sort::sort_key(clip, property))
    };
    let page = page.of(rows, key, |job| job.uuid);
    let content: Result<Vec<_>> = page.content.iter().map(|job| view(job)).collect();
    Ok(ok(Page::<ShownRow> { content: content?, page: page.page }))
}

fn read(app: &App, caller: &MkCaller, mut fields: Fields) -> Result<(Uuid, ClipRequest), MkError> {
    let camera = fields.required_uuid("cameraId");
    if let Some(id) = camera
        && app.documents.document(&caller.principal, DocumentKind::Camera, id).is_err()
    {
        fields.problem("cameraId", "does not exist");
    }
    fields.required("from");
    fields.required("to");
    let range = fields.time("from").zip(fields.time("to"));
    let (from, to) = range.unwrap_or((Micros(0), Micros(0)));
    let clip = ClipRequest::new(from, to, caller.actor.clone());
    // Without a range there is a problem already.
    let rules = if range.is_some() { clip.problems(app.now()) } else { Vec::new() };
    fields.finish(rules)?;
    // Without a camera the reading has ended above.
    Ok((camera.unwrap_or_default(), clip))
}

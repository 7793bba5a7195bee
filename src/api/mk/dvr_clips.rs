//! `/dvr-clip-requests`: requests for what a recorder holds of a camera.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::{Page, SortKey};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::domain::document::DocumentKind;
use crate::domain::media::state::ClipState;
use crate::domain::media::{ClipRequest, MediaJob, MediaKind};
use crate::domain::{Error, Micros, Result};

const COLLECTION: &str = "/api/v1/dvr-clip-requests";
const ONE: &str = "/api/v1/dvr-clip-requests/{id}";
const KIND: MediaKind = MediaKind::Clip;
const SORTABLE: &[&str] =
    &["createdAt", "updatedAt", "cameraId", "status", "from", "to", "captureId", "requestedBy", "id"];

/// The operations.
pub fn section() -> Section {
    let states: Vec<_> = ClipState::ALL.iter().map(|state| state.name()).collect();
    let row = || schema::reference("DvrClipRequest");
    let create_doc = Doc::new("createDvrClipRequest", "Ask for a clip of a recorder")
        .about("The range ends in the past and has at most an hour. The camera has a `dvrUrl`.")
        .body(schema::reference("DvrClipRequestBody"))
        .answers(201, "The request.", row())
        .with_header("Location", schema::string(), "Path of the request.");
    let get_doc =
        Doc::new("getDvrClipRequest", "Get a request for a clip").answers(200, "The request.", row());
    let list_doc = paged(Doc::new("listDvrClipRequests", "List requests for clips"))
        .query("cameraId", id(), "Camera.")
        .query("status", schema::choice(states.clone()), "Only this status.")
        .answers(200, "A page of requests.", page_of("DvrClipRequest"));
    let members = vec![
        schema::required("cameraId", id()),
        schema::required("from", schema::time()),
        schema::required("to", schema::time()),
    ];
    Section {
        name: "Clips of recorders",
        about: "PENDING, RUNNING, then READY or FAILED.",
        endpoints: vec![
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::get(COLLECTION, list, list_doc),
        ],
        schemas: vec![
            ("DvrClipRequest", schema::object(&response_fields(states))),
            ("DvrClipRequestBody", schema::body(&members)),
        ],
    }
}

fn response_fields(states: Vec<&'static str>) -> Vec<FieldSchema> {
    vec![
        schema::required("id", id()),
        schema::required("cameraId", id()),
        schema::required("from", schema::time()),
        schema::required("to", schema::time()),
        schema::required("status", schema::choice(states)),
        schema::required("captureId", nullable(id())),
        schema::required("requestedBy", schema::string()),
        schema::required("error", nullable(schema::string())),
        schema::required("createdAt", schema::time()),
        schema::required("updatedAt", schema::time()),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClipView {
    id: Uuid,
    camera_id: Uuid,
    from: String,
    to: String,
    status: &'static str,
    capture_id: Option<Uuid>,
    requested_by: String,
    error: Option<String>,
    created_at: String,
    updated_at: String,
}

fn view(job: &MediaJob) -> Result<ClipView> {
    let clip = job.clip().ok_or_else(|| Error::internal("a request for a clip is of another kind"))?;
    Ok(ClipView {
        id: job.uuid,
        camera_id: job.camera,
        from: iso(clip.from),
        to: iso(clip.to),
        status: clip.state.name(),
        capture_id: clip.capture,
        requested_by: clip.requested_by.clone(),
        error: clip.error.clone(),
        created_at: iso(job.created_at),
        updated_at: iso(job.updated_at),
    })
}

/// `POST /dvr-clip-requests`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.check_may_change_documents(&caller.principal, DocumentKind::Camera)?;
    let (camera, clip) = read(&app, &caller, body.fields(&app).await?)?;
    let job = app.request_clip(&caller.principal, camera, clip).await?;
    Ok(created(COLLECTION, job.uuid, view(&job)?))
}

/// `GET /dvr-clip-requests/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.media_job(&caller.principal, KIND, *id).map_err(named)?;
    Ok(ok(view(&job)?))
}

/// `GET /dvr-clip-requests`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let camera = query.uuid("cameraId")?;
    let status = query.choice("status", ClipState::ALL, ClipState::name)?;
    let is_wanted = |job: &Arc<MediaJob>| {
        camera.is_none_or(|camera| job.camera == camera)
            && job.clip().is_some_and(|clip| status.is_none_or(|status| clip.state == status))
    };
    let rows: Vec<_> = app.media_jobs(&caller.principal, KIND)?.into_iter().filter(is_wanted).collect();
    let key = |job: &Arc<MediaJob>, property: &str| match property {
        "status" => job.work.state_name().into(),
        "from" => job.clip().map(|clip| clip.from).into(),
        "to" => job.clip().map(|clip| clip.to).into(),
        "cameraId" => job.camera.into(),
        "captureId" => job.clip().and_then(|clip| clip.capture).into(),
        "requestedBy" => job.clip().map(|clip| clip.requested_by.as_str()).into(),
        "updatedAt" => job.updated_at.into(),
        "id" => SortKey::Text(job.uuid.to_string()),
        _ => job.created_at.into(),
    };
    let page = page.of(rows, key, |job| job.uuid);
    let content: Result<Vec<_>> = page.content.iter().map(|job| view(job)).collect();
    Ok(ok(Page::<ClipView> { content: content?, page: page.page }))
}

fn read(app: &App, caller: &MkCaller, mut fields: Fields) -> Result<(Uuid, ClipRequest), MkError> {
    let camera = fields.required_uuid("cameraId");
    if let Some(id) = camera
        && app.document(&caller.principal, DocumentKind::Camera, id).is_err()
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

//! `/live`: live sessions of cameras.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::base_url::{BaseUrl, LocalUrl};
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
use crate::domain::media::state::LiveState;
use crate::domain::media::{MediaJob, MediaKind};
use crate::domain::{Error, Result};

const COLLECTION: &str = "/api/v1/live";
const ONE: &str = "/api/v1/live/{id}";
const OF_CAMERA: &str = "/api/v1/cameras/{cameraId}/live";
const KIND: MediaKind = MediaKind::Live;
const SORTABLE: &[&str] = &["createdAt", "updatedAt", "cameraId", "status", "requestedBy", "expiresAt", "id"];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("LiveSession");
    let open_doc = Doc::new("openLiveSession", "Open a live session of a camera")
        .about(
            "A camera has one open session for each user: a repeat returns it. The playlist at `hlsUrl` and its segments are \
             fetched with `credentials`, by HTTP's Basic authentication.",
        )
        .answers(201, "The session that was created.", row())
        .with_header("Location", schema::string(), "Path of the session.")
        .answers(200, "The session that was open.", row());
    let list_doc = paged(Doc::new("listLiveSessions", "List the live sessions that are open")).answers(
        200,
        "A page of sessions.",
        page_of("LiveSession"),
    );
    let get_doc = Doc::new("getLiveSession", "Get a live session")
        .about("One that has ended is kept for a day.")
        .answers(200, "The live session as it is now.", row());
    let stop_doc =
        Doc::new("stopLiveSession", "End a live session").answers(202, "The session, which ends.", row());
    let credentials = [
        schema::required("username", schema::string()),
        schema::required("password", nullable(schema::string())),
    ];
    Section {
        name: "Live sessions",
        about: "REQUESTED, ACTIVE, STOPPING, STOPPED; EXPIRED after its time, a failure or a stop of the server.",
        endpoints: vec![
            Endpoint::post(OF_CAMERA, open, open_doc).with_secret(),
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::delete(ONE, stop, stop_doc),
        ],
        schemas: vec![
            ("LiveSession", schema::object(&response_fields())),
            ("LiveCredentials", schema::object(&credentials)),
        ],
    }
}

fn response_fields() -> Vec<FieldSchema> {
    let states: Vec<_> = LiveState::ALL.iter().map(|state| state.name()).collect();
    vec![
        schema::required("id", id()),
        schema::required("cameraId", id()),
        schema::required("status", schema::choice(states)),
        schema::required("hlsUrl", nullable(schema::string())),
        schema::required("localUrl", nullable(schema::string())),
        schema::required("credentials", schema::reference("LiveCredentials")),
        schema::required("requestedBy", schema::string()),
        schema::required("error", nullable(schema::string())),
        schema::required("expiresAt", schema::time()),
        schema::required("createdAt", schema::time()),
        schema::required("updatedAt", schema::time()),
    ]
}

#[derive(Serialize)]
struct CredentialsView {
    username: String,
    /// For the user who has opened the session; null for others.
    password: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveView {
    id: Uuid,
    camera_id: Uuid,
    status: &'static str,
    hls_url: Option<String>,
    local_url: Option<String>,
    credentials: CredentialsView,
    requested_by: String,
    error: Option<String>,
    expires_at: String,
    created_at: String,
    updated_at: String,
}

/// Where clients reach the server.
struct Bases {
    public: BaseUrl,
    local: LocalUrl,
}

async fn view(app: &App, caller: &MkCaller, bases: &Bases, job: &MediaJob) -> Result<LiveView> {
    let session = job.live().ok_or_else(|| Error::internal("a live session is of another kind"))?;
    let is_own = session.requested_by == caller.actor;
    let password = if is_own { Some(app.live_password(&caller.principal, job).await?) } else { None };
    let playlist = |base: &str| {
        (session.state == LiveState::Active).then(|| format!("{base}/media/live/{}/index.m3u8", job.uuid))
    };
    Ok(LiveView {
        id: job.uuid,
        camera_id: job.camera,
        status: session.state.name(),
        hls_url: playlist(&bases.public.0),
        local_url: playlist(&bases.local.0),
        credentials: CredentialsView { username: session.username.clone(), password },
        requested_by: session.requested_by.clone(),
        error: session.error.clone(),
        expires_at: iso(session.expires_at),
        created_at: iso(job.created_at),
        updated_at: iso(job.updated_at),
    })
}

/// `POST /cameras/{cameraId}/live`.
async fn open(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    public: BaseUrl,
    local: LocalUrl,
    camera: PathId,
) -> Answer {
    let opened = app.open_live_session(&caller.principal, *camera, &caller.actor).await;
    let named = |error| MkError::named(error, DocumentKind::Camera.title(), *camera);
    let (job, is_new) = opened.map_err(named)?;
    let shown = view(&app, &caller, &Bases { public, local }, &job).await?;
    Ok(if is_new { created(COLLECTION, job.uuid, shown) } else { ok(shown) })
}

/// `GET /live`.
async fn list(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    public: BaseUrl,
    local: LocalUrl,
    query: Query,
) -> Answer {
    let page = query.page(SORTABLE)?;
    let is_open = |job: &Arc<MediaJob>| !job.work.is_final();
    let rows: Vec<_> = app.media_jobs(&caller.principal, KIND)?.into_iter().filter(is_open).collect();
    let key = |job: &Arc<MediaJob>, property: &str| match property {
        "status" => job.work.state_name().into(),
        "expiresAt" => job.live().map(|session| session.expires_at).into(),
        "cameraId" => job.camera.into(),
        "requestedBy" => job.live().map(|session| session.requested_by.as_str()).into(),
        "updatedAt" => job.updated_at.into(),
        "id" => SortKey::Text(job.uuid.to_string()),
        _ => job.created_at.into(),
    };
    let page = page.of(rows, key, |job| job.uuid);
    let bases = Bases { public, local };
    let mut content = Vec::with_capacity(page.content.len());
    for job in &page.content {
        // A session that was deleted with its camera a moment ago is left out.
        content.extend(view(&app, &caller, &bases, job).await.ok());
    }
    Ok(ok(Page::<LiveView> { content, page: page.page }))
}

/// `GET /live/{id}`.
async fn one(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    public: BaseUrl,
    local: LocalUrl,
    id: PathId,
) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.media_job(&caller.principal, KIND, *id).map_err(named)?;
    Ok(ok(view(&app, &caller, &Bases { public, local }, &job).await.map_err(named)?))
}

/// `DELETE /live/{id}`.
async fn stop(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    public: BaseUrl,
    local: LocalUrl,
    id: PathId,
) -> Answer {
    let named = |error| MkError::named(error, KIND.title(), *id);
    let job = app.stop_live_session(&caller.principal, *id).await.map_err(named)?;
    let shown = view(&app, &caller, &Bases { public, local }, &job).await.map_err(named)?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

//! `/live`: live sessions of cameras.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use uuid::Uuid;

use super::Answer;
use super::base_url::{BaseUrl, LocalUrl};
use super::caller::MkCaller;
use super::documents;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, read_only};
use super::noun::nested::NestedObject;
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
use crate::domain::media::state::LiveState;
use crate::domain::media::{MediaJob, MediaKind};
use crate::domain::{Error, Micros, Result};

const COLLECTION: &str = "/api/v1/live";
const ONE: &str = "/api/v1/live/{id}";
const OF_CAMERA: &str = "/api/v1/cameras/{cameraId}/live";
const KIND: MediaKind = MediaKind::Live;

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
        .about("A session that has ended is kept for a day.")
        .answers(200, "The live session as it is now.", row());
    let stop_doc =
        Doc::new("stopLiveSession", "End a live session").answers(202, "The session, which ends.", row());
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
            schemas::view::<LiveRow>("LiveSession"),
            schemas::view::<CredentialsRow>("LiveCredentials"),
        ],
    }
}

/// Credentials of a session as shown.
#[derive(Default)]
struct CredentialsRow {
    username: String,
    /// For the user who has opened the session; `None` for others.
    password: Option<String>,
}

impl MkNoun for CredentialsRow {
    fn blank() -> Self {
        CredentialsRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let about = "User name for the files of the session.";
        visitor.visit(read_only("username", about, schema::string), &mut self.username);
        let about = "Password for the files of the session; null for anybody but the user who opened it.";
        visitor.visit(read_only("password", about, || nullable(schema::string())), &mut self.password);
    }
}

/// A session as shown.
#[derive(Default)]
pub struct LiveRow {
    stamp: Stamp,
    camera: Uuid,
    state: LiveState,
    hls_url: Option<String>,
    local_url: Option<String>,
    credentials: NestedObject<CredentialsRow>,
    requested_by: String,
    error: Option<String>,
    expires_at: Micros,
}

impl MkNoun for LiveRow {
    fn blank() -> Self {
        LiveRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let states = schema::choice_of::<LiveState>;
        let text = || nullable(schema::string());
        let credentials = || schema::reference("LiveCredentials");
        self.stamp.visit_id(visitor);
        visitor.visit(read_only("cameraId", "Camera that the session shows.", id), &mut self.camera);
        visitor.visit(read_only("status", "How far the session is.", states), &mut self.state);
        let about = "URL of the session's HLS playlist, while the session is ACTIVE.";
        visitor.visit(read_only("hlsUrl", about, text).unsorted(), &mut self.hls_url);
        let about = "URL of the playlist at the address by which the client has reached the server.";
        visitor.visit(read_only("localUrl", about, text).unsorted(), &mut self.local_url);
        let about = "User name and password for the files of the session.";
        visitor.visit(read_only("credentials", about, credentials), &mut self.credentials);
        let about = "Requester of the session: a user, or `key_` and a key.";
        visitor.visit(read_only("requestedBy", about, schema::string), &mut self.requested_by);
        let about = "Why the session ended before somebody asked for it; null unless it did.";
        visitor.visit(read_only("error", about, text).unsorted(), &mut self.error);
        let about = "Time from which the session is over, ISO-8601 in UTC.";
        visitor.visit(read_only("expiresAt", about, schema::time), &mut self.expires_at);
        self.stamp.visit_times(visitor);
    }
}

impl LiveRow {
    /// Without URLs and password; `None` for a job of another kind.
    fn new(job: &MediaJob) -> Option<Self> {
        let session = job.live()?;
        Some(LiveRow {
            stamp: Stamp { id: job.uuid, created_at: job.created_at, updated_at: job.updated_at },
            camera: job.camera,
            state: session.state,
            hls_url: None,
            local_url: None,
            credentials: NestedObject(CredentialsRow { username: session.username.clone(), password: None }),
            requested_by: session.requested_by.clone(),
            error: session.error.clone(),
            expires_at: session.expires_at,
        })
    }
}

/// Base URLs of the server.
struct Bases {
    public: BaseUrl,
    local: LocalUrl,
}

async fn view(app: &App, caller: &MkCaller, bases: &Bases, job: &MediaJob) -> Result<ShownRow> {
    let session = LiveRow::new(job).ok_or_else(|| Error::internal("a live session is of another kind"))?;
    let is_own = session.requested_by == caller.actor;
    let password =
        if is_own { Some(app.media.live.live_password(&caller.principal, job).await?) } else { None };
    let playlist = |base: &str| {
        (session.state == LiveState::Active).then(|| format!("{base}/media/live/{}/index.m3u8", job.uuid))
    };
    let (hls_url, local_url) = (playlist(&bases.public.0), playlist(&bases.local.0));
    let NestedObject(CredentialsRow { username, .. }) = session.credentials;
    let credentials = NestedObject(CredentialsRow { username, password });
    Ok(ShownRow::new(LiveRow { hls_url, local_url, credentials, ..session }))
}

/// `POST /cameras/{cameraId}/live`.
async fn open(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    public: BaseUrl,
    local: LocalUrl,
    camera: PathId,
) -> Answer {
    let opened = app.media.live.open_live_session(&caller.principal, *camera, &caller.actor).await;
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
    let page = query.page(&sort::sortable::<LiveRow>())?;
    let is_open = |job: &Arc<MediaJob>| !job.work.is_final();
    let rows: Vec<_> =
        app.media.captures.media_jobs(&caller.principal, KIND)?.into_iter().filter(is_open).collect();
    let key = |job: &Arc<MediaJob>, property: &str| {
        LiveRow::new(job).map_or(SortKey::Null, |session| sort::sort_key(session, property))
    };
    let page = page.of(rows, key, |job| job.uuid);
    let bases = Bases { public, local };
    let mut content = Vec::with_capacity(page.content.len());
    for job in &page.content {
        // A session that was deleted with its camera a moment ago is left out.
        content.extend(documents::unless_deleted(view(&app, &caller, &bases, job).await)?);
    }
    Ok(ok(Page::<ShownRow> { content, page: page.page }))
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
    let job = app.media.captures.media_job(&caller.principal, KIND, *id).map_err(named)?;
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
    let job = app.media.live.stop_live_session(&caller.principal, *id).await.map_err(named)?;
    let shown = view(&app, &caller, &Bases { public, local }, &job).await.map_err(named)?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

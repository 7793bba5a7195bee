//! Live sessions: a playlist with the newest segments of a camera, for one user and fifteen minutes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::camera::Cameras;
use super::recording::{CameraRecorder, RecordingSource, RunDir};
use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::app::mk::objects::Objects;
use crate::app::org_permits::has_room;
use crate::auth::signed_path::SignedQuery;
use crate::domain::document::DocumentKind;
use crate::domain::media::state::{LiveAction, LiveState};
use crate::domain::media::{LIVE_S, LiveSession, MediaJob, MediaKind, MediaWork};
use crate::domain::{Clock, Error, Kind, Principal, Resource, Result, Scope};
use crate::host::recorder::{PLAYLIST, RecorderOutput};
use crate::store::Store;

/// How often a session looks whether its playlist is there and its time is over.
const TICK: Duration = Duration::from_millis(250);
/// Method that a password is signed for: no request has it.
const PASSWORD_METHOD: &str = "LIVE";

/// A file of a live session.
pub struct LiveFile {
    /// Whether it is the playlist; all others are segments of a transport stream.
    pub is_playlist: bool,
    pub file: tokio::fs::File,
}

/// Live sessions of cameras.
pub struct LiveSessions {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    documents: Arc<Documents>,
    objects: Arc<Objects>,
    cameras: Arc<Cameras>,
    recorder: Arc<CameraRecorder>,
    /// Told when there is a session to run.
    work: Arc<Notify>,
    /// Sessions that are open at the same time.
    max_open: usize,
    /// Held while the open sessions are counted and one is added.
    opening: tokio::sync::Mutex<()>,
    views: Semaphore,
    /// Ends sessions that run.
    stops: Mutex<HashMap<Uuid, CancellationToken>>,
}

/// Services that live sessions call.
pub(super) struct LiveCalls {
    pub documents: Arc<Documents>,
    pub objects: Arc<Objects>,
    pub cameras: Arc<Cameras>,
    pub recorder: Arc<CameraRecorder>,
}

impl LiveSessions {
    /// `work` is told when there is a session to run, and `max_open` are open at the same time.
    pub(super) fn new(parts: &CoreParts, calls: LiveCalls, work: Arc<Notify>, max_open: usize) -> Self {
        let LiveCalls { documents, objects, cameras, recorder } = calls;
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            documents,
            objects,
            cameras,
            recorder,
            work,
            max_open,
            opening: tokio::sync::Mutex::default(),
            views: Semaphore::new(max_open),
            stops: Mutex::default(),
        }
    }

    /// Opens a live session of a camera, unless the user has one that is open: that is returned then, with `false`.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound` for a camera that is not visible; `Conflict` for one that is
    /// OFFLINE; `Busy` when too many sessions are open, or too many of the organization; as `MediaCatalog::create_media_job`.
    pub async fn open_live_session(
        &self,
        principal: &Principal,
        camera: Uuid,
        actor: &str,
    ) -> Result<(Arc<MediaJob>, bool)> {
        principal.require(Scope::write(Resource::Device))?;
        let row = self.documents.document(principal, DocumentKind::Camera, camera)?;
        let _counting = self.opening.lock().await;
        let open = self.open_sessions();
        let is_own = |job: &&Arc<MediaJob>| {
            job.camera == camera && job.live().is_some_and(|session| session.requested_by == actor)
        };
        if let Some(own) = open.iter().find(is_own) {
            return Ok((Arc::clone(own), false));
        }
        if !self.cameras.camera_health(principal, &row)?.status.is_reachable() {
            return Err(Error::conflict(format!("Camera {camera} is OFFLINE")));
        }
        let own = open.iter().filter(|job| job.org == principal.org).count();
        if !has_room(self.max_open, open.len(), own, self.has_several_orgs()) {
            return Err(Error::busy("too many live sessions are open (media.live_sessions); retry later"));
        }
        let username = format!("live-{}", &Uuid::new_v4().simple().to_string()[..12]);
        let session = LiveSession::new(actor.to_owned(), username, self.clock.now());
        let made =
            self.store.catalog().media.create_media_job(principal, camera, MediaWork::Live(session)).await?;
        self.work.notify_one();
        Ok(made)
    }

    /// Whether places are shared with other organizations.
    pub(super) fn has_several_orgs(&self) -> bool {
        self.store.catalog().orgs.org_count() > 1
    }

    /// Live sessions of all organizations that are open.
    fn open_sessions(&self) -> Vec<Arc<MediaJob>> {
        let mut all = self.store.catalog().media.all_media_jobs();
        let is_open = |job: &Arc<MediaJob>| job.live().is_some_and(|session| !session.state.is_final());
        all.retain(is_open);
        all
    }

    /// Asks for the end of a live session.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound`; `Conflict` when it has ended.
    pub async fn stop_live_session(&self, principal: &Principal, id: Uuid) -> Result<Arc<MediaJob>> {
        principal.require(Scope::write(Resource::Device))?;
        let session = self.store.catalog().media.media_job(principal, MediaKind::Live, id)?;
        if let Some(ended) = session.live().filter(|session| session.state.is_final()) {
            return Err(Error::conflict(format!("LiveSession {id} is {}", ended.state.name())));
        }
        let stopping = self.change_session(principal, id, LiveAction::Stop).await?;
        if let Some(stop) = self.stops.lock().get(&id) {
            stop.cancel();
        }
        Ok(stopping)
    }

    /// Returns the password of a live session, for the user who has opened it.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`; `Unavailable` when the secret cannot be used.
    pub async fn live_password(&self, principal: &Principal, job: &MediaJob) -> Result<String> {
        principal.require(Scope::read(Resource::Device))?;
        let job = self.store.catalog().media.media_job(principal, MediaKind::Live, job.uuid)?;
        let session = job.live().ok_or_else(Error::not_found)?;
        let signed = self.objects.path_signer().await?.sign(
            PASSWORD_METHOD,
            &live_path(&job),
            session.requested_at,
            LIVE_S as u32,
        );
        let signature = signed.rsplit('=').next().unwrap_or_default();
        Ok(signature.to_owned())
    }

    /// Opens a file of a live session for whoever has its user name and password.
    ///
    /// # Errors
    /// `Unauthenticated`; `NotFound` for a file that is not there, or not any more; `Conflict` before the session is
    /// ACTIVE; `Gone` after its end.
    pub async fn open_live_file(
        &self,
        id: Uuid,
        login: Option<(&str, &str)>,
        name: &str,
    ) -> Result<LiveFile> {
        let unknown = || Error::new(Kind::Unauthenticated, "the user name or the password is not valid");
        let (user, password) = login.ok_or_else(unknown)?;
        let job = self.store.catalog().media.signed_media_job(id).ok_or_else(unknown)?;
        let session = job.live().ok_or_else(unknown)?;
        let signed = self.objects.path_signer().await?.sign(
            PASSWORD_METHOD,
            &live_path(&job),
            session.requested_at,
            LIVE_S as u32,
        );
        let value = |name: &str| {
            signed.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        let query =
            SignedQuery { date: value("X-Amz-Date"), expires: value("X-Amz-Expires"), signature: password };
        // Compared in constant time, and at the time of signing: what has ended is told below.
        let is_known = self.objects.path_signer().await?.admits(
            PASSWORD_METHOD,
            &live_path(&job),
            query,
            session.requested_at,
        );
        if !is_known || user != session.username {
            return Err(unknown());
        }
        match session.state {
            LiveState::Active if self.clock.now() < session.expires_at => {}
            LiveState::Requested => return Err(Error::conflict("the live session is not active yet")),
            LiveState::Active | LiveState::Stopping | LiveState::Stopped | LiveState::Expired => {
                return Err(Error::gone("the live session is over"));
            }
        }
        if !is_live_name(name) {
            return Err(Error::not_found());
        }
        let path = self.recorder.media_dir().join(id.to_string()).join(name);
        let file = tokio::fs::File::open(path).await.map_err(|_| Error::not_found())?;
        Ok(LiveFile { is_playlist: name == PLAYLIST, file })
    }

    /// Runs a session from REQUESTED to its end.
    pub(super) async fn run_live(&self, job: &MediaJob) -> Result<()> {
        let stop = CancellationToken::new();
        self.stops.lock().insert(job.uuid, stop.clone());
        let ended = self.view(job, &stop).await;
        self.stops.lock().remove(&job.uuid);
        let who = Principal::system(job.org);
        self.change_session(&who, job.uuid, LiveAction::Ended(ended?)).await.map(drop)
    }

    /// Views a camera until somebody or its time ends it; returns the reason if it ended by itself.
    async fn view(&self, job: &MediaJob, stop: &CancellationToken) -> Result<Option<String>> {
        let who = Principal::system(job.org);
        let (_, camera) = self.cameras.camera(&who, job.camera)?;
        let source = RecordingSource { address: camera.stream, range: None };
        let (progress, _) = watch::channel(0);
        let dir = self.recorder.run_dir(job.uuid);
        let limit = Duration::from_secs(LIVE_S.unsigned_abs());
        let running = async {
            let _permit = self.views.acquire().await;
            let ran =
                self.recorder.record(&source, RecorderOutput::Hls(limit), (&dir, limit), &progress).await;
            ran.err().unwrap_or_else(|| "the camera sends no more".to_owned())
        };
        let mut running = std::pin::pin!(running);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                why = &mut running => return Ok(Some(why)),
                () = stop.cancelled() => return Ok(None),
                _ = ticks.tick() => {
                    if self.look(&who, job.uuid, &dir).await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Moves a session on if there is a reason; returns whether it is over or asked to end.
    async fn look(&self, who: &Principal, id: Uuid, dir: &RunDir) -> Result<bool> {
        let job = self.store.catalog().media.media_job(who, MediaKind::Live, id)?;
        let session = job.live().ok_or_else(Error::not_found)?;
        let is_there = session.state == LiveState::Requested && dir.path().join(PLAYLIST).exists();
        let action = if is_there { LiveAction::Started } else { LiveAction::Tick };
        let state = match session.after(action.clone(), self.clock.now()) {
            None => session.state,
            Some(_) => {
                let changed = self.change_session(who, id, action).await?;
                changed.live().map_or(LiveState::Expired, |session| session.state)
            }
        };
        Ok(state.is_final() || state == LiveState::Stopping)
    }

    pub(super) async fn change_session(
        &self,
        who: &Principal,
        id: Uuid,
        action: LiveAction,
    ) -> Result<Arc<MediaJob>> {
        let change = |work: &MediaWork, now| match work {
            MediaWork::Live(session) => Ok(session.after(action, now).map(MediaWork::Live)),
            MediaWork::Capture(_) | MediaWork::Clip(_) => Err(Error::not_found()),
        };
        self.store.catalog().media.change_media_job(who, id, change).await
    }
}

/// Path that the password of a session is signed for.
fn live_path(job: &MediaJob) -> String {
    format!("/media/live/{}", job.uuid)
}

/// Whether a name is one of those that the recorder writes.
fn is_live_name(name: &str) -> bool {
    let number = name.strip_prefix("segment").and_then(|rest| rest.strip_suffix(".ts"));
    let is_segment = number
        .is_some_and(|number| (1..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()));
    name == PLAYLIST || is_segment
}

#[cfg(test)]
mod tests {
    use super::is_live_name;

    #[test]
    fn only_files_of_the_recorder_are_served() {
        let rows = [
            ("index.m3u8", true),
            ("segment0.ts", true),
            ("segment123456789.ts", true),
            ("segment.ts", false),
            ("segment1234567890.ts", false),
            ("segment-1.ts", false),
            ("../catalog.sqlite", false),
            ("index.m3u8.tmp", false),
            ("", false),
        ];
        for (name, expected) in rows {
            assert_eq!(is_live_name(name), expected, "{name}");
        }
    }
}

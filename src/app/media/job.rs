//! The run of a capture and of a clip, from the row that waits to the row that has ended.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::captures::Captures;
use super::recording::RecordingSource;
use crate::domain::document::CameraSpec;
use crate::domain::media::state::{CaptureState, ClipState};
use crate::domain::media::{Capture, ClipRequest, MAX_CLIP_ATTEMPTS, MediaJob, MediaWork};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Kind, Micros, Principal, Result};

/// Time that a recorder is given to have what has just happened, microseconds.
const DVR_DELAY_US: i64 = 3 * MICROS_PER_SECOND;

impl Captures {
    /// Runs a row that waits. A row that is deleted meanwhile ends silently.
    pub(super) async fn run_media_job(self: Arc<Self>, job: Arc<MediaJob>) -> Uuid {
        let ran = match &job.work {
            MediaWork::Capture(_) => self.run_capture(&job).await,
            MediaWork::Clip(_) => self.run_clip(&job).await,
            MediaWork::Live(_) => self.live.run_live(&job).await,
        };
        match ran {
            Ok(()) => {}
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => {
                let kind = job.work.kind().name();
                tracing::error!(id = %job.uuid, kind, error = error.full_message(), "a row of media cannot be changed");
            }
        }
        job.uuid
    }

    async fn run_capture(&self, job: &MediaJob) -> Result<()> {
        let who = Principal::system(job.org);
        let Some(capture) = job.capture() else { return Ok(()) };
        let (_, camera) = self.cameras.camera(&who, job.camera)?;
        let wants_past = capture.from < job.created_at;
        let dvr = camera.dvr.is_some() && wants_past;
        if dvr {
            self.sleep_until(Micros(capture.to.0.saturating_add(DVR_DELAY_US))).await;
        }
        let _permit = self.recordings.wait_for_share(job.org, self.live.has_several_orgs()).await;
        let now = self.clock.now();
        let left_us = capture.to.0.saturating_sub(now.0);
        if !dvr && left_us <= 0 {
            let why = "its time was over before it could be recorded: what has happened is held by a recorder alone (dvrUrl)";
            return self.fail_capture(&who, job.uuid, why).await;
        }
        let source = if dvr { dvr_source(&camera, capture.from, capture.to) } else { live_source(&camera) };
        let length_us = if dvr { capture.to.0.saturating_sub(capture.from.0) } else { left_us };
        self.capture(&who, job.uuid, &source, length_us).await.map(drop)
    }

    async fn run_clip(&self, job: &MediaJob) -> Result<()> {
        let who = Principal::system(job.org);
        let _permit = self.recordings.wait_for_share(job.org, self.live.has_several_orgs()).await;
        let begun = self.change_clip(&who, job.uuid, |clip| ClipRequest {
            state: ClipState::Running,
            attempts: clip.attempts.saturating_add(1),
            ..clip
        });
        let begun = begun.await?;
        let Some(clip) = begun.clip() else { return Ok(()) };
        if clip.attempts > MAX_CLIP_ATTEMPTS {
            let why = "the server was stopped each time that it was recorded";
            return self.fail_clip(&who, job.uuid, why).await;
        }
        let (_, camera) = self.cameras.camera(&who, job.camera)?;
        if camera.dvr.is_none() {
            return self.fail_clip(&who, job.uuid, "the camera has no dvrUrl any more").await;
        }
        let source = dvr_source(&camera, clip.from, clip.to);
        let row = Capture { clip: Some(job.uuid), ..Capture::new(clip.from, clip.to) };
        let made =
            self.store.catalog().media.create_media_job(&who, job.camera, MediaWork::Capture(row)).await;
        let made = match made {
            Ok((made, _)) => made,
            Err(error) if error.kind == Kind::NotFound => return Err(error),
            Err(error) => return self.fail_clip(&who, job.uuid, &error.message).await,
        };
        let done = self.capture(&who, made.uuid, &source, clip.to.0.saturating_sub(clip.from.0)).await?;
        let capture = done.capture().ok_or_else(|| Error::internal("a capture became something else"))?;
        if capture.state != CaptureState::Ready {
            let why = capture.error.clone().unwrap_or_default();
            return self.fail_clip(&who, job.uuid, &why).await;
        }
        let ready = self.change_clip(&who, job.uuid, |clip| ClipRequest {
            state: ClipState::Ready,
            capture: Some(done.uuid),
            ..clip
        });
        ready.await.map(drop)
    }

    /// Records a capture: RECORDING, then READY or FAILED.
    async fn capture(
        &self,
        who: &Principal,
        id: Uuid,
        source: &RecordingSource,
        length_us: i64,
    ) -> Result<Arc<MediaJob>> {
        let bytes = self.store.catalog().media.media_bytes(who.org);
        if bytes >= self.org_bytes {
            let why = format!(
                "the recordings of the organization have {bytes} bytes, and media.org_bytes is the most"
            );
            return self.change_capture(who, id, |capture| capture.failed(why)).await;
        }
        let recording = |capture| Capture { state: CaptureState::Recording, ..capture };
        let begun = self.change_capture(who, id, recording).await?;
        let row = begun.capture().ok_or_else(|| Error::internal("a capture became something else"))?;
        let (file_id, thumbnail_id) = (row.file_id, row.thumbnail_id);
        let dir = self.recorder.run_dir(id);
        let length = Duration::from_micros(length_us.max(0).unsigned_abs());
        let time = match self.recorder.record_mp4(source, length, &dir).await {
            Ok(time) => time,
            Err(why) => return self.change_capture(who, id, |capture| capture.failed(why)).await,
        };
        let file = match self.recorder.keep_recording(&dir, file_id).await {
            Ok(file) => file,
            Err(error) => {
                tracing::warn!(%id, error = error.full_message(), "a recording is lost");
                return self.change_capture(who, id, |capture| capture.failed(error.message)).await;
            }
        };
        let thumbnail = self.recorder.take_picture(&dir, thumbnail_id).await;
        let ready = |capture| Capture {
            state: CaptureState::Ready,
            start: Some(time.start),
            end: Some(Micros(time.start.0.saturating_add(time.length_us))),
            file: Some(file),
            thumbnail,
            ..capture
        };
        self.change_capture(who, id, ready).await
    }

    pub(super) async fn change_capture(
        &self,
        who: &Principal,
        id: Uuid,
        change: impl FnOnce(Capture) -> Capture + Send,
    ) -> Result<Arc<MediaJob>> {
        let change = |work: &MediaWork, _: Micros| match work {
            MediaWork::Capture(capture) => Ok(Some(MediaWork::Capture(change(capture.clone())))),
            MediaWork::Clip(_) | MediaWork::Live(_) => Err(Error::not_found()),
        };
        self.store.catalog().media.change_media_job(who, id, change).await
    }

    pub(super) async fn change_clip(
        &self,
        who: &Principal,
        id: Uuid,
        change: impl FnOnce(ClipRequest) -> ClipRequest + Send,
    ) -> Result<Arc<MediaJob>> {
        let change = |work: &MediaWork, _: Micros| match work {
            MediaWork::Clip(clip) => Ok(Some(MediaWork::Clip(change(clip.clone())))),
            MediaWork::Capture(_) | MediaWork::Live(_) => Err(Error::not_found()),
        };
        self.store.catalog().media.change_media_job(who, id, change).await
    }

    async fn fail_capture(&self, who: &Principal, id: Uuid, why: &str) -> Result<()> {
        self.change_capture(who, id, |capture| capture.failed(why)).await.map(drop)
    }

    async fn fail_clip(&self, who: &Principal, id: Uuid, why: &str) -> Result<()> {
        let error = Some(why.to_owned());
        let failed = |clip| ClipRequest { state: ClipState::Failed, error, ..clip };
        self.change_clip(who, id, failed).await.map(drop)
    }

    async fn sleep_until(&self, time: Micros) {
        let left_us = time.0.saturating_sub(self.clock.now().0).max(0);
        tokio::time::sleep(Duration::from_micros(left_us.unsigned_abs())).await;
    }
}

fn live_source(camera: &CameraSpec) -> RecordingSource {
    RecordingSource { address: camera.stream.clone(), range: None }
}

/// The recorder's stream; the camera's own where there is no recorder, which callers have checked.
fn dvr_source(camera: &CameraSpec, from: Micros, to: Micros) -> RecordingSource {
    match &camera.dvr {
        Some(dvr) => RecordingSource { address: dvr.clone(), range: Some((from, to)) },
        None => live_source(camera),
    }
}

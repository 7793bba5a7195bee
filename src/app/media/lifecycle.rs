//! The life of media in a server: what a stop interrupted is marked so at the next start, what waits is run, and everything ends with the
//! server.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::captures::Captures;
use crate::domain::media::state::{CaptureState, ClipState, LiveAction};
use crate::domain::media::{ClipRequest, MediaJob, MediaWork};
use crate::domain::{Micros, Principal, Result};

/// Reason of what a stop of the server has ended.
const STOPPED: &str = "the server was stopped";

impl Captures {
    /// Ends what a stop of the server has cut: captures FAILED, live sessions EXPIRED; clips wait again. Directories of runs are
    /// removed.
    ///
    /// # Errors
    /// As the catalog.
    pub async fn recover_media(&self) -> Result<()> {
        let dir = self.recorder.media_dir().to_owned();
        let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(dir)).await;
        if let Ok(Err(error)) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the directory of media cannot be emptied");
        }
        self.end_media().await
    }

    /// Runs what waits, and follows cameras and events, until the server stops.
    pub async fn run_media(self: Arc<Self>, stop: CancellationToken) {
        let events = tokio::spawn(self.clone().run_event_watch(stop.clone()));
        let probes = async { self.cameras.run_probes(stop.clone()).await };
        let jobs = self.run_media_jobs(stop.clone());
        tokio::join!(probes, jobs);
        if let Err(error) = events.await {
            tracing::error!(%error, "the watch of events ended early");
        }
        if let Err(error) = self.end_media().await {
            tracing::warn!(error = error.full_message(), "open media are ended at the next start");
        }
    }

    async fn run_media_jobs(self: &Arc<Self>, stop: CancellationToken) {
        let mut running: JoinSet<Uuid> = JoinSet::new();
        let mut started: HashSet<Uuid> = HashSet::new();
        loop {
            for job in self.store.catalog().media.all_media_jobs().into_iter().filter(waits) {
                if started.insert(job.uuid) {
                    running.spawn(self.clone().run_media_job(job));
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.work.notified() => {}
                Some(done) = running.join_next() => match done {
                    Ok(id) => drop(started.remove(&id)),
                    Err(error) => tracing::error!(%error, "a run of media ended early"),
                },
            }
        }
        // Programs are killed with the tasks that run them.
        running.shutdown().await;
    }

    async fn end_media(&self) -> Result<()> {
        for job in self.store.catalog().media.all_media_jobs() {
            let who = Principal::system(job.org);
            match &job.work {
                MediaWork::Capture(capture) if !capture.state.is_final() => {
                    let why = match capture.state {
                        CaptureState::Recording => format!("{STOPPED} while it was recorded"),
                        CaptureState::Pending | CaptureState::Ready | CaptureState::Failed => {
                            format!("{STOPPED} before it was recorded")
                        }
                    };
                    self.change_capture(&who, job.uuid, |capture| capture.failed(why)).await?;
                }
                MediaWork::Clip(clip) if clip.state == ClipState::Running => {
                    let waiting = |clip| ClipRequest { state: ClipState::Pending, ..clip };
                    self.change_clip(&who, job.uuid, waiting).await?;
                }
                MediaWork::Live(session) if !session.state.is_final() => {
                    let ended = LiveAction::Ended(Some(STOPPED.to_owned()));
                    self.live.change_session(&who, job.uuid, ended).await?;
                }
                MediaWork::Capture(_) | MediaWork::Clip(_) | MediaWork::Live(_) => {}
            }
        }
        Ok(())
    }

    /// Removes rows whose time is over. Their files are removed with those of objects that nothing refers to.
    pub(in crate::app) async fn purge_media(&self, now: Micros) -> Result<()> {
        let keep_us = i64::try_from(self.keep.as_micros()).unwrap_or(i64::MAX);
        let removed = self.store.catalog().media.purge_media(now, keep_us).await?;
        if removed > 0 {
            tracing::info!(rows = removed, "removed captures, clips and live sessions whose time is over");
        }
        Ok(())
    }
}

/// Whether a row waits for its run. The captures of clips are run by these.
fn waits(job: &Arc<MediaJob>) -> bool {
    match &job.work {
        MediaWork::Capture(capture) => capture.state == CaptureState::Pending && capture.clip.is_none(),
        MediaWork::Clip(clip) => clip.state == ClipState::Pending,
        MediaWork::Live(session) => !session.state.is_final(),
    }
}

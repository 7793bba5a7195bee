//! One recording: from the address of a camera to a file that is durable.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::hls_feed::HlsSource;
use super::{MEDIA_DIR, MediaSettings};
use crate::app::core_parts::CoreParts;
use crate::app::mk::objects::Objects;
use crate::collect::AllowedNetworks;
use crate::domain::document::camera::CameraAddress;
use crate::domain::media::MediaFile;
use crate::domain::media::address::{StreamScheme, StreamUrl};
use crate::domain::ports::HttpClient;
use crate::domain::{Clock, Error, Micros, Result};
use crate::host::recorder::{
    PICTURE, RECORDING, Recorder, RecorderError, RecorderInput, RecorderOutput, RecorderRun,
};
use crate::store::objects::ObjectFiles;

/// Time that a recording may take in addition to its length.
const MARGIN: Duration = Duration::from_secs(30);
const PICTURE_LIMIT: Duration = Duration::from_secs(20);
/// Most bytes of a picture.
const MAX_PICTURE_BYTES: u64 = 4 << 20;
/// Bytes of a file that are copied at once.
const COPY_BYTES: usize = 256 << 10;
/// Pieces of a playlist that wait for the recorder.
const WAITING_PIECES: usize = 2;

/// Subject of a recording.
pub(super) struct RecordingSource {
    /// Source of the pictures.
    pub address: CameraAddress,
    /// Range of a recorder; `None` for what the camera sends now.
    pub range: Option<(Micros, Micros)>,
}

/// Time range of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordedTime {
    /// Time of the first picture.
    pub start: Micros,
    /// Length, microseconds.
    pub length_us: i64,
}

/// A directory of a run, removed with what is in it when dropped.
pub(super) struct RunDir(PathBuf);

impl RunDir {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Records the pictures of cameras, with an external program.
pub(super) struct CameraRecorder {
    clock: Arc<dyn Clock>,
    objects: Arc<Objects>,
    /// Fetches the pieces of playlists.
    web: Arc<dyn HttpClient>,
    program: Recorder,
    /// Networks in which RTSP cameras and recorders may be.
    networks: AllowedNetworks,
    /// Most bytes of one recording.
    max_bytes: u64,
    /// Directory of live views and of recordings that are being made.
    dir: PathBuf,
}

impl CameraRecorder {
    pub(super) fn new(
        parts: &CoreParts,
        (objects, web): (Arc<Objects>, Arc<dyn HttpClient>),
        settings: &MediaSettings,
        data_dir: &Path,
    ) -> Self {
        Self {
            clock: parts.clock.clone(),
            objects,
            web,
            program: Recorder::new(settings.ffmpeg.clone()),
            networks: settings.networks.clone(),
            max_bytes: settings.max_bytes,
            dir: data_dir.join(MEDIA_DIR),
        }
    }

    /// The directory of a run, which the recorder makes.
    pub(super) fn run_dir(&self, id: Uuid) -> RunDir {
        RunDir(self.dir.join(id.to_string()))
    }

    pub(super) fn media_dir(&self) -> &Path {
        &self.dir
    }

    /// Records into a directory; returns what the recording holds.
    ///
    /// # Errors
    /// Why there is no recording, as it is shown.
    pub(super) async fn record_mp4(
        &self,
        source: &RecordingSource,
        length: Duration,
        dir: &RunDir,
    ) -> Result<RecordedTime, String> {
        let (progress, mut received) = watch::channel(0);
        let output = RecorderOutput::Mp4(length);
        let mut running = std::pin::pin!(self.record(source, output, (dir, length + MARGIN), &progress));
        let mut start: Option<Micros> = None;
        let ended = loop {
            tokio::select! {
                ended = &mut running => break ended,
                Ok(()) = received.changed(), if start.is_none() => {
                    start = Some(Micros(self.clock.now().0 - *received.borrow_and_update()));
                }
            }
        };
        ended?;
        let length_us = *received.borrow();
        if length_us <= 0 {
            return Err("the camera sent no pictures".to_owned());
        }
        let of_range = source.range.map(|(from, _)| from);
        let start = of_range.or(start).unwrap_or(Micros(self.clock.now().0.saturating_sub(length_us)));
        Ok(RecordedTime { start, length_us })
    }

    /// Runs the recorder; `dir` comes with the time limit.
    pub(super) async fn record(
        &self,
        source: &RecordingSource,
        output: RecorderOutput,
        (dir, limit): (&RunDir, Duration),
        progress: &watch::Sender<i64>,
    ) -> Result<(), String> {
        let run = |input| RecorderRun {
            input,
            output,
            dir: dir.path().to_owned(),
            limit,
            max_bytes: self.max_bytes,
        };
        let recorder = &self.program;
        let Some(url) = source.address.url() else {
            let input = RecorderInput::Device(source.address.text.clone());
            return recorder.run(&run(input), None, progress).await.map_err(|e| shown(&e));
        };
        let url = match source.range {
            Some((from, to)) => url.of_range(from, to),
            None => url,
        };
        match url.scheme {
            StreamScheme::Rtsp | StreamScheme::Rtsps => {
                let text = self.resolved(&url, source.address.password.as_deref()).await?;
                let ran = recorder.run(&run(RecorderInput::Rtsp(text)), None, progress).await;
                ran.map_err(|e| shown(&e))
            }
            StreamScheme::Http | StreamScheme::Https => {
                let hls = HlsSource::new(&url, source.address.password.as_deref());
                let hls = hls.ok_or("the address of the camera cannot be used")?;
                self.record_feed(&hls, &run(RecorderInput::Feed), progress).await
            }
        }
    }

    /// Records what is fetched from a playlist. What was fetched before a failure is kept.
    async fn record_feed(
        &self,
        hls: &HlsSource,
        run: &RecorderRun,
        progress: &watch::Sender<i64>,
    ) -> Result<(), String> {
        let (sender, pieces) = mpsc::channel::<Bytes>(WAITING_PIECES);
        let mut feeding = std::pin::pin!(hls.feed(&*self.web, sender));
        let mut running = std::pin::pin!(self.program.run(run, Some(pieces), progress));
        let mut why = None;
        let mut is_feeding = true;
        let ran = loop {
            tokio::select! {
                ran = &mut running => break ran,
                fed = &mut feeding, if is_feeding => {
                    is_feeding = false;
                    why = fed.err().map(|error| error.reason());
                }
            }
        };
        match (ran, why) {
            (Ok(()), _) => Ok(()),
            (Err(RecorderError::Failed(_)), Some(why)) => Err(why),
            (Err(error), _) => Err(shown(&error)),
        }
    }

    /// The URL with an address that was checked in place of the name, so that nothing else is connected to.
    async fn resolved(&self, url: &StreamUrl, password: Option<&str>) -> Result<String, String> {
        let found = self.networks.resolve(&url.host, url.port()).await;
        let found = found.map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "the camera is in no network that devices may be in (collect.networks)".to_owned()
            }
            _ => "the name of the camera cannot be resolved".to_owned(),
        })?;
        let address = found.first().ok_or("the name of the camera cannot be resolved")?;
        Ok(url.to_text(&address.ip().to_string(), password))
    }

    /// Takes a picture out of a recording; `None` when that is not possible.
    pub(super) async fn take_picture(&self, dir: &RunDir, id: Uuid) -> Option<MediaFile> {
        let run = RecorderRun {
            input: RecorderInput::Recording,
            output: RecorderOutput::Picture,
            dir: dir.path().to_owned(),
            limit: PICTURE_LIMIT,
            // The recording is in the same directory.
            max_bytes: self.max_bytes.saturating_add(MAX_PICTURE_BYTES),
        };
        let (progress, _) = watch::channel(0);
        self.program.run(&run, None, &progress).await.ok()?;
        self.keep_file(dir.path().join(PICTURE), id).await.ok()
    }

    /// Makes the recording of a directory durable.
    pub(super) async fn keep_recording(&self, dir: &RunDir, id: Uuid) -> Result<MediaFile> {
        self.keep_file(dir.path().join(RECORDING), id).await
    }

    async fn keep_file(&self, path: PathBuf, id: Uuid) -> Result<MediaFile> {
        let files = self.objects.object_files();
        let kept = tokio::task::spawn_blocking(move || copy(&path, &files, id)).await;
        let kept = kept.map_err(|e| Error::internal("keeping a recording was cut short").with_source(e))?;
        kept.map_err(|e| Error::unavailable("a recording cannot be kept").with_source(e))
    }
}

/// Copies a file to where objects are.
fn copy(path: &Path, files: &ObjectFiles, id: Uuid) -> std::io::Result<MediaFile> {
    let mut file = std::fs::File::open(path)?;
    let (mut upload, mut hash, mut size_bytes) = (files.begin(id)?, Sha256::new(), 0_u64);
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        upload.write(bytes)?;
        size_bytes += bytes.len() as u64;
    }
    if size_bytes == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    upload.finish()?;
    Ok(MediaFile { id, size_bytes, sha256: hex::encode(hash.finalize()) })
}

/// Text about a failure of the recorder; what the log needs is logged here, because rows keep text only.
fn shown(error: &RecorderError) -> String {
    match error {
        RecorderError::Missing(cause) => {
            tracing::warn!(error = %cause, "the program of media.ffmpeg cannot be started");
            "there is no recorder: media.ffmpeg names no program that can be started".to_owned()
        }
        RecorderError::TimedOut => "the camera did not send enough in time".to_owned(),
        RecorderError::TooLarge => "the recording is larger than media.max_bytes".to_owned(),
        RecorderError::Failed(reason) => (*reason).to_owned(),
        RecorderError::Io(cause) => {
            tracing::warn!(error = %cause, "the recorder cannot be run");
            "the recorder cannot be run".to_owned()
        }
    }
}

//! Media of the MK platform: cameras and their probes, captures by rules and from recorders, live sessions. Pictures are
//! recorded by an external program; without it every row says so.
//!
//! The life of one capture. An event is created by any interface; `event_watch.rs` compares it with the capture rules of its
//! organization, and stores a row (PENDING) for each camera of a rule that matches. `job.rs` runs it within the permits of its
//! organization. Where the rule wants what was before the event and the camera has a recorder, it waits until the time after the
//! event is over and fetches the range; else it records from now on. `recording.rs` runs the program (`host/recorder.rs`), of HTTP live
//! streaming on segments that `hls_feed.rs` fetches, and keeps the file durably: READY with a picture of it, else FAILED with the
//! reason. `files.rs` serves it by signed addresses until `media.keep` is over. What a stop interrupts, `lifecycle.rs` ends at the next
//! start.

pub mod camera;
mod camera_health;
pub mod capture_rule;
pub mod captures;
mod clip;
mod event_watch;
pub mod files;
mod hls_feed;
mod job;
mod lifecycle;
pub mod live;
mod probe;
mod recording;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use self::camera::Cameras;
use self::captures::{CaptureCalls, Captures};
use self::live::{LiveCalls, LiveSessions};
use self::recording::CameraRecorder;
use super::core_parts::CoreParts;
use super::document::Documents;
use super::mk::objects::Objects;
use crate::collect::AllowedNetworks;
use crate::domain::ports::HttpClient;

/// Directory of live views and of recordings that are being made, in the data directory.
const MEDIA_DIR: &str = "media";

/// Settings of media.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaSettings {
    /// Absolute path of ffmpeg; it need not exist.
    pub ffmpeg: PathBuf,
    /// Recordings that are made at the same time; of several organizations one has at most as many as it leaves free for
    /// the others.
    pub recordings: usize,
    /// Live sessions that are open at the same time, shared in the same way.
    pub live_sessions: usize,
    /// Video devices of this machine that cameras may be.
    pub devices: Vec<String>,
    /// How long captures are kept.
    pub keep: Duration,
    /// Most bytes of one recording.
    pub max_bytes: u64,
    /// Most bytes of the recordings of an organization.
    pub org_bytes: u64,
    /// Networks in which RTSP cameras and recorders may be: those of collectors.
    pub networks: AllowedNetworks,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            ffmpeg: PathBuf::from("/usr/bin/ffmpeg"),
            recordings: 4,
            live_sessions: 8,
            devices: Vec::new(),
            keep: Duration::from_secs(30 * 86_400),
            max_bytes: 2 << 30,
            org_bytes: 20 << 30,
            networks: AllowedNetworks::default(),
        }
    }
}

/// The services of media.
pub struct MediaServices {
    pub cameras: Arc<Cameras>,
    pub captures: Arc<Captures>,
    pub live: Arc<LiveSessions>,
}

/// Services that those of media call.
pub(super) struct MediaCalls {
    pub documents: Arc<Documents>,
    pub objects: Arc<Objects>,
    pub web: Arc<dyn HttpClient>,
}

impl MediaServices {
    /// Builds each service after those that it calls.
    pub(super) fn new(
        parts: &CoreParts,
        calls: MediaCalls,
        settings: &MediaSettings,
        data_dir: &Path,
    ) -> Self {
        let MediaCalls { documents, objects, web } = calls;
        let (work, of_recorder) = (Arc::<Notify>::default(), (objects.clone(), web.clone()));
        let recorder = Arc::new(CameraRecorder::new(parts, of_recorder, settings, data_dir));
        let cameras = Arc::new(Cameras::new(parts, documents.clone(), web, settings));
        let of_live = LiveCalls {
            documents,
            objects: objects.clone(),
            cameras: cameras.clone(),
            recorder: recorder.clone(),
        };
        let live = Arc::new(LiveSessions::new(parts, of_live, work.clone(), settings.live_sessions));
        let of_captures = CaptureCalls { objects, cameras: cameras.clone(), live: live.clone(), recorder };
        let captures = Arc::new(Captures::new(parts, of_captures, work, settings));
        Self { cameras, captures, live }
    }
}

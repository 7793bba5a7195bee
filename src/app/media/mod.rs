//! Media of the MK platform: cameras and their probes, captures by rules and from recorders, live sessions. Pictures are
//! recorded by an external program; without it every row says so.

pub mod camera;
pub mod capture_rule;
mod clip;
mod event_watch;
pub mod files;
mod hls_feed;
mod job;
mod lifecycle;
pub mod live;
mod probe;
mod recording;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::probe::CameraHealth;
use crate::app::org_permits::OrgPermits;
use crate::collect::AllowedNetworks;
use crate::domain::DocumentId;
use crate::host::recorder::Recorder;

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

/// What all media share.
pub(super) struct MediaServices {
    recorder: Recorder,
    recordings: OrgPermits,
    views: Semaphore,
    /// Held while the open live sessions are counted and one is added.
    opening: tokio::sync::Mutex<()>,
    /// What the newest probes have found.
    health: Mutex<HashMap<DocumentId, CameraHealth>>,
    /// Ends live sessions that run.
    stops: Mutex<HashMap<Uuid, CancellationToken>>,
    /// Told when there may be something to record.
    work: Notify,
    /// Told when there is a camera that was not probed.
    unprobed: Notify,
}

impl MediaServices {
    pub(super) fn new(settings: &MediaSettings) -> Self {
        Self {
            recorder: Recorder::new(settings.ffmpeg.clone()),
            recordings: OrgPermits::shared(settings.recordings, "too many recordings are being made"),
            views: Semaphore::new(settings.live_sessions),
            opening: tokio::sync::Mutex::default(),
            health: Mutex::default(),
            stops: Mutex::default(),
            work: Notify::new(),
            unprobed: Notify::new(),
        }
    }
}

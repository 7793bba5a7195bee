//! Captures of cameras: by rules at events, and as clips of what a recorder holds.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::MediaSettings;
use super::camera::Cameras;
use super::live::LiveSessions;
use super::recording::CameraRecorder;
use crate::app::core_parts::CoreParts;
use crate::app::mk::objects::Objects;
use crate::app::org_permits::OrgPermits;
use crate::domain::Clock;
use crate::store::Store;

/// Captures, clips and the rules that make cameras record. It also runs the jobs of media, live sessions among them.
pub struct Captures {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) objects: Arc<Objects>,
    pub(super) cameras: Arc<Cameras>,
    pub(super) live: Arc<LiveSessions>,
    pub(super) recorder: Arc<CameraRecorder>,
    /// Recordings that are made at the same time.
    pub(super) recordings: OrgPermits,
    /// How long captures are kept.
    pub(super) keep: Duration,
    /// Most bytes of the recordings of an organization.
    pub(super) org_bytes: u64,
    /// Told when there may be something to record.
    pub(super) work: Arc<Notify>,
}

/// Services that captures call.
pub(super) struct CaptureCalls {
    pub objects: Arc<Objects>,
    pub cameras: Arc<Cameras>,
    pub live: Arc<LiveSessions>,
    pub recorder: Arc<CameraRecorder>,
}

impl Captures {
    /// `work` is told when there may be something to record.
    pub(super) fn new(
        parts: &CoreParts,
        calls: CaptureCalls,
        work: Arc<Notify>,
        settings: &MediaSettings,
    ) -> Self {
        let CaptureCalls { objects, cameras, live, recorder } = calls;
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            objects,
            cameras,
            live,
            recorder,
            recordings: OrgPermits::shared(settings.recordings, "too many recordings are being made"),
            keep: settings.keep,
            org_bytes: settings.org_bytes,
            work,
        }
    }
}

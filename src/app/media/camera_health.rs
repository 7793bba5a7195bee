//! The result of the newest probe of a camera.

use crate::domain::Micros;
use crate::domain::named_enum::named_enum;

named_enum! {
    /// Whether a camera is there.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum CameraStatus {
        /// It answers, and has the stream.
        Online = "ONLINE",
        /// It does not answer, or was not asked yet.
        #[default]
        Offline = "OFFLINE",
        /// It answers, and refuses the stream.
        Degraded = "DEGRADED",
    }
}

impl CameraStatus {
    /// Whether it is of use to ask the camera for pictures.
    pub fn is_reachable(self) -> bool {
        self != CameraStatus::Offline
    }
}

/// The result of the newest probe of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CameraHealth {
    /// Whether it is there.
    pub status: CameraStatus,
    /// Time of the last answer, since the start of the server.
    pub last_seen: Option<Micros>,
    /// Version of the camera's row that was probed; 0 before.
    pub(super) version: i32,
}

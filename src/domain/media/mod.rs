//! Media of cameras: captures, clips of a recorder, and live sessions. Video is recorded by an external program; here are
//! the rows about it, with their states and rules.

pub mod address;
pub mod playlist;
pub mod state;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::state::{CaptureState, ClipState, LiveState};
use super::named_enum::named_enum;
use super::time::MICROS_PER_SECOND;
use super::{DeviceId, DocumentId, FieldError, Micros, OrgId};

/// Longest clip that may be asked for, seconds.
pub const MAX_CLIP_S: i64 = 3600;
/// Time within which a live session has to become active, seconds.
pub const LIVE_START_S: i64 = 30;
/// Lifetime of a live session, seconds.
pub const LIVE_S: i64 = 15 * 60;
/// How long a live session and a failed capture are kept after their end, seconds.
pub const ENDED_KEEP_S: i64 = 24 * 3600;
/// Maximum captures, clips and live sessions of an organization, ended ones included.
pub const MAX_PER_ORG: usize = 10_000;
/// Maximum clips of an organization that wait for their recording.
pub const MAX_WAITING_CLIPS: usize = 100;
/// How often a clip is tried that a stop of the server has cut.
pub const MAX_CLIP_ATTEMPTS: u32 = 3;

named_enum! {
    /// Kind of a row about media, with its name in the catalog and in the audit log.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum MediaKind {
        /// A recording of a camera.
        Capture = "capture",
        /// A request for what a recorder holds.
        Clip = "clip",
        /// A live view.
        Live = "live_session",
    }
}

impl MediaKind {
    /// Name in errors, as the platform calls it.
    pub fn title(self) -> &'static str {
        match self {
            MediaKind::Capture => "Capture",
            MediaKind::Clip => "DvrClipRequest",
            MediaKind::Live => "LiveSession",
        }
    }
}

/// A file of media that is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFile {
    /// Name of the file.
    pub id: Uuid,
    /// Size, bytes.
    pub size_bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A recording of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// How far it is.
    pub state: CaptureState,
    /// Event that caused it.
    pub event: Option<Uuid>,
    /// Rule that caused it.
    pub rule: Option<Uuid>,
    /// Clip request that caused it.
    pub clip: Option<Uuid>,
    /// Begin of what is wanted.
    pub from: Micros,
    /// End of what is wanted.
    pub to: Micros,
    /// Time of the first picture that it holds; `None` before.
    pub start: Option<Micros>,
    /// Time after the last picture that it holds.
    pub end: Option<Micros>,
    /// The recording, once it is READY. It has its id from the beginning, so that no file is without a row.
    pub file: Option<MediaFile>,
    /// Id of the files of this capture that is chosen at its creation.
    pub file_id: Uuid,
    /// A picture of the recording.
    pub thumbnail: Option<MediaFile>,
    /// Id of the file of that picture.
    pub thumbnail_id: Uuid,
    /// Why it failed.
    pub error: Option<String>,
}

/// A request for what a recorder holds of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipRequest {
    /// How far it is.
    pub state: ClipState,
    /// Begin of the clip.
    pub from: Micros,
    /// End of the clip.
    pub to: Micros,
    /// The capture that holds it, once it is READY.
    pub capture: Option<Uuid>,
    /// The caller that asks, as APIs show it.
    pub requested_by: String,
    /// How often its recording was begun.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<String>,
}

/// A live view of a camera. Its password is in memory only: after a restart the session is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    /// How far it is.
    pub state: LiveState,
    /// The caller that asked for it, as APIs show it: a camera has one open session for each.
    pub requested_by: String,
    /// User name for its files.
    pub username: String,
    /// Time of creation.
    pub requested_at: Micros,
    /// Time at which the first pictures were there.
    pub active_at: Option<Micros>,
    /// From this time on it is over.
    pub expires_at: Micros,
    /// Time at which it ended.
    pub ended_at: Option<Micros>,
    /// Why it ended before somebody asked for it.
    pub error: Option<String>,
}

/// Subject of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MediaWork {
    /// A recording.
    Capture(Capture),
    /// A request for a clip.
    Clip(ClipRequest),
    /// A live view.
    Live(LiveSession),
}

/// A row about media of a camera. It is seen and deleted with its camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaJob {
    /// Row id.
    pub id: i32,
    /// Organization that owns the camera.
    pub org: OrgId,
    /// Assigned at creation.
    pub uuid: Uuid,
    /// Device of the camera.
    pub device: DeviceId,
    /// Row of the camera.
    pub camera_row: DocumentId,
    /// Camera.
    pub camera: Uuid,
    /// Its subject.
    pub work: MediaWork,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change.
    pub updated_at: Micros,
}

impl Capture {
    /// A capture that waits for its recording of `[from, to)`.
    pub fn new(from: Micros, to: Micros) -> Self {
        Self {
            state: CaptureState::Pending,
            event: None,
            rule: None,
            clip: None,
            from,
            to,
            start: None,
            end: None,
            file: None,
            file_id: Uuid::new_v4(),
            thumbnail: None,
            thumbnail_id: Uuid::new_v4(),
            error: None,
        }
    }

    /// Files that belong to the capture, also while they are being written.
    pub fn files(&self) -> [Uuid; 2] {
        [self.file_id, self.thumbnail_id]
    }

    /// Bytes of its files.
    pub fn size_bytes(&self) -> u64 {
        [&self.file, &self.thumbnail].into_iter().flatten().map(|file| file.size_bytes).sum()
    }

    /// The capture as it is when it has failed.
    pub fn failed(self, error: impl Into<String>) -> Self {
        Self { state: CaptureState::Failed, error: Some(error.into()), file: None, thumbnail: None, ..self }
    }
}

impl ClipRequest {
    /// A request that waits.
    pub fn new(from: Micros, to: Micros, requested_by: String) -> Self {
        let (state, capture, error) = (ClipState::Pending, None, None);
        Self { state, from, to, capture, requested_by, attempts: 0, error }
    }

    /// Checks the range: it ends in the past and is at most an hour.
    pub fn problems(&self, now: Micros) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.from >= self.to {
            found.push(FieldError::new("from", "must be before 'to'"));
        } else if self.to.0.saturating_sub(self.from.0) > MAX_CLIP_S * MICROS_PER_SECOND {
            found.push(FieldError::new("to", format!("must be at most {MAX_CLIP_S} seconds after 'from'")));
        }
        if self.to > now {
            found.push(FieldError::new("to", "must be in the past"));
        }
        found
    }
}

impl LiveSession {
    /// A session that begins now.
    pub fn new(requested_by: String, username: String, now: Micros) -> Self {
        Self {
            state: LiveState::Requested,
            requested_by,
            username,
            requested_at: now,
            active_at: None,
            expires_at: Micros(now.0.saturating_add(LIVE_S * MICROS_PER_SECOND)),
            ended_at: None,
            error: None,
        }
    }
}

impl MediaWork {
    /// Kind of the row.
    pub fn kind(&self) -> MediaKind {
        match self {
            MediaWork::Capture(_) => MediaKind::Capture,
            MediaWork::Clip(_) => MediaKind::Clip,
            MediaWork::Live(_) => MediaKind::Live,
        }
    }

    /// Name of its state, as the platform has it.
    pub fn state_name(&self) -> &'static str {
        match self {
            MediaWork::Capture(capture) => capture.state.name(),
            MediaWork::Clip(clip) => clip.state.name(),
            MediaWork::Live(session) => session.state.name(),
        }
    }

    /// Whether nothing follows its state.
    pub fn is_final(&self) -> bool {
        match self {
            MediaWork::Capture(capture) => capture.state.is_final(),
            MediaWork::Clip(clip) => clip.state.is_final(),
            MediaWork::Live(session) => session.state.is_final(),
        }
    }

    /// Whether the row may become `next`: of the same kind, and in the same state or in one that follows.
    pub fn may_become(&self, next: &MediaWork) -> bool {
        match (self, next) {
            (MediaWork::Capture(old), MediaWork::Capture(new)) => old.state.may_become(new.state),
            (MediaWork::Clip(old), MediaWork::Clip(new)) => old.state.may_become(new.state),
            (MediaWork::Live(old), MediaWork::Live(new)) => old.state.may_become(new.state),
            (MediaWork::Capture(_) | MediaWork::Clip(_) | MediaWork::Live(_), _) => false,
        }
    }

    /// Bytes of the files of the row.
    pub fn size_bytes(&self) -> u64 {
        match self {
            MediaWork::Capture(capture) => capture.size_bytes(),
            MediaWork::Clip(_) | MediaWork::Live(_) => 0,
        }
    }
}

impl MediaJob {
    /// The capture, if the row is one.
    pub fn capture(&self) -> Option<&Capture> {
        match &self.work {
            MediaWork::Capture(capture) => Some(capture),
            MediaWork::Clip(_) | MediaWork::Live(_) => None,
        }
    }

    /// The request for a clip, if the row is one.
    pub fn clip(&self) -> Option<&ClipRequest> {
        match &self.work {
            MediaWork::Clip(clip) => Some(clip),
            MediaWork::Capture(_) | MediaWork::Live(_) => None,
        }
    }

    /// The live session, if the row is one.
    pub fn live(&self) -> Option<&LiveSession> {
        match &self.work {
            MediaWork::Live(session) => Some(session),
            MediaWork::Capture(_) | MediaWork::Clip(_) => None,
        }
    }

    /// Whether the row, which has ended, is removed: captures with a recording after `keep_us` microseconds, everything else
    /// after a day.
    pub fn is_over(&self, now: Micros, keep_us: i64) -> bool {
        let has_recording = self.capture().is_some_and(|capture| capture.file.is_some());
        let is_of_recording = self.clip().is_some_and(|clip| clip.state == ClipState::Ready);
        let kept = if has_recording || is_of_recording { keep_us } else { ENDED_KEEP_S * MICROS_PER_SECOND };
        self.work.is_final() && now.0 >= self.updated_at.0.saturating_add(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_of_the_past_and_short() {
        let now = Micros(1_777_377_600_000_000);
        let ago = |seconds: i64| Micros(now.0 - seconds * MICROS_PER_SECOND);
        let rows = [
            ("sound", ago(60), ago(0), vec![]),
            ("an_hour", ago(3600), ago(0), vec![]),
            ("longer", ago(3601), ago(0), vec!["to"]),
            ("empty", ago(60), ago(60), vec!["from"]),
            ("reversed", ago(60), ago(61), vec!["from"]),
            ("future", ago(60), ago(-1), vec!["to"]),
            ("extreme", Micros(i64::MIN), Micros(i64::MAX), vec!["to", "to"]),
        ];
        for (name, from, to, expected) in rows {
            let problems = ClipRequest::new(from, to, String::new()).problems(now);
            let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_ref()).collect();
            assert_eq!(fields, expected, "{name}");
        }
    }

    #[test]
    fn what_has_ended_is_kept_for_its_time() {
        let file = MediaFile { id: Uuid::nil(), size_bytes: 7, sha256: String::new() };
        let ready =
            Capture { state: CaptureState::Ready, file: Some(file), ..Capture::new(Micros(0), Micros(1)) };
        let job = |work| MediaJob {
            id: 1,
            org: OrgId(1),
            uuid: Uuid::nil(),
            device: DeviceId(1),
            camera_row: DocumentId(1),
            camera: Uuid::nil(),
            work,
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        let day = ENDED_KEEP_S * MICROS_PER_SECOND;
        let pending = job(MediaWork::Capture(Capture::new(Micros(0), Micros(1))));
        let failed = job(MediaWork::Capture(Capture::new(Micros(0), Micros(1)).failed("no")));
        let rows = [
            ("pending", &pending, i64::MAX, false),
            ("failed_today", &failed, day - 1, false),
            ("failed_yesterday", &failed, day, true),
        ];
        for (name, row, now, expected) in rows {
            assert_eq!(row.is_over(Micros(now), 10 * day), expected, "{name}");
        }
        let ready = job(MediaWork::Capture(ready));
        assert_eq!((ready.is_over(Micros(10 * day - 1), 10 * day), ready.work.size_bytes()), (false, 7));
        assert!(ready.is_over(Micros(10 * day), 10 * day));
    }
}

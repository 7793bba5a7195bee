//! Files of captures: fetched by signed addresses, without any other credential.

use uuid::Uuid;

use super::captures::Captures;
use crate::app::object_content::ObjectContent;
use crate::auth::signed_path::SignedQuery;
use crate::domain::media::{MediaFile, MediaJob, MediaKind};
use crate::domain::named_enum::named_enum;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope};

/// Lifetime of an address, seconds.
const DOWNLOAD_S: u32 = 15 * 60;

named_enum! {
    /// Which file of a capture.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CaptureFile {
        /// The recording, MP4.
        Recording = "recording.mp4",
        /// A picture of it, JPEG.
        Thumbnail = "thumbnail.jpg",
    }
}

impl CaptureFile {
    /// The file with a name.
    pub fn named(name: &str) -> Option<CaptureFile> {
        CaptureFile::from_name(name)
    }

    fn of(self, job: &MediaJob) -> Option<&MediaFile> {
        let capture = job.capture()?;
        match self {
            CaptureFile::Recording => capture.file.as_ref(),
            CaptureFile::Thumbnail => capture.thumbnail.as_ref(),
        }
    }
}

/// An open file of a capture.
pub struct OpenedMedia {
    pub size_bytes: u64,
    pub content: ObjectContent,
}

impl Captures {
    /// Returns path and query of an address at which a file of a capture can be fetched for a quarter of an hour, and the end
    /// of that time; `None` when the capture has no such file.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`; `Unavailable` when the secret cannot be used.
    pub async fn capture_download(
        &self,
        principal: &Principal,
        capture: Uuid,
        file: CaptureFile,
    ) -> Result<Option<(String, Micros)>> {
        principal.require(Scope::read(Resource::Device))?;
        let job = self.store.catalog().media.media_job(principal, MediaKind::Capture, capture)?;
        if file.of(&job).is_none() {
            return Ok(None);
        }
        let (path, now) = (format!("/media/captures/{capture}/{}", file.name()), self.clock.now());
        let query = self.objects.path_signer().await?.sign("GET", &path, now, DOWNLOAD_S);
        let whole = now.0.div_euclid(MICROS_PER_SECOND).saturating_add(i64::from(DOWNLOAD_S));
        Ok(Some((format!("{path}?{query}"), Micros(whole.saturating_mul(MICROS_PER_SECOND)))))
    }

    /// Opens a file of a capture for the bearer of a signed address.
    ///
    /// # Errors
    /// `Forbidden` for an address that is not ours or whose time is over; `NotFound`; `Unavailable` when the file cannot be
    /// read.
    pub async fn open_capture_file(
        &self,
        (capture, file): (Uuid, CaptureFile),
        path: &str,
        query: SignedQuery<'_>,
    ) -> Result<OpenedMedia> {
        if !self.objects.path_signer().await?.admits("GET", path, query, self.clock.now()) {
            return Err(Error::forbidden("the signature of the address is not valid, or its time is over"));
        }
        let job = self.store.catalog().media.signed_media_job(capture).ok_or_else(Error::not_found)?;
        let MediaFile { id, size_bytes, .. } = file.of(&job).cloned().ok_or_else(Error::not_found)?;
        Ok(OpenedMedia { size_bytes, content: self.objects.open_content(id).await? })
    }
}

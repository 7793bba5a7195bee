//! Requests for what a recorder holds.

use std::sync::Arc;

use uuid::Uuid;

use super::captures::Captures;
use crate::domain::media::{ClipRequest, MediaJob, MediaWork};
use crate::domain::{Error, Principal, Resource, Result, Scope};

impl Captures {
    /// Asks for a clip of a camera.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `Invalid` for the range and for a camera that is not visible;
    /// `Conflict` for a camera without a recorder; as `MediaCatalog::create_media_job`.
    pub async fn request_clip(
        &self,
        principal: &Principal,
        camera: Uuid,
        clip: ClipRequest,
    ) -> Result<Arc<MediaJob>> {
        principal.require(Scope::write(Resource::Device))?;
        Error::check(clip.problems(self.clock.now()))?;
        let found =
            self.cameras.camera(principal, camera).map_err(|_| Error::field("camera", "does not exist"))?;
        if found.1.dvr.is_none() {
            return Err(Error::conflict(format!("Camera {camera} has no dvrUrl")));
        }
        let (job, _) =
            self.store.catalog().media.create_media_job(principal, camera, MediaWork::Clip(clip)).await?;
        self.work.notify_one();
        Ok(job)
    }
}

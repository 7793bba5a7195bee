//! Cameras: their rows, and what the newest probe has found.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

use super::MediaSettings;
pub use super::camera_health::{CameraHealth, CameraStatus};
use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::collect::AllowedNetworks;
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{CameraSpec, Document, DocumentContent, DocumentKind, DocumentSpec};
use crate::domain::media::address::CameraKind;
use crate::domain::ports::HttpClient;
use crate::domain::{Clock, DocumentId, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

const KIND: DocumentKind = DocumentKind::Camera;

/// Cameras, and what the newest probe of each has found.
pub struct Cameras {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    documents: Arc<Documents>,
    /// Asks cameras with an address of HTTP.
    pub(super) web: Arc<dyn HttpClient>,
    /// Video devices of this machine that cameras may be.
    devices: Vec<String>,
    /// Networks in which RTSP cameras may be.
    pub(super) networks: AllowedNetworks,
    /// Results of the newest probes, by camera.
    pub(super) health: Mutex<HashMap<DocumentId, CameraHealth>>,
    /// Told when there is a camera that was not probed.
    pub(super) unprobed: Notify,
}

impl Cameras {
    pub(super) fn new(
        parts: &CoreParts,
        documents: Arc<Documents>,
        web: Arc<dyn HttpClient>,
        settings: &MediaSettings,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            documents,
            web,
            devices: settings.devices.clone(),
            networks: settings.networks.clone(),
            health: Mutex::default(),
            unprobed: Notify::new(),
        }
    }

    /// Returns what the newest probe of a camera has found.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a camera that is not visible.
    pub fn camera_health(&self, principal: &Principal, camera: &Document) -> Result<CameraHealth> {
        let row = self.documents.document(principal, KIND, camera.uuid)?;
        Ok(self.health.lock().get(&row.id).copied().unwrap_or_default())
    }

    /// Returns a camera with its settings.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub(super) fn camera(&self, principal: &Principal, id: Uuid) -> Result<(Arc<Document>, CameraSpec)> {
        principal.require(Scope::read(Resource::Device))?;
        let row = self.documents.document(principal, KIND, id)?;
        let spec = row.camera().cloned().ok_or_else(Error::not_found)?;
        Ok((row, spec))
    }

    /// Creates a camera, which is probed at once.
    ///
    /// # Errors
    /// The errors of `Documents::create_document`; `Invalid` for a video device that is not configured.
    pub async fn create_camera(&self, principal: &Principal, spec: CameraSpec) -> Result<Arc<Document>> {
        self.documents.check_may_change_documents(principal, KIND)?;
        self.check_device(&spec)?;
        let row = self.documents.create_document(principal, DocumentSpec::Camera(spec)).await?;
        self.unprobed.notify_one();
        Ok(row)
    }

    /// Replaces a camera. An address that is not changed keeps its password.
    ///
    /// # Errors
    /// The errors of `Documents::update_document`; `Invalid` for a video device that is not configured.
    pub async fn replace_camera(
        &self,
        principal: &Principal,
        id: Uuid,
        mut spec: CameraSpec,
    ) -> Result<Arc<Document>> {
        self.documents.check_may_change_documents(principal, KIND)?;
        self.check_device(&spec)?;
        let change = move |stored: &mut DocumentSpec| {
            if let DocumentSpec::Camera(old) = &*stored {
                spec.stream.keep_password(&old.stream);
                let dvr: Option<&CameraAddress> = old.dvr.as_ref();
                if let (Some(new), Some(old)) = (&mut spec.dvr, dvr) {
                    new.keep_password(old);
                }
            }
            *stored = DocumentSpec::Camera(spec);
        };
        let row = self.documents.update_document(principal, (KIND, id), None, change).await?;
        self.unprobed.notify_one();
        Ok(row)
    }

    /// Checks that a video device of this machine is one of those that cameras may be.
    fn check_device(&self, spec: &CameraSpec) -> Result<()> {
        Error::check(spec.problems())?;
        let is_allowed = self.devices.contains(&spec.stream.text);
        if spec.kind == CameraKind::V4l2 && !is_allowed {
            let message = "is no video device that cameras may be: media.devices lists these";
            return Err(Error::field("stream_url", message));
        }
        Ok(())
    }
}

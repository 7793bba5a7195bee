//! Capture rules as they are in force: without cameras that were deleted, and not at all when what they match was deleted.

use std::sync::Arc;

use uuid::Uuid;

use super::captures::Captures;
use crate::domain::document::{CaptureRuleSpec, Document, DocumentKind};
use crate::domain::media::{MediaJob, MediaKind};
use crate::domain::{Error, Principal, Resource, Result, Scope, StreamId};

/// A capture rule, and what is left of what it names.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureRule {
    /// The rule. Cameras that were deleted are not among its cameras, and without any it is switched off.
    pub spec: CaptureRuleSpec,
    /// Device that it is for, by its id in APIs.
    pub device: Option<Uuid>,
    /// Stream that it is for, by its id in APIs.
    pub sensor: Option<Uuid>,
}

impl Captures {
    /// Returns a rule as it is in force.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `Internal` for a document of another kind.
    pub fn capture_rule(&self, principal: &Principal, row: &Document) -> Result<CaptureRule> {
        principal.require(Scope::read(Resource::Device))?;
        let spec = row.capture_rule().ok_or_else(|| Error::internal("a capture rule is of another kind"))?;
        let mut spec = spec.clone();
        let catalog = self.store.catalog();
        spec.cameras
            .retain(|camera| catalog.documents.document(principal, DocumentKind::Camera, *camera).is_ok());
        let device = spec.matches.device.and_then(|id| catalog.devices.device(principal, id).ok());
        let sensor = spec.matches.sensor.and_then(|id| catalog.streams.stream(principal, id).ok());
        let is_whole = device.is_some() == spec.matches.device.is_some()
            && sensor.is_some() == spec.matches.sensor.is_some();
        spec.enabled &= is_whole && !spec.cameras.is_empty();
        let (device, sensor) = (device.map(|device| device.aliases.uuid), sensor.map(|stream| stream.uuid));
        Ok(CaptureRule { spec, device, sensor })
    }

    /// Returns the stream that a rule is to be for, by its id in APIs.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub fn stream_of_rule(&self, principal: &Principal, id: Uuid) -> Result<StreamId> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().streams.stream_by_uuid(principal, id)?.id)
    }

    /// Returns the captures, clips or live sessions that the principal sees, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn media_jobs(&self, principal: &Principal, kind: MediaKind) -> Result<Vec<Arc<MediaJob>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().media.media_jobs(principal, kind))
    }

    /// Returns a capture, a clip or a live session.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub fn media_job(&self, principal: &Principal, kind: MediaKind, id: Uuid) -> Result<Arc<MediaJob>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().media.media_job(principal, kind, id)
    }
}

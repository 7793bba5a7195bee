//! Facts that each kind of document tells about itself, and the rows that documents name.

use uuid::Uuid;

use super::DocumentKind;
use crate::domain::notification::ChannelSecret;
use crate::domain::{DeviceId, FieldError, Result, StreamId};

/// Another row that a document refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentReference {
    /// Field of the document that names it.
    pub field: String,
    /// The row.
    pub target: ReferenceTarget,
}

/// A row that can be referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceTarget {
    /// A device.
    Device(DeviceId),
    /// A document of a kind.
    Document(DocumentKind, Uuid),
}

impl DocumentReference {
    /// A reference in a field.
    pub fn new(field: impl Into<String>, target: ReferenceTarget) -> Self {
        Self { field: field.into(), target }
    }
}

/// Rows that a caller sees.
pub trait RowVisibility {
    /// Whether the caller sees a device.
    fn sees_device(&self, id: DeviceId) -> bool;

    /// Whether the caller sees a stream.
    fn sees_stream(&self, id: StreamId) -> bool;

    /// Whether the caller sees a stream, by its id in APIs.
    fn sees_sensor(&self, uuid: Uuid) -> bool;

    /// Whether the caller sees a document.
    fn sees_row(&self, kind: DocumentKind, uuid: Uuid) -> bool;
}

/// Content of one kind of document. The defaults are those of a kind that belongs to the whole organization and names no
/// other row but the pack that installed it.
pub trait DocumentContent {
    /// Name that no other document of its kind and organization has.
    fn unique_name(&self) -> String;

    /// Field of [`DocumentContent::unique_name`], for the error when it is taken.
    fn unique_title(&self) -> String;

    /// Checks every rule that needs no other row.
    fn problems(&self) -> Vec<FieldError>;

    /// Device with which the document is seen and deleted, if it belongs to one.
    fn device(&self) -> Option<DeviceId> {
        None
    }

    /// Another device with which the document is seen and deleted as well.
    fn second_device(&self) -> Option<DeviceId> {
        None
    }

    /// Pack that installed it.
    fn pack(&self) -> Option<Uuid> {
        None
    }

    /// The pack that installed it, for a kind that packs install.
    fn pack_mut(&mut self) -> Option<&mut Option<Uuid>> {
        None
    }

    /// Other rows that the document names. They must exist when it is written.
    fn references(&self) -> Vec<DocumentReference> {
        let pack = self.pack().map(|id| ReferenceTarget::Document(DocumentKind::Pack, id));
        pack.map(|target| DocumentReference::new("pack", target)).into_iter().collect()
    }

    /// Rows that the document keeps from being deleted. Other references end with their target.
    fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        self.pack().map(|id| ReferenceTarget::Document(DocumentKind::Pack, id)).into_iter().collect()
    }

    /// Secrets of the document as one text. They are no part of its JSON: the catalog keeps them in a column of their own.
    fn secret(&self) -> Option<ChannelSecret> {
        None
    }

    /// Puts the secrets back that were stored apart.
    fn set_secret(&mut self, _stored: ChannelSecret) {}

    /// Leaves out of the JSON what SQL and the graph do not show.
    fn hide_confidential(&mut self) {}

    /// Leaves out the rows that a caller does not see, of those that a document names and is seen without.
    fn retain_visible(&mut self, _rows: &dyn RowVisibility) {}

    /// Checks that what is stored may be replaced by this.
    ///
    /// # Errors
    /// `Conflict` for what is fixed.
    fn check_change(&self, _stored: &Self) -> Result<()>
    where
        Self: Sized,
    {
        Ok(())
    }
}

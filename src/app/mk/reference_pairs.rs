//! Reference pairs: what a request says of one, completed by the devices of its components.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::document::Documents;
use crate::domain::document::{DocumentContent, DocumentKind, ReferencePairSpec};
use crate::domain::{DeviceId, FieldError, Micros, Principal, Resource, Result, Scope};

/// Settable fields of a pair, as a request gives them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReferencePairFields {
    /// At most 255 characters.
    pub name: Option<String>,
    /// Component that is observed.
    pub primary: Uuid,
    /// Component that it is compared with, another one.
    pub reference: Uuid,
    /// Begin of the time.
    pub valid_from: Micros,
    /// End of the time, which does not belong to it; `None` while it lasts.
    pub valid_to: Option<Micros>,
    /// User-defined, at most 16 KiB of JSON.
    pub metadata: Map<String, Value>,
}

impl Documents {
    /// Completes a pair by the devices of its components. What is wrong with it is returned beside it.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn reference_pair(
        &self,
        principal: &Principal,
        fields: ReferencePairFields,
    ) -> Result<(ReferencePairSpec, Vec<FieldError>)> {
        principal.require(Scope::read(Resource::Device))?;
        let mut problems = Vec::new();
        let mut device = |field: &'static str, component: Uuid| {
            let found = self.document(principal, DocumentKind::Component, component).ok();
            let device = found.and_then(|row| row.spec.device());
            if device.is_none() {
                problems.push(FieldError::new(field, "does not exist"));
            }
            // Without a device there is a problem, and the pair is not stored.
            device.unwrap_or(DeviceId(0))
        };
        let primary_device = device("primary_component", fields.primary);
        let reference_device = device("reference_component", fields.reference);
        let spec = ReferencePairSpec {
            handle: Uuid::new_v4(),
            name: fields.name,
            primary: fields.primary,
            reference: fields.reference,
            primary_device,
            reference_device,
            valid_from: fields.valid_from,
            valid_to: fields.valid_to,
            metadata: fields.metadata,
        };
        problems.extend(spec.problems());
        Ok((spec, problems))
    }
}

//! Artefacts and bindings as documents: their names, and the rows that they refer to.

use super::{DocumentContent, DocumentKind, DocumentReference, ReferenceTarget};
use crate::domain::configuration::artefact::{Artefact, ProfileType};
use crate::domain::configuration::binding::{Binding, TargetType};
use crate::domain::{DeviceId, Error, FieldError, Result};

impl Artefact {
    /// The profile that the content is written for.
    pub(super) fn profile_target(&self) -> ReferenceTarget {
        let kind = match self.spec.profile_type {
            ProfileType::SensorProfile => DocumentKind::SensorProfile,
            ProfileType::DeviceProfile => DocumentKind::DeviceProfile,
        };
        ReferenceTarget::Document(kind, self.spec.profile)
    }
}

impl DocumentContent for Artefact {
    fn unique_name(&self) -> String {
        format!("{}@{}", self.spec.name, self.version)
    }

    fn unique_title(&self) -> String {
        format!("Version {} of the artefact '{}' exists", self.version, self.spec.name)
    }

    fn problems(&self) -> Vec<FieldError> {
        self.spec.problems()
    }

    fn references(&self) -> Vec<DocumentReference> {
        vec![DocumentReference::new("profile", self.profile_target())]
    }

    fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        vec![self.profile_target()]
    }

    fn check_change(&self, _stored: &Self) -> Result<()> {
        Err(Error::conflict("an artefact cannot be changed"))
    }
}

impl DocumentContent for Binding {
    fn unique_name(&self) -> String {
        format!("{}/{}/{}", self.spec.target_type.name(), self.spec.target, self.artefact_name)
    }

    fn unique_title(&self) -> String {
        let (kind, target) = (self.spec.target_type.name(), self.spec.target);
        format!("{kind} {target} has a binding of the artefact '{}' already", self.artefact_name)
    }

    fn problems(&self) -> Vec<FieldError> {
        Vec::new()
    }

    fn device(&self) -> Option<DeviceId> {
        self.device
    }

    fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        vec![ReferenceTarget::Document(DocumentKind::Artefact, self.spec.artefact)]
    }

    fn references(&self) -> Vec<DocumentReference> {
        let artefact = ReferenceTarget::Document(DocumentKind::Artefact, self.spec.artefact);
        let target = match (self.spec.target_type.document_kind(), self.device) {
            (Some(kind), _) => Some(ReferenceTarget::Document(kind, self.spec.target)),
            (None, device) => device.map(ReferenceTarget::Device),
        };
        let target = target.map(|target| DocumentReference::new("target", target));
        [Some(DocumentReference::new("artefact", artefact)), target].into_iter().flatten().collect()
    }
}

impl TargetType {
    /// Kind of the documents that are targets of this type; `None` for devices, which are no documents.
    pub fn document_kind(self) -> Option<DocumentKind> {
        match self {
            TargetType::SensorProfile => Some(DocumentKind::SensorProfile),
            TargetType::DeviceProfile => Some(DocumentKind::DeviceProfile),
            TargetType::DeviceGroup => Some(DocumentKind::DeviceGroup),
            TargetType::Component => Some(DocumentKind::Component),
            TargetType::Device => None,
        }
    }
}

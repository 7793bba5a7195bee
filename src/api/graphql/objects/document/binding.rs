//! Type of desired-state bindings of the schema.

use std::sync::Arc;

use async_graphql::Object;

use super::artefact::ConfigArtefact;
use super::{DocumentNode, document_object, find};
use crate::api::graphql::objects::device::Device;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::app::App;
use crate::app::mk::configuration::BindingOverview;
use crate::domain::Principal;
use crate::domain::document::{Document, DocumentKind};

/// The configuration that a target is to have.
pub struct DesiredStateBinding(BindingOverview);

impl DocumentNode for DesiredStateBinding {
    const KIND: DocumentKind = DocumentKind::Binding;

    fn of(app: &App, who: &Principal, document: Arc<Document>) -> Option<Self> {
        app.mk.configurations.binding_overview(who, document).map(DesiredStateBinding)
    }

    fn document(&self) -> &Arc<Document> {
        &self.0.document
    }
}

document_object! {
    #[Object]
    /// The configuration that a device, a component, a group or every device of a profile is to have, and how far it is.
    impl DesiredStateBinding(self) {
        /// Kind of the target: `DEVICE`, `COMPONENT`, `DEVICE_GROUP`, `DEVICE_PROFILE` or `SENSOR_PROFILE`.
        target_type: &'static str = self.0.binding.spec.target_type.name();
        /// UUID of the target: of a device, component, group or profile.
        target_id: String = self.0.binding.spec.target.to_string();
        /// Version of the artefact that the target is to have.
        desired_version: u32 = self.0.binding.desired_version;
        /// How far the target's devices are: `PENDING`, `IN_PROGRESS`, `ACCEPTED`, `REJECTED` or `FAILED`; of several the
        /// worst.
        status: &'static str = self.0.status.name();
        /// Version that a device reported; null before the first report.
        reported_version: Option<u32> = self.0.report.as_ref().map(|report| report.version);
        /// Hash of the content as a device has it; null for none.
        reported_hash: Option<&str> = self.0.report.as_ref().and_then(|report| report.hash.as_deref());
        /// Time of the report; null before the first.
        reported_at: Option<DateTime> = self.0.report.as_ref().map(|report| DateTime(report.reported_at));
        /// Explanation of the device that reported; null for none.
        message: Option<&str> = self.0.report.as_ref().and_then(|report| report.message.as_deref());
    }
    with ctx {
        /// Device that the target is, or that its component belongs to; null for other targets.
        device: Option<Device> = Ok(rows::device(ctx, self.0.binding.device)?.map(Device));
        /// Artefact that the target is to have: the newest version of its name.
        config_artefact: Option<ConfigArtefact> = find(ctx, self.0.binding.spec.artefact);
    }
}

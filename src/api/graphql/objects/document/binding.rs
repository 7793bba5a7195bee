//! Type of desired-state bindings of the schema.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::artefact::ConfigArtefact;
use super::{DocumentHead, DocumentNode, find};
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
        app.binding_overview(who, document).map(DesiredStateBinding)
    }

    fn document(&self) -> &Arc<Document> {
        &self.0.document
    }
}

/// The configuration that a device, a component, a group or every device of a profile is to have, and how far it is.
#[Object]
impl DesiredStateBinding {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document.clone())
    }

    /// Kind of the target: `DEVICE`, `COMPONENT`, `DEVICE_GROUP`, `DEVICE_PROFILE` or `SENSOR_PROFILE`.
    async fn target_type(&self) -> &'static str {
        self.0.binding.spec.target_type.name()
    }

    /// UUID of the target: of a device, component, group or profile.
    async fn target_id(&self) -> String {
        self.0.binding.spec.target.to_string()
    }

    /// Device that the target is, or that its component belongs to; null for other targets.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        match self.0.binding.device {
            Some(id) => Ok(rows::device(ctx, id)?.map(Device)),
            None => Ok(None),
        }
    }

    /// Artefact that the target is to have: the newest version of its name.
    async fn config_artefact(&self, ctx: &Context<'_>) -> Result<Option<ConfigArtefact>> {
        find(ctx, self.0.binding.spec.artefact)
    }

    /// Version of the artefact that the target is to have.
    async fn desired_version(&self) -> u32 {
        self.0.binding.desired_version
    }

    /// How far the target's devices are: `PENDING`, `IN_PROGRESS`, `ACCEPTED`, `REJECTED` or `FAILED`; of several the
    /// worst.
    async fn status(&self) -> &'static str {
        self.0.status.name()
    }

    /// Version that a device reported; null before the first report.
    async fn reported_version(&self) -> Option<u32> {
        self.0.report.as_ref().map(|report| report.version)
    }

    /// Hash of the content as a device has it; null for none.
    async fn reported_hash(&self) -> Option<&str> {
        self.0.report.as_ref().and_then(|report| report.hash.as_deref())
    }

    /// Time of the report; null before the first.
    async fn reported_at(&self) -> Option<DateTime> {
        self.0.report.as_ref().map(|report| DateTime(report.reported_at))
    }

    /// Explanation of the device that reported; null for none.
    async fn message(&self) -> Option<&str> {
        self.0.report.as_ref().and_then(|report| report.message.as_deref())
    }
}

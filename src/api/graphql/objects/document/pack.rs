//! Pack type of the schema.

use async_graphql::{Context, Object, Result};

use super::annotation_class::AnnotationClass;
use super::dashboard::Dashboard;
use super::profile::{DeviceProfile, SensorProfile};
use super::{DocumentHead, TypedDocument, find_all, typed_document};
use crate::api::graphql::paging;
use crate::domain::document::PackSpec;

/// Documents that a pack is taken to have of each kind, for the complexity of a document; it may have 256.
const USUAL_MEMBERS: usize = 16;

/// A pack: documents that were installed together.
pub struct Pack(TypedDocument<PackSpec>);

typed_document!(Pack, PackSpec, pack);

/// A pack: profiles, annotation classes and dashboards that were installed together. An installed pack never changes.
#[Object]
impl Pack {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Key of 1 to 128 characters, unique with the version.
    async fn key(&self) -> Result<&str> {
        Ok(&self.0.content()?.key)
    }

    /// Version of the pack, 1 to 64 characters.
    async fn version(&self) -> Result<&str> {
        Ok(&self.0.content()?.version)
    }

    /// Name of the pack, 1 to 255 characters.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Sensor profiles of the pack, in the order of its installation.
    #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
    async fn sensor_profiles(&self, ctx: &Context<'_>) -> Result<Vec<SensorProfile>> {
        find_all(ctx, &self.0.content()?.sensor_profiles)
    }

    /// Device profiles of the pack, in the order of its installation.
    #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
    async fn device_profiles(&self, ctx: &Context<'_>) -> Result<Vec<DeviceProfile>> {
        find_all(ctx, &self.0.content()?.device_profiles)
    }

    /// Annotation classes of the pack, in the order of its installation.
    #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
    async fn annotation_classes(&self, ctx: &Context<'_>) -> Result<Vec<AnnotationClass>> {
        find_all(ctx, &self.0.content()?.annotation_classes)
    }

    /// Dashboards of the pack, in the order of its installation.
    #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
    async fn dashboards(&self, ctx: &Context<'_>) -> Result<Vec<Dashboard>> {
        find_all(ctx, &self.0.content()?.dashboards)
    }
}

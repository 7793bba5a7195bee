//! Pack type of the schema.

use async_graphql::Object;

use super::annotation_class::AnnotationClass;
use super::dashboard::Dashboard;
use super::profile::{DeviceProfile, SensorProfile};
use super::{TypedDocument, document_object, find_all, typed_document};
use crate::api::graphql::paging;
use crate::domain::document::PackSpec;

/// Documents that a pack is taken to have of each kind, for the complexity of a document; it may have 256.
const USUAL_MEMBERS: usize = 16;

/// A pack: documents that were installed together.
pub struct Pack(TypedDocument<PackSpec>);

typed_document!(Pack, PackSpec, pack);

document_object! {
    #[Object]
    /// A pack: profiles, annotation classes and dashboards that were installed together. An installed pack never changes.
    impl Pack(self) {
        /// Key of 1 to 128 characters, unique with the version.
        key: &str = &self.0.content()?.key;
        /// Version of the pack, 1 to 64 characters.
        version: &str = &self.0.content()?.version;
        /// Name of the pack, 1 to 255 characters.
        name: &str = &self.0.content()?.name;
    }
    with ctx {
        /// Sensor profiles of the pack, in the order of its installation.
        #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
        sensor_profiles: Vec<SensorProfile> = find_all(ctx, &self.0.content()?.sensor_profiles);
        /// Device profiles of the pack, in the order of its installation.
        #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
        device_profiles: Vec<DeviceProfile> = find_all(ctx, &self.0.content()?.device_profiles);
        /// Annotation classes of the pack, in the order of its installation.
        #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
        annotation_classes: Vec<AnnotationClass> = find_all(ctx, &self.0.content()?.annotation_classes);
        /// Dashboards of the pack, in the order of its installation.
        #[graphql(complexity = "paging::cost_of(USUAL_MEMBERS, child_complexity)")]
        dashboards: Vec<Dashboard> = find_all(ctx, &self.0.content()?.dashboards);
    }
}

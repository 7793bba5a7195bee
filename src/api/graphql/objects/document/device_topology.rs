//! A device as the MK platform knows it: its tags, its place, and the documents that belong to it.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::DocumentNode;
use super::binding::DesiredStateBinding;
use super::component::Component;
use super::device_group::DeviceGroup;
use super::profile::DeviceProfile;
use super::site::{GeoLocation, Site};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::object::object;
use crate::api::graphql::paging;
use crate::app::mk::device::is_member;
use crate::domain::device::Device;

/// Documents of a kind that a device is taken to have, for the complexity of a document.
const USUAL_DOCUMENTS: usize = 16;

/// A device as the MK platform knows it.
pub struct DeviceTopology(pub Arc<Device>);

object! {
    #[Object]
    impl DeviceTopology(self) {
        /// Tags of the device, at most 50.
        tags: &[String] = &self.0.topology.tags;
        /// Location of the device; null if it is not known.
        location: Option<GeoLocation> = self.0.topology.location.map(GeoLocation::from);
        /// Version of its firmware as it reported it last; null for none.
        firmware_version: Option<&str> = self.0.topology.firmware_version.as_deref();
    }
    with ctx {
        /// Components of the device, the oldest first.
        #[graphql(complexity = "paging::cost_of(USUAL_DOCUMENTS, child_complexity)")]
        components: Vec<Component> = self.own_documents(ctx);
        /// Bindings of the device itself and of its components; those of its groups and profiles are elsewhere.
        #[graphql(complexity = "paging::cost_of(USUAL_DOCUMENTS, child_complexity)")]
        desired_state_bindings: Vec<DesiredStateBinding> = self.own_documents(ctx);
        /// Site of the device; null for none.
        site: Option<Site> = super::find(ctx, self.0.topology.site);
        /// Profile of the device; null for none.
        device_profile: Option<DeviceProfile> = super::find(ctx, self.0.topology.device_profile);
    }
    resolvers {
        /// Groups that the device is in, the oldest first.
        #[graphql(complexity = "paging::cost_of(USUAL_DOCUMENTS, child_complexity)")]
        async fn device_groups(&self, ctx: &Context<'_>) -> Result<Vec<DeviceGroup>> {
            let mut groups: Vec<DeviceGroup> = super::all(ctx)?;
            groups.retain(|group| is_member(&self.0, group.document()));
            Ok(groups)
        }
    }
}

impl DeviceTopology {
    fn own_documents<N: DocumentNode>(&self, ctx: &Context<'_>) -> Result<Vec<N>> {
        let (app, who) = (app(ctx), caller(ctx));
        let rows = app.documents.documents_of_device(who, self.0.id)?.into_iter();
        Ok(rows.filter_map(|document| N::of(app, who, document)).collect())
    }
}

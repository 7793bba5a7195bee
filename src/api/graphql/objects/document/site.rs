//! Site type of the schema.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{DocumentHead, TypedDocument, typed_document};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::objects::device::{Device, devices_page};
use crate::api::graphql::paging::{self, ConnectionArgs, NodeConnection};
use crate::domain::device::DeviceFilter;
use crate::domain::document::SiteSpec;
use crate::domain::topology;

/// A site: a place with devices.
pub struct Site(TypedDocument<SiteSpec>);

typed_document!(Site, SiteSpec, site);

/// A site: a place with devices.
#[Object]
impl Site {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Name of the site, 1 to 255 characters, unique in the organization.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Free-text description of the site; null for none.
    async fn description(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.description.as_deref())
    }

    /// Postal address of the site; null for none.
    async fn address(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.address.as_deref())
    }

    /// Where the site is; null when that is not known.
    async fn location(&self) -> Result<Option<GeoLocation>> {
        Ok(self.0.content()?.location.map(GeoLocation::from))
    }

    /// Name of its time zone, such as `Europe/Berlin`.
    async fn timezone(&self) -> Result<&str> {
        Ok(&self.0.content()?.timezone)
    }

    /// Devices at the site that the caller may read.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn devices(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
        #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
    ) -> Result<NodeConnection<Device>> {
        let mut devices = app(ctx).devices.devices(caller(ctx), &DeviceFilter::default())?;
        let site = Some(self.0.document().uuid);
        devices.retain(|device| device.topology.site == site);
        devices_page(devices, ConnectionArgs { first, after, last, before }, order_by)
    }
}

/// A place on the earth.
#[derive(SimpleObject)]
pub struct GeoLocation {
    /// Degrees north of the equator, -90 to 90.
    lat: f64,
    /// Degrees east of Greenwich, -180 to 180.
    lon: f64,
    /// Metres above sea level; null when that is not known.
    altitude: Option<f64>,
}

impl From<topology::GeoLocation> for GeoLocation {
    fn from(topology::GeoLocation { lat, lon, altitude }: topology::GeoLocation) -> Self {
        Self { lat, lon, altitude }
    }
}

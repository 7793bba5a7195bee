//! Site type of the schema.

use async_graphql::{Object, SimpleObject};

use super::{TypedDocument, document_object, typed_document};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::objects::device::{Device, devices_page};
use crate::domain::device::DeviceFilter;
use crate::domain::document::SiteSpec;
use crate::domain::topology;

/// A site: a place with devices.
pub struct Site(TypedDocument<SiteSpec>);

typed_document!(Site, SiteSpec, site);

document_object! {
    #[Object]
    /// A site: a place with devices.
    impl Site(self) {
        /// Name of the site, 1 to 255 characters, unique in the organization.
        name: &str = &self.0.content()?.name;
        /// Free-text description of the site; null for none.
        description: Option<&str> = self.0.content()?.description.as_deref();
        /// Postal address of the site; null for none.
        address: Option<&str> = self.0.content()?.address.as_deref();
        /// Location of the site; null if it is not known.
        location: Option<GeoLocation> = self.0.content()?.location.map(GeoLocation::from);
        /// Name of its time zone, such as `Europe/Berlin`.
        timezone: &str = &self.0.content()?.timezone;
    }
    pages(ctx, page, child_complexity) {
        /// Devices at the site that the caller may read.
        devices(#[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder): Device = {
            let mut devices = app(ctx).devices.devices(caller(ctx), &DeviceFilter::default())?;
            let site = Some(self.0.document().uuid);
            devices.retain(|device| device.topology.site == site);
            devices_page(devices, page, order_by)
        };
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

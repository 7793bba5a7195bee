//! Places on the wire: `{"lat", "lon", "altitude"}`.

use utoipa::openapi::Schema;

use super::body::Fields;
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, required};
use super::noun::schemas;
use crate::api::openapi::schema;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::{ShownRow, ShownValue};
use crate::domain::topology::GeoLocation;

impl MkNoun for GeoLocation {
    fn blank() -> Self {
        GeoLocation { lat: 0.0, lon: 0.0, altitude: None }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let GeoLocation { lat, lon, altitude } = self;
        let (degrees_north, degrees_east) =
            (|| schema::number_within(-90.0, 90.0), || schema::number_within(-180.0, 180.0));
        visitor.visit(required("lat", "Latitude, degrees north of the equator.", degrees_north), lat);
        visitor.visit(required("lon", "Longitude, degrees east of Greenwich.", degrees_east), lon);
        let metres = || schema::nullable(schema::number());
        visitor.visit(omittable("altitude", "Height in metres above sea level.", metres), altitude);
    }
}

impl ShowValue for GeoLocation {
    fn show(&mut self) -> ShownValue {
        ShownValue::Row(ShownRow::take(self))
    }
}

/// A place without both of its coordinates is none.
impl FieldType for GeoLocation {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        let mut nested = fields.nested(name)?;
        nested.required("lat");
        nested.required("lon");
        let (lat, lon, altitude) = (nested.number("lat"), nested.number("lon"), nested.number("altitude"));
        fields.absorb(nested);
        Some(GeoLocation { lat: lat?, lon: lon?, altitude })
    }
}

/// The schema.
pub fn schema() -> Schema {
    schema::object(&schemas::fields::<GeoLocation>())
}

//! Places on the wire: `{"lat", "lon", "altitude"}`.

use serde::Serialize;
use utoipa::openapi::Schema;

use super::body::Fields;
use crate::api::openapi::schema;
use crate::domain::topology::GeoLocation;

/// A place in a response.
#[derive(Serialize)]
pub struct LocationView {
    lat: f64,
    lon: f64,
    altitude: Option<f64>,
}

impl From<GeoLocation> for LocationView {
    fn from(GeoLocation { lat, lon, altitude }: GeoLocation) -> Self {
        LocationView { lat, lon, altitude }
    }
}

/// Reads the member `location`.
pub fn read(fields: &mut Fields) -> Option<GeoLocation> {
    let mut nested = fields.nested("location")?;
    nested.required("lat");
    nested.required("lon");
    let (lat, lon, altitude) = (nested.number("lat"), nested.number("lon"), nested.number("altitude"));
    fields.absorb(nested);
    Some(GeoLocation { lat: lat?, lon: lon?, altitude })
}

/// The schema.
pub fn schema() -> Schema {
    schema::object(&[
        schema::required("lat", schema::number_within(-90.0, 90.0)),
        schema::required("lon", schema::number_within(-180.0, 180.0)),
        schema::omittable("altitude", schema::nullable(schema::number())),
    ])
}

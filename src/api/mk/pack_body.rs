//! The body of a pack that is to be installed.

use super::body::Fields;
use super::noun::reader::read_row;
use super::problem::MkError;
use super::profiles::{DeviceProfileRow, SensorProfileRow};
use super::{annotation_classes, dashboards};
use crate::api::openapi::schema::{self, FieldSchema};
use crate::domain::FieldError;
use crate::domain::document::pack::MAX_PACK_PROFILES;
use crate::domain::document::{DashboardSpec, DeviceProfileSpec, PackContent, SensorProfileSpec};

/// Field that no part of the server runs. A pack that has any of it is refused, because it would not be installed whole.
pub const UNSUPPORTED: &str = "jobDefinitions";

/// The fields of the body.
pub fn described() -> Vec<FieldSchema> {
    let rows = |of| schema::list_of(schema::reference(of), 0, MAX_PACK_PROFILES);
    let mut fields = described_head();
    fields.push(schema::omittable("sensorProfiles", rows("PackSensorProfile")));
    fields.push(schema::omittable("deviceProfiles", rows("PackDeviceProfile")));
    fields.push(schema::omittable("annotationClasses", rows("AnnotationClassBody")));
    fields.push(schema::omittable("dashboards", rows("DashboardBody")));
    fields.push(schema::omittable(UNSUPPORTED, schema::list_of(schema::map(), 0, 0)));
    fields
}

/// The fields that name a pack.
pub fn described_head() -> Vec<FieldSchema> {
    let version = schema::pattern("^[A-Za-z0-9_.+-]{1,64}$");
    vec![
        schema::required("key", schema::pattern("^[A-Za-z0-9_.-]{1,128}$")),
        schema::required("version", schema::described(version, "Version of the pack, such as `1.0.0`.")),
        schema::required("name", schema::text(1, 255)),
    ]
}

/// Reads a pack.
///
/// # Errors
/// 400 with every mistake; 422 naming the parts that cannot be installed.
pub fn read(mut fields: Fields) -> Result<PackContent, MkError> {
    let unsupported = fields.nested_list(UNSUPPORTED, MAX_PACK_PROFILES).is_some_and(|list| !list.is_empty());
    let content = PackContent {
        key: fields.text_or_empty("key"),
        version: fields.text_or_empty("version"),
        name: fields.text_or_empty("name"),
        sensor_profiles: fields.list_of("sensorProfiles", MAX_PACK_PROFILES, read_sensor_profile),
        device_profiles: fields.list_of("deviceProfiles", MAX_PACK_PROFILES, read_device_profile),
        annotation_classes: fields.list_of("annotationClasses", MAX_PACK_PROFILES, annotation_classes::read),
        dashboards: fields.list_of("dashboards", MAX_PACK_PROFILES, read_dashboard),
    };
    fields.finish(content.problems())?;
    if unsupported {
        let problem = FieldError::new(UNSUPPORTED, "must be empty: this server cannot install them");
        return Err(MkError::unprocessable(vec![problem]));
    }
    Ok(content)
}

/// Reads a dashboard of a pack, without a handle, a creator and a pack of its own.
fn read_dashboard(fields: &mut Fields) -> DashboardSpec {
    dashboards::read(fields).content()
}

fn read_sensor_profile(fields: &mut Fields) -> SensorProfileSpec {
    read_row::<SensorProfileRow>(fields).spec
}

fn read_device_profile(fields: &mut Fields) -> DeviceProfileSpec {
    read_row::<DeviceProfileRow>(fields).spec
}

#[cfg(test)]
#[path = "pack_body_tests.rs"]
mod tests;

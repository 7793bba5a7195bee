//! The body of a pack that is to be installed.

use utoipa::openapi::Schema;

use super::body::Fields;
use super::problem::MkError;
use super::{annotation_classes, dashboards};
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::domain::FieldError;
use crate::domain::document::pack::MAX_PACK_PROFILES;
use crate::domain::document::profile::MAX_PARTS;
use crate::domain::document::{
    DashboardSpec, DeviceProfileSpec, PackContent, ProfileComponent, ProfileField, ProfileVersion,
    SensorProfileSpec, ValueType,
};

/// What no part of the server runs. A pack that has any of it is refused, because it would not be installed whole.
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

/// The schemas of the profiles in the body.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    let identity = || {
        vec![
            schema::required("key", schema::pattern("^[A-Za-z0-9_.-]{1,128}$")),
            schema::required("name", schema::text(1, 255)),
            schema::required("version", schema::pattern("^(0|[1-9][0-9]{0,8})[.](0|[1-9][0-9]{0,8})$")),
        ]
    };
    let fields = || schema::list_of(schema::reference("PackField"), 0, MAX_PARTS);
    let components = schema::list_of(schema::reference("ProfileComponent"), 0, MAX_PARTS);
    let (mut sensor, mut device) = (identity(), identity());
    sensor.push(schema::required("fields", fields()));
    device.push(schema::omittable("components", components));
    device.push(schema::omittable("writableFields", fields()));
    let field = [
        schema::required("name", schema::pattern("^[A-Za-z0-9_.-]{1,128}$")),
        schema::required("valueType", schema::choice(ValueType::ALL.map(ValueType::name))),
        schema::omittable("unit", nullable(schema::text(0, 32))),
        schema::omittable("min", nullable(schema::number())),
        schema::omittable("max", nullable(schema::number())),
        schema::optional("required", schema::boolean(), false),
        schema::optional("writable", schema::boolean(), false),
        schema::omittable("arraySize", nullable(schema::integer(1, 1024))),
    ];
    vec![
        ("PackField", schema::body(&field)),
        ("PackSensorProfile", schema::body(&sensor)),
        ("PackDeviceProfile", schema::body(&device)),
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

/// A dashboard as [`DashboardSpec::content`] has it.
fn read_dashboard(fields: &mut Fields) -> DashboardSpec {
    dashboards::read(fields).content()
}

fn read_sensor_profile(fields: &mut Fields) -> SensorProfileSpec {
    fields.required("fields");
    SensorProfileSpec {
        key: fields.text_or_empty("key"),
        name: fields.text_or_empty("name"),
        version: read_version(fields, "version"),
        fields: fields.list_of("fields", MAX_PARTS, read_field),
        pack: None,
    }
}

fn read_device_profile(fields: &mut Fields) -> DeviceProfileSpec {
    DeviceProfileSpec {
        key: fields.text_or_empty("key"),
        name: fields.text_or_empty("name"),
        version: read_version(fields, "version"),
        components: fields.list_of("components", MAX_PARTS, read_component),
        writable_fields: fields.list_of("writableFields", MAX_PARTS, read_field),
        pack: None,
    }
}

fn read_component(fields: &mut Fields) -> ProfileComponent {
    ProfileComponent {
        key: fields.text_or_empty("key"),
        name: fields.text_or_empty("name"),
        sensor_profile_key: fields.text_or_empty("sensorProfileKey"),
        sensor_profile_version: read_version(fields, "sensorProfileVersion"),
    }
}

fn read_field(fields: &mut Fields) -> ProfileField {
    let value_type = fields.required_choice("valueType", &ValueType::ALL, ValueType::name);
    ProfileField {
        name: fields.text_or_empty("name"),
        // Without a type there is a problem, and the reading ends with it.
        value_type: value_type.unwrap_or(ValueType::Double),
        unit: fields.text("unit"),
        min: fields.number("min"),
        max: fields.number("max"),
        required: fields.boolean("required").unwrap_or(false),
        writable: fields.boolean("writable").unwrap_or(false),
        // A size that is no size is refused like 0.
        array_size: fields.integer("arraySize").map(|size| u32::try_from(size).unwrap_or(0)),
    }
}

fn read_version(fields: &mut Fields, name: &str) -> ProfileVersion {
    let text = fields.text_or_empty(name);
    if text.trim().is_empty() {
        fields.problem(name, "must not be blank");
        return ProfileVersion::default();
    }
    text.parse().unwrap_or_else(|_| {
        fields.problem(name, "must be a version such as 1.2");
        ProfileVersion::default()
    })
}

#[cfg(test)]
#[path = "pack_body_tests.rs"]
mod tests;

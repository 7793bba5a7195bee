//! Profile types of the schema: of the readings of a sensor, and of the components of a device.

use async_graphql::Object;

use super::pack::Pack;
use super::{TypedDocument, document_object, find, typed_document};
use crate::api::graphql::object::object;
use crate::api::graphql::paging;
use crate::domain::document::{self, DeviceProfileSpec, SensorProfileSpec};

/// Fields or components that a profile is taken to have, for the complexity of a document; it may have 256.
const USUAL_PARTS: usize = 16;

/// A sensor profile: what the readings of a sensor hold.
pub struct SensorProfile(TypedDocument<SensorProfileSpec>);

typed_document!(SensorProfile, SensorProfileSpec, sensor_profile);

document_object! {
    #[Object]
    /// A version of a sensor profile: what the readings of a sensor hold.
    impl SensorProfile(self) {
        /// Key of 1 to 128 characters, such as `env.temp`; unique with the version.
        key: &str = &self.0.content()?.key;
        /// Name of the profile, 1 to 255 characters.
        name: &str = &self.0.content()?.name;
        /// Version of the profile, such as `1.2`; a version never changes.
        version: String = self.0.content()?.version.to_string();
        /// Fields of a reading, in the order of the profile.
        #[graphql(complexity = "paging::cost_of(USUAL_PARTS, child_complexity)")]
        fields: Vec<ProfileField> = self.0.content()?.fields.iter().cloned().map(ProfileField).collect();
    }
    with ctx {
        /// Pack by which the profile was installed; null for none.
        pack: Option<Pack> = find(ctx, self.0.content()?.pack);
    }
}

/// A device profile: the components of a type of device.
pub struct DeviceProfile(TypedDocument<DeviceProfileSpec>);

typed_document!(DeviceProfile, DeviceProfileSpec, device_profile);

document_object! {
    #[Object]
    /// A version of a device profile: the components of a type of device, and what can be configured of it.
    impl DeviceProfile(self) {
        /// Key of 1 to 128 characters, unique with the version.
        key: &str = &self.0.content()?.key;
        /// Name of the profile, 1 to 255 characters.
        name: &str = &self.0.content()?.name;
        /// Version of the profile, such as `1.2`; a version never changes.
        version: String = self.0.content()?.version.to_string();
        /// Components of such a device, in the order of the profile.
        #[graphql(complexity = "paging::cost_of(USUAL_PARTS, child_complexity)")]
        components: Vec<ProfileComponent> =
            self.0.content()?.components.iter().cloned().map(ProfileComponent).collect();
        /// Fields that a configuration of such a device may set.
        #[graphql(complexity = "paging::cost_of(USUAL_PARTS, child_complexity)")]
        writable_fields: Vec<ProfileField> =
            self.0.content()?.writable_fields.iter().cloned().map(ProfileField).collect();
    }
    with ctx {
        /// Pack by which the profile was installed; null for none.
        pack: Option<Pack> = find(ctx, self.0.content()?.pack);
    }
}

/// A field of the readings of a sensor, or of a device's configuration.
pub struct ProfileField(pub document::ProfileField);

object! {
    #[Object]
    /// A field of the readings of a sensor, or of a device's configuration.
    impl ProfileField(self) {
        /// Name of the field, unique in the profile.
        name: &str = &self.0.name;
        /// Type of its values: `DOUBLE`, `BIGINT`, `BOOLEAN` or `TEXT`.
        value_type: &'static str = self.0.value_type.name();
        /// Engineering unit of the values; null for none.
        unit: Option<&str> = self.0.unit.as_deref();
        /// Smallest value that is accepted; null for no bound.
        min: Option<f64> = self.0.min;
        /// Largest value that is accepted; null for no bound.
        max: Option<f64> = self.0.max;
        /// Whether every reading must have the field.
        required: bool = self.0.required;
        /// Whether a configuration may set the field.
        writable: bool = self.0.writable;
        /// Number of elements of a field that is an array; null for a single value.
        array_size: Option<u32> = self.0.array_size;
    }
}

/// A component of a device profile.
pub struct ProfileComponent(pub document::ProfileComponent);

object! {
    #[Object]
    /// A component of a device profile.
    impl ProfileComponent(self) {
        /// Key of the component on its device.
        key: &str = &self.0.key;
        /// Name of the component, 1 to 255 characters.
        name: &str = &self.0.name;
        /// Key of the sensor profile of its readings.
        sensor_profile_key: &str = &self.0.sensor_profile_key;
        /// Version of the sensor profile, such as `1.2`.
        sensor_profile_version: String = self.0.sensor_profile_version.to_string();
    }
}

//! Profile types of the schema: of the readings of a sensor, and of the components of a device.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::pack::Pack;
use super::{DocumentHead, TypedDocument, find, typed_document};
use crate::api::graphql::paging;
use crate::domain::document::{self, DeviceProfileSpec, SensorProfileSpec};

/// Fields or components that a profile is taken to have, for the complexity of a document; it may have 256.
const USUAL_PARTS: usize = 16;

/// A sensor profile: what the readings of a sensor hold.
pub struct SensorProfile(TypedDocument<SensorProfileSpec>);

typed_document!(SensorProfile, SensorProfileSpec, sensor_profile);

/// A version of a sensor profile: what the readings of a sensor hold.
#[Object]
impl SensorProfile {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Key of 1 to 128 characters, such as `env.temp`; unique with the version.
    async fn key(&self) -> Result<&str> {
        Ok(&self.0.content()?.key)
    }

    /// Name of the profile, 1 to 255 characters.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Version of the profile, such as `1.2`; a version never changes.
    async fn version(&self) -> Result<String> {
        Ok(self.0.content()?.version.to_string())
    }

    /// Fields of a reading, in the order of the profile.
    #[graphql(complexity = "paging::cost_of(USUAL_PARTS, child_complexity)")]
    async fn fields(&self) -> Result<Vec<ProfileField>> {
        Ok(self.0.content()?.fields.iter().map(ProfileField::from).collect())
    }

    /// Pack by which the profile was installed; null for none.
    async fn pack(&self, ctx: &Context<'_>) -> Result<Option<Pack>> {
        match self.0.content()?.pack {
            Some(uuid) => find(ctx, uuid),
            None => Ok(None),
        }
    }
}

/// A device profile: the components of a type of device.
pub struct DeviceProfile(TypedDocument<DeviceProfileSpec>);

typed_document!(DeviceProfile, DeviceProfileSpec, device_profile);

/// A version of a device profile: the components of a type of device, and what can be configured of it.
#[Object]
impl DeviceProfile {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Key of 1 to 128 characters, unique with the version.
    async fn key(&self) -> Result<&str> {
        Ok(&self.0.content()?.key)
    }

    /// Name of the profile, 1 to 255 characters.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Version of the profile, such as `1.2`; a version never changes.
    async fn version(&self) -> Result<String> {
        Ok(self.0.content()?.version.to_string())
    }

    /// Components of such a device, in the order of the profile.
    #[graphql(complexity = "paging::cost_of(USUAL_PARTS, child_complexity)")]
    async fn components(&self) -> Result<Vec<ProfileComponent>> {
        Ok(self.0.content()?.components.iter().map(ProfileComponent::from).collect())
    }

    /// Fields that a configuration of such a device may set.
    #[graphql(complexity = "paging::cost_of(USUAL_PARTS, child_complexity)")]
    async fn writable_fields(&self) -> Result<Vec<ProfileField>> {
        Ok(self.0.content()?.writable_fields.iter().map(ProfileField::from).collect())
    }

    /// Pack by which the profile was installed; null for none.
    async fn pack(&self, ctx: &Context<'_>) -> Result<Option<Pack>> {
        match self.0.content()?.pack {
            Some(uuid) => find(ctx, uuid),
            None => Ok(None),
        }
    }
}

/// A field of the readings of a sensor, or of a device's configuration.
#[derive(SimpleObject)]
pub struct ProfileField {
    /// Name of the field, unique in the profile.
    name: String,
    /// Type of its values: `DOUBLE`, `BIGINT`, `BOOLEAN` or `TEXT`.
    value_type: &'static str,
    /// Engineering unit of the values; null for none.
    unit: Option<String>,
    /// Smallest value that is accepted; null for no bound.
    min: Option<f64>,
    /// Largest value that is accepted; null for no bound.
    max: Option<f64>,
    /// Whether every reading must have the field.
    required: bool,
    /// Whether a configuration may set the field.
    writable: bool,
    /// Number of elements of a field that is an array; null for a single value.
    array_size: Option<u32>,
}

impl From<&document::ProfileField> for ProfileField {
    fn from(field: &document::ProfileField) -> Self {
        Self {
            name: field.name.clone(),
            value_type: field.value_type.name(),
            unit: field.unit.clone(),
            min: field.min,
            max: field.max,
            required: field.required,
            writable: field.writable,
            array_size: field.array_size,
        }
    }
}

/// A component of a device profile.
#[derive(SimpleObject)]
pub struct ProfileComponent {
    /// Key of the component on its device.
    key: String,
    /// Name of the component, 1 to 255 characters.
    name: String,
    /// Key of the sensor profile of its readings.
    sensor_profile_key: String,
    /// Version of the sensor profile, such as `1.2`.
    sensor_profile_version: String,
}

impl From<&document::ProfileComponent> for ProfileComponent {
    fn from(component: &document::ProfileComponent) -> Self {
        Self {
            key: component.key.clone(),
            name: component.name.clone(),
            sensor_profile_key: component.sensor_profile_key.clone(),
            sensor_profile_version: component.sensor_profile_version.to_string(),
        }
    }
}

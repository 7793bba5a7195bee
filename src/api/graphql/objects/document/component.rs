//! Component type of the schema.

use async_graphql::Object;
use serde_json::Value;

use super::profile::SensorProfile;
use super::{TypedDocument, document_object, find, typed_document};
use crate::api::graphql::objects::device::Device;
use crate::api::graphql::rows;
use crate::domain::document::ComponentSpec;

/// A component: a named bundle of streams of one device.
pub struct Component(TypedDocument<ComponentSpec>);

typed_document!(Component, ComponentSpec, component);

document_object! {
    #[Object]
    /// A component: a named bundle of streams of one device. Its streams are those whose name begins with its key and a dot.
    impl Component(self) {
        /// Key of 1 to 64 letters, digits, `_` and `-`, unique on the device.
        key: &str = &self.0.content()?.key;
        /// Name of the component, 1 to 255 characters.
        name: &str = &self.0.content()?.name;
        /// User-defined data of the component, as one JSON object.
        metadata: Value = Value::Object(self.0.content()?.metadata.clone());
    }
    with ctx {
        /// Device of the component; it is deleted with its device.
        device: Option<Device> = Ok(rows::device(ctx, self.0.content()?.device)?.map(Device));
        /// Profile of its readings; null for none.
        sensor_profile: Option<SensorProfile> = find(ctx, self.0.content()?.sensor_profile);
    }
}

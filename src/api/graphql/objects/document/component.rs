//! Component type of the schema.

use async_graphql::{Context, Object, Result};
use serde_json::Value;

use super::profile::SensorProfile;
use super::{DocumentHead, TypedDocument, find, typed_document};
use crate::api::graphql::objects::device::Device;
use crate::api::graphql::rows;
use crate::domain::document::ComponentSpec;

/// A component: a named bundle of streams of one device.
pub struct Component(TypedDocument<ComponentSpec>);

typed_document!(Component, ComponentSpec, component);

/// A component: a named bundle of streams of one device. Its streams are those whose name begins with its key and a dot.
#[Object]
impl Component {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Device of the component; it is deleted with its device.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        Ok(rows::device(ctx, self.0.content()?.device)?.map(Device))
    }

    /// Key of 1 to 64 letters, digits, `_` and `-`, unique on the device.
    async fn key(&self) -> Result<&str> {
        Ok(&self.0.content()?.key)
    }

    /// Name of the component, 1 to 255 characters.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Profile of its readings; null for none.
    async fn sensor_profile(&self, ctx: &Context<'_>) -> Result<Option<SensorProfile>> {
        match self.0.content()?.sensor_profile {
            Some(uuid) => find(ctx, uuid),
            None => Ok(None),
        }
    }

    /// User-defined data of the component, as one JSON object.
    async fn metadata(&self) -> Result<Value> {
        Ok(Value::Object(self.0.content()?.metadata.clone()))
    }
}

//! Product type of the schema, and the inputs that create and change a product.

use std::sync::Arc;

use async_graphql::{Context, ID, MaybeUndefined, Object, Result};
use serde_json::Value;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::StreamType;
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::product;

/// A product: the type of a device.
pub struct Product(pub Arc<product::Product>);

object! {
    #[Object]
    /// A product: the type of a device, with templates of its streams.
    impl Product(self) {
        /// Global id, unique across all object types: `node(id:)` returns the product.
        id: ID = NodeType::Product.id(self.0.id.0);
        /// Row number, as shown by REST and SQL.
        row_id: i32 = self.0.id.0;
        /// UUID assigned on creation; it never changes.
        uuid: String = self.0.uuid.to_string();
        /// Name of the product, 1 to 100 characters, unique in the organization.
        name: &str = &self.0.spec.name;
        /// Whether devices without another product have this one; it cannot be deleted.
        is_default: bool = self.0.is_default;
        /// User-defined data, such as the description of a type.
        metadata: Value = Value::Object(self.0.spec.metadata.clone());
        /// Templates of the streams of such devices.
        templates: Vec<StreamTemplate> = self.0.spec.templates.iter().cloned().map(StreamTemplate).collect();
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change of its fields.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
    resolvers {
        /// Product that this one is derived from; null for none.
        async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Product>> {
            match self.0.spec.parent {
                Some(parent) => {
                    Ok(none_if_not_found(app(ctx).products.product(caller(ctx), parent))?.map(Product))
                }
                None => Ok(None),
            }
        }
    }
}

/// Template of a stream: what a stream of this name is on every device of the product.
pub struct StreamTemplate(pub product::StreamTemplate);

object! {
    #[Object]
    /// Template of a stream: what a stream of this name is on every device of the product.
    impl StreamTemplate(self) {
        /// Name of the stream, 1 to 200 characters, unique in the product.
        name: &str = &self.0.name;
        /// Data type of the values, such as `fp64`.
        #[graphql(name = "type")]
        kind: &str = &self.0.kind;
        /// Virtual pin; null is the channel of the stream.
        pin: Option<i32> = self.0.pin;
        /// Label of the stream; null is its name with `_` for each space.
        label: Option<&str> = self.0.label.as_deref();
        /// Engineering unit of the values.
        unit: &str = &self.0.unit;
        /// User-defined data, and the bounds `min` and `max`.
        metadata: Value = Value::Object(self.0.metadata.clone());
    }
}

input_objects! {
    /// Template of a stream in an input. Omitted fields get their defaults.
    pub struct StreamTemplateInput {
        /// Name of the stream, 1 to 200 characters, unique in the product.
        name: String,
        /// Data type of the values; default `fp64`.
        #[graphql(name = "type")]
        #[serde(rename = "type")]
        kind: Option<StreamType>,
        /// Virtual pin, 0 or more, unique in the product; by default the channel of the stream.
        pin: Option<i32>,
        /// Label, 1 to 200 characters; by default the name with `_` for each space.
        label: Option<String>,
        /// Engineering unit, at most 32 characters.
        unit: Option<String>,
        /// User-defined data, and the bounds `min` and `max`, as one JSON object.
        metadata: Option<Value>,
    }

    /// Product settings besides the name. Omitted fields keep their value on update and get their default on creation.
    pub struct ProductSettings {
        /// Id or row number of the product that this one is derived from; null for none.
        parent: MaybeUndefined<ID>,
        /// User-defined data, as one JSON object that replaces the previous one.
        metadata: MaybeUndefined<Value>,
        /// Templates of the streams, at most 1,000, which replace the previous ones.
        templates: MaybeUndefined<Vec<StreamTemplateInput>>,
    }

    /// Input for a new product. Omitted fields get their defaults.
    pub struct CreateProductInput {
        /// Name of the product, 1 to 100 characters, unique in the organization.
        name: String,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: ProductSettings,
    }

    /// Changes to a product. Omitted fields stay unchanged.
    pub struct UpdateProductInput {
        /// Name of the product, 1 to 100 characters, unique in the organization.
        name: MaybeUndefined<String>,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: ProductSettings,
    }
}

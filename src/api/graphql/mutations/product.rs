//! Mutations of products.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{DeletePayload, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::product::{CreateProductInput, Product, UpdateProductInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, ProductId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 1] = [("parent", NodeType::Product)];

/// Mutations that create, change and delete products.
#[derive(Default)]
pub struct ProductMutations;

/// Result of creating or updating a product.
#[derive(SimpleObject)]
pub struct ProductPayload {
    /// The product as stored after the change; null if nothing was changed.
    product: Option<Product>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl ProductPayload {
    fn from_result(result: domain::Result<Arc<domain::product::Product>>) -> Result<Self> {
        let (product, errors) = into_payload(result)?;
        Ok(Self { product: product.map(Product), errors })
    }
}

#[Object(name = "ProductMutations")]
impl ProductMutations {
    /// Creates a product, the type of a device.
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Settings of the new product.")] input: CreateProductInput,
    ) -> Result<ProductPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
        ProductPayload::from_result(app(ctx).products.create_product_from_fields(caller(ctx), fields).await)
    }

    /// Updates the given fields.
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the product, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the product, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Fields of the product to change.")] input: UpdateProductInput,
    ) -> Result<ProductPayload> {
        let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
        let made = match ids::id_or_row_id(NodeType::Product, id.as_ref(), row_id) {
            Ok(row) => {
                app(ctx).products.update_product_from_fields(caller(ctx), ProductId(row), fields).await
            }
            Err(error) => Err(error),
        };
        ProductPayload::from_result(made)
    }

    /// Deletes a product; its devices then have the default product, which cannot be deleted.
    async fn delete_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the product, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the product, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<DeletePayload> {
        let row = ids::id_or_row_id(NodeType::Product, id.as_ref(), row_id)?;
        let deleted = app(ctx).products.delete_product(caller(ctx), ProductId(row)).await;
        Ok(DeletePayload::from_result(row, into_payload(deleted)?))
    }
}

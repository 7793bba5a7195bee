//! Mutations of products.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::product::{CreateProductInput, Product, UpdateProductInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, ProductId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 1] = [("parent", NodeType::Product)];

/// Mutations that create, change and delete products.
#[derive(Default)]
pub struct ProductMutations;

payload! {
    /// Result of creating or updating a product.
    pub struct ProductPayload {
        /// The product as stored after the change; null if nothing was changed.
        product: Product(Arc<domain::product::Product>),
    }
}

object! {
    #[Object(name = "ProductMutations")]
    impl ProductMutations(self) {}
    rows(
        ctx,
        row: Product,
        "Global id of the product, or its row number as text; give this or `rowId`.",
        "Row number of the product, as REST and SQL show it; give this or `id`.",
    ) {
        /// Updates the given fields.
        update_product(
            #[graphql(desc = "Fields of the product to change.")] input: UpdateProductInput,
        ): ProductPayload = {
            let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
            let made = match row {
                Ok(row) => {
                    app(ctx).products.update_product_from_fields(caller(ctx), ProductId(row), fields).await
                }
                Err(error) => Err(error),
            };
            ProductPayload::from_result(made)
        };
        /// Deletes a product; its devices then have the default product, which cannot be deleted.
        delete_product(): DeletePayload = {
            let row = row?;
            let deleted = app(ctx).products.delete_product(caller(ctx), ProductId(row)).await;
            DeletePayload::from_result(row, deleted)
        };
    }
    resolvers {
        /// Creates a product, the type of a device.
        async fn create_product(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Settings of the new product.")] input: CreateProductInput,
        ) -> Result<ProductPayload> {
            let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
            ProductPayload::from_result(app(ctx).products.create_product_from_fields(caller(ctx), fields).await)
        }
    }
}

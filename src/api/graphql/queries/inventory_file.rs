//! Field of `Query` for inventory files.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::objects::inventory::InventoryFormat;

/// Complexity of a file, in field values: it has every device and stream, so a request has at most one.
const FILE_COST: usize = 130_000;

/// The query of inventory files.
#[derive(Default)]
pub struct InventoryFileQueries;

#[Object(name = "InventoryFileQueries")]
impl InventoryFileQueries {
    /// Devices and streams that the caller sees, as the text of a file that `importInventory` reads. It has no passwords.
    #[graphql(complexity = "FILE_COST")]
    async fn inventory_file(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Format of the file's text.")] format: InventoryFormat,
    ) -> Result<String> {
        Ok(app(ctx).inventory.export_api_inventory(caller(ctx), format.into()).await?)
    }
}

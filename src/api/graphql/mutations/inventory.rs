//! Mutation that imports an inventory file.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::into_payload;
use crate::api::graphql::objects::inventory::{ImportInventoryInput, ImportInventoryPayload};
use crate::app::inventory::api_file::ApiFileFormat;

/// The mutation that imports devices and streams from a file.
#[derive(Default)]
pub struct InventoryMutations;

#[Object(name = "InventoryMutations")]
impl InventoryMutations {
    /// Imports devices and streams from a file, all of them or none. Mistakes are in `problems` of the report, by line.
    async fn import_inventory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file, and whether to change anything.")] input: ImportInventoryInput,
    ) -> Result<ImportInventoryPayload> {
        let ImportInventoryInput { format, text, dry_run } = input;
        let form = ApiFileFormat::Inventory(format.into());
        let imported = app(ctx).import_api_inventory(caller(ctx), form, text, dry_run).await;
        let (report, errors) = into_payload(imported)?;
        Ok(ImportInventoryPayload { report: report.map(Into::into), errors })
    }
}

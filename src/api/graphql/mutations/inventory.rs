//! Mutations that import inventory files and tag lists.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::into_payload;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::inventory::{ImportInventoryInput, ImportInventoryPayload};
use crate::api::graphql::objects::tag_list::{ImportTagListInput, ImportTagListPayload};
use crate::app::App;
use crate::app::inventory::api_file::ApiFileFormat;
use crate::app::inventory::tag_list::{TagListReport, decode};
use crate::domain::{DeviceId, Principal};

/// The mutations that import devices and streams from a file, and streams from a tag list.
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
        let imported = app(ctx).inventory.import_api_inventory(caller(ctx), form, text, dry_run).await;
        let (report, errors) = into_payload(imported)?;
        Ok(ImportInventoryPayload { report: report.map(Into::into), errors })
    }

    /// Makes streams of a device from a list of tags that another program exports, all of them or none.
    async fn import_tag_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The list, its device, and whether to change anything.")] input: ImportTagListInput,
    ) -> Result<ImportTagListPayload> {
        let (report, errors) = into_payload(import_tags(app(ctx), caller(ctx), &input).await)?;
        Ok(ImportTagListPayload { report: report.map(Into::into), errors })
    }
}

async fn import_tags(
    app: &App,
    caller: &Principal,
    input: &ImportTagListInput,
) -> crate::domain::Result<TagListReport> {
    let device = DeviceId(ids::parse_row_id(NodeType::Device, &input.device, "device")?);
    app.tag_lists.device_for_import(caller, device)?;
    let text = decode(input.text.as_bytes())?.text;
    app.tag_lists.import_from_api(caller, device, text, input.dry_run).await
}

//! Mutations of devices.

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{DeletePayload, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::device::{CreateDeviceInput, Device, UpdateDeviceInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, DeviceId};

/// Input fields that contain ids, with the type of the object.
pub(super) const ROW_ID_FIELDS: [(&str, NodeType); 2] =
    [("product", NodeType::Product), ("parent_device", NodeType::Device)];

/// Mutations that create, change and delete devices.
#[derive(Default)]
pub struct DeviceMutations;

/// Result of creating or updating a device.
#[derive(SimpleObject)]
pub struct DevicePayload {
    /// The device as stored after the change; null if nothing was changed.
    device: Option<Device>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl DevicePayload {
    fn from_result(result: domain::Result<std::sync::Arc<domain::device::Device>>) -> Result<Self> {
        let (device, errors) = into_payload(result)?;
        Ok(Self { device: device.map(Device), errors })
    }
}

#[Object(name = "DeviceMutations")]
impl DeviceMutations {
    /// Creates a device. If it is enabled and its protocol is polled, its collector starts immediately.
    async fn create_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Settings of the new device.")] input: CreateDeviceInput,
    ) -> Result<DevicePayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
        DevicePayload::from_result(app(ctx).devices.create_device_from_fields(caller(ctx), fields).await)
    }

    /// Updates the given fields.
    async fn update_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the device, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the device, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Fields of the device to change.")] input: UpdateDeviceInput,
    ) -> Result<DevicePayload> {
        let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
        let made = match ids::id_or_row_id(NodeType::Device, id.as_ref(), row_id) {
            Ok(row) => app(ctx).devices.update_device_from_fields(caller(ctx), DeviceId(row), fields).await,
            Err(error) => Err(error),
        };
        DevicePayload::from_result(made)
    }

    /// Deletes a device with its streams and all of their data.
    async fn delete_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the device, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the device, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<DeletePayload> {
        let row = ids::id_or_row_id(NodeType::Device, id.as_ref(), row_id)?;
        Ok(DeletePayload::from_result(
            row,
            into_payload(app(ctx).devices.delete_device(caller(ctx), DeviceId(row)).await)?,
        ))
    }
}

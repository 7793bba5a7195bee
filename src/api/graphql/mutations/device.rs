//! Mutations of devices.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::device::{CreateDeviceInput, Device, UpdateDeviceInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, DeviceId};

/// Input fields that contain ids, with the type of the object.
pub(super) const ROW_ID_FIELDS: [(&str, NodeType); 2] =
    [("product", NodeType::Product), ("parent_device", NodeType::Device)];

/// Mutations that create, change and delete devices.
#[derive(Default)]
pub struct DeviceMutations;

payload! {
    /// Result of creating or updating a device.
    pub struct DevicePayload {
        /// The device as stored after the change; null if nothing was changed.
        device: Device(Arc<domain::device::Device>),
    }
}

object! {
    #[Object(name = "DeviceMutations")]
    impl DeviceMutations(self) {}
    rows(
        ctx,
        row: Device,
        "Global id of the device, or its row number as text; give this or `rowId`.",
        "Row number of the device, as REST and SQL show it; give this or `id`.",
    ) {
        /// Updates the given fields.
        update_device(
            #[graphql(desc = "Fields of the device to change.")] input: UpdateDeviceInput,
        ): DevicePayload = {
            let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
            let made = match row {
                Ok(row) => app(ctx).devices.update_device_from_fields(caller(ctx), DeviceId(row), fields).await,
                Err(error) => Err(error),
            };
            DevicePayload::from_result(made)
        };
        /// Deletes a device with its streams and all of their data.
        delete_device(): DeletePayload = {
            let row = row?;
            DeletePayload::from_result(row, app(ctx).devices.delete_device(caller(ctx), DeviceId(row)).await)
        };
    }
    resolvers {
        /// Creates a device. If it is enabled and its protocol is polled, its collector starts immediately.
        async fn create_device(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Settings of the new device.")] input: CreateDeviceInput,
        ) -> Result<DevicePayload> {
            let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
            DevicePayload::from_result(app(ctx).devices.create_device_from_fields(caller(ctx), fields).await)
        }
    }
}

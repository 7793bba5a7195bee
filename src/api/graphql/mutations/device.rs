//! Mutations of devices.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{ByteOrder, Protocol};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::device::Device;
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, DeviceId};

#[derive(Default)]
pub struct DeviceMutations;

/// Device settings besides name and protocol. Omitted fields keep their value on update and get their default on
/// creation.
#[derive(InputObject, Serialize)]
pub struct DeviceSettings {
    /// Host name or address; at most 255 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    host: MaybeUndefined<String>,
    /// TCP port; null means the default of the protocol.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    port: MaybeUndefined<i32>,
    /// Modbus unit id, MELSEC station or FEnet slot; 0 to 255, default 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    unit: MaybeUndefined<i32>,
    /// User name for the login at the device; at most 1,000 characters, default empty.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    username: MaybeUndefined<String>,
    /// Password for `username`; it is stored and never returned.
    #[graphql(secret)]
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    password: MaybeUndefined<String>,
    /// Timeout of a request to the device, 0.1 to 60 seconds; default 3.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    timeout: MaybeUndefined<f64>,
    /// Seconds between polls, 0.1 to 86,400; null disables polling, default 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    poll_interval: MaybeUndefined<f64>,
    /// Word order of numbers in the registers; default `little`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    byteorder: MaybeUndefined<ByteOrder>,
    /// Whether the device is polled; default true.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// Settings of the protocol and any user-defined data, as one JSON object that replaces the previous one.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    metadata: MaybeUndefined<Value>,
}

/// Input for a new device. Omitted fields get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateDeviceInput {
    /// Name of the device, 1 to 100 characters, unique in the organization.
    name: String,
    /// Communication protocol of the device.
    protocol: Protocol,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: DeviceSettings,
}

/// Changes to a device. Omitted fields stay unchanged.
#[derive(InputObject, Serialize)]
pub struct UpdateDeviceInput {
    /// Name of the device, 1 to 100 characters, unique in the organization.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// Communication protocol of the device.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    protocol: MaybeUndefined<Protocol>,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: DeviceSettings,
}

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
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        DevicePayload::from_result(app(ctx).create_device_from_fields(caller(ctx), fields).await)
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
        let fields = input::to_fields(&input, ReadMode::Partial, &[]);
        let made = match ids::id_or_row_id(NodeType::Device, id.as_ref(), row_id) {
            Ok(row) => app(ctx).update_device_from_fields(caller(ctx), DeviceId(row), fields).await,
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
    ) -> Result<Deleted> {
        let row = ids::id_or_row_id(NodeType::Device, id.as_ref(), row_id)?;
        Ok(Deleted::from_result(row, into_payload(app(ctx).delete_device(caller(ctx), DeviceId(row)).await)?))
    }
}

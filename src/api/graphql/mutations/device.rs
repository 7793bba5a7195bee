//! Changes of devices.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{ByteOrder, Protocol};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::device::Device;
use crate::api::rest::device;
use crate::api::rest::fields::Mode;
use crate::domain::{self, DeviceId};

#[derive(Default)]
pub struct Mutations;

/// What a device may be given beside its name and protocol. Fields left out keep their value, or get their default.
#[derive(InputObject, Serialize)]
pub struct DeviceSettings {
    /// Host name or address; at most 255 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    host: MaybeUndefined<String>,
    /// TCP port; null is the protocol's own.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    port: MaybeUndefined<i32>,
    /// Modbus unit id, MELSEC station, FEnet slot; 0 to 255, default 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    unit: MaybeUndefined<i32>,
    /// What the server logs in with at the device; at most 1,000 characters, default none.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    username: MaybeUndefined<String>,
    /// What goes with `username`; it is kept and never shown again.
    #[graphql(secret)]
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    password: MaybeUndefined<String>,
    /// Seconds that a request may take, 0.1 to 60; default 3.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    timeout: MaybeUndefined<f64>,
    /// Seconds between polls, 0.1 to 86,400; null is not polled, default 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    poll_interval: MaybeUndefined<f64>,
    /// Order of the words of numbers in its registers; default `little`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    byteorder: MaybeUndefined<ByteOrder>,
    /// Whether it is polled; default true.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// Settings of the protocol, and whatever the owner keeps here, as one JSON object that replaces the former.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    metadata: MaybeUndefined<Value>,
}

/// A device to be made. Fields left out get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateDeviceInput {
    /// 1 to 100 characters, unique in the organization.
    name: String,
    /// How it is spoken to.
    protocol: Protocol,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: DeviceSettings,
}

/// What is to change of a device. Fields left out stay as they are.
#[derive(InputObject, Serialize)]
pub struct UpdateDeviceInput {
    /// 1 to 100 characters, unique in the organization.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// How it is spoken to.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    protocol: MaybeUndefined<Protocol>,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: DeviceSettings,
}

/// What came of making or changing a device.
#[derive(SimpleObject)]
pub struct DevicePayload {
    /// The device as it is stored now; null when nothing was changed.
    device: Option<Device>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

impl DevicePayload {
    fn of(result: domain::Result<std::sync::Arc<domain::device::Device>>) -> Result<Self> {
        let (device, errors) = settle(result)?;
        Ok(Self { device: device.map(Device), errors })
    }
}

#[Object(name = "DeviceMutations")]
impl Mutations {
    /// Makes a device; if it is enabled and its protocol is polled, its collector starts at once.
    async fn create_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the device is to be.")] input: CreateDeviceInput,
    ) -> Result<DevicePayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        DevicePayload::of(device::make(app(ctx), caller(ctx), fields).await)
    }

    /// Changes the fields that are given.
    async fn update_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the device, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the device, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What is to change of the device.")] input: UpdateDeviceInput,
    ) -> Result<DevicePayload> {
        let fields = input::fields(&input, Mode::Partial, &[]);
        let made = match ids::either(Noun::Device, id.as_ref(), row_id) {
            Ok(row) => device::change(app(ctx), caller(ctx), DeviceId(row), fields).await,
            Err(error) => Err(error),
        };
        DevicePayload::of(made)
    }

    /// Deletes a device with its streams and all that they hold.
    async fn delete_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the device, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the device, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Deleted> {
        let row = ids::either(Noun::Device, id.as_ref(), row_id)?;
        Ok(Deleted::of(row, settle(app(ctx).delete_device(caller(ctx), DeviceId(row)).await)?))
    }
}

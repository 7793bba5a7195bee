//! Device type of the schema, and the inputs that create and change a device.

use std::sync::Arc;

use async_graphql::{Context, ID, MaybeUndefined, Object, Result};
use serde_json::Value;

use super::device_history::DeviceHistory;
use super::document::device_topology::DeviceTopology;
use super::product::Product;
use super::stream::{self, Stream};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{ByteOrder, DeviceState, ListOrder, Protocol, RegisterOrder, StreamType};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::paging::{self, ConnectionArgs, ListCursor, NodeConnection};
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::direct_access::registers::RegisterSpec;
use crate::app::fields::register::{RegisterParams, register_kind};
use crate::domain::{FieldError, device};

/// Complexity of a register access, in field values: devices are slow and serve one request at a time.
pub const REGISTER_COST: usize = 1000;

/// Complexity of a device's history, in field values: it is read from the database.
const HISTORY_COST: usize = 100;

/// A device: a PLC, a server or another source of values.
pub struct Device(pub Arc<device::Device>);

object! {
    #[Object]
    /// A device: a PLC, a server or another source of values.
    impl Device(self) {
        /// Global id, unique across all object types: `node(id:)` returns the device.
        id: ID = NodeType::Device.id(self.0.id.0);
        /// Row number, as shown by REST and SQL.
        row_id: i32 = self.0.id.0;
        /// UUID assigned on creation; it never changes.
        uuid: String = self.0.aliases.uuid.to_string();
        /// Key of 7 to 14 letters, digits, `_` and `-`, assigned on creation; it never changes.
        key: &str = &self.0.aliases.key;
        /// Name of the device on creation, unique in the organization; it never changes.
        external_id: &str = &self.0.aliases.external_id;
        /// Name of the user who owns the device; null for none.
        owner: Option<&str> = self.0.spec.owner.as_deref();
        /// Name of the device, 1 to 100 characters, unique in the organization.
        name: &str = &self.0.spec.name;
        /// Communication protocol of the device.
        protocol: Protocol = self.0.spec.protocol.into();
        /// Host name or address; empty if the protocol needs none.
        host: &str = &self.0.spec.host;
        /// TCP port; null means the default of the protocol.
        port: Option<u16> = self.0.spec.port;
        /// Modbus unit id, MELSEC station or FEnet slot.
        unit: u8 = self.0.spec.unit;
        /// User name for the login at the device; empty if none is needed. The password is never returned.
        username: &str = &self.0.spec.username;
        /// Timeout of a request to the device, seconds.
        timeout: f64 = self.0.spec.timeout_s;
        /// Seconds between polls; null means that the device is not polled.
        poll_interval: Option<f64> = self.0.spec.poll_interval_s;
        /// Word order of numbers in the registers, for streams without their own order.
        byteorder: ByteOrder = self.0.spec.byteorder.into();
        /// Whether the device is polled; disabling stops its collector and keeps its stored data.
        enabled: bool = self.0.spec.enabled;
        /// Settings of the protocol, and any user-defined data.
        metadata: Value = Value::Object(self.0.spec.metadata.clone());
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change of its settings.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
    with ctx {
        /// Product of the device: its own, or the default product of the organization.
        product: Product = Ok(Product(app(ctx).products.product_of(&self.0)?));
        /// Gateway through which the device is connected; null for none.
        parent_device: Option<Device> = Ok(rows::device(ctx, self.0.spec.parent_device)?.map(Device));
    }
    pages(ctx, page, child_complexity) {
        /// Streams of the device that the caller may read.
        streams(#[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder): Stream = {
            let streams = app(ctx).streams.streams_of_devices(caller(ctx), &[self.0.id])?;
            stream::streams_page(streams, page, order_by)
        };
    }
    resolvers {
        #[graphql(flatten)]
        async fn topology(&self) -> DeviceTopology {
            DeviceTopology(self.0.clone())
        }

        /// Status of the device's collector since the server started.
        async fn status(&self, ctx: &Context<'_>) -> DeviceStatus {
            DeviceStatus(app(ctx).devices.status_of(&self.0))
        }

        /// States that the device had in a range, and its availability. Changes are kept for 90 days, at most 10,000 of a device.
        #[graphql(complexity = "HISTORY_COST + child_complexity")]
        async fn history(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Start of the range, inclusive; 24 hours before its end by default.")] from: Option<
                DateTime,
            >,
            #[graphql(desc = "End of the range, exclusive; now by default.")] to: Option<DateTime>,
        ) -> Result<DeviceHistory> {
            let (from, to) = (from.map(|from| from.0), to.map(|to| to.0));
            Ok(DeviceHistory(app(ctx).devices.device_history(caller(ctx), self.0.id, from, to).await?))
        }

        /// Reads the current value of one register from the device. The device must be enabled, its protocol supported by
        /// this version, and the caller must have access to the whole device. An enabled stream of this register stores the
        /// value as a reading. Null if the value is not a finite number.
        #[graphql(complexity = "REGISTER_COST")]
        async fn register(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Address in the notation of the protocol, such as `hr:0`, `40001` or `%MW0`.")]
            name: String,
            #[graphql(
                name = "type",
                desc = "Data type, a number or a bit. Default `bit` for a bit; on FEnet by size letter; else `uint16`."
            )]
            kind: Option<StreamType>,
            #[graphql(desc = "Word order of a number; default `little`, on S7 `big`.")] byteorder: Option<
                RegisterOrder,
            >,
        ) -> Result<Option<Value>> {
            let params = register_params(name, kind, byteorder);
            let value = app(ctx).direct_access.read_register_from_params(caller(ctx), self.0.id, params).await?;
            Ok(Some(value).filter(|value| !value.is_null()))
        }
    }
}

/// Returns a page of devices.
pub fn devices_page(
    devices: Vec<Arc<device::Device>>,
    page: ConnectionArgs,
    order_by: ListOrder,
) -> Result<NodeConnection<Device>> {
    let place = |one: &Arc<device::Device>| ListCursor::for_row(one.id.0, &one.spec.name, order_by);
    Ok(paging::paginate(devices, page, place, Device)?)
}

/// Names a register to read or write.
pub fn register_params(
    name: String,
    kind: Option<StreamType>,
    order: Option<RegisterOrder>,
) -> RegisterParams {
    let mut problems = Vec::new();
    let kind = kind.and_then(|kind| {
        register_kind(kind.into()).map_err(|message| problems.push(FieldError::new("type", message))).ok()
    });
    let order = order.map(Into::into).unwrap_or_default();
    RegisterParams { register: RegisterSpec { name, kind, order }, problems }
}

/// Status and counters of a device's collector since the server started.
pub struct DeviceStatus(pub device::DeviceStatus);

object! {
    #[Object]
    /// Status and counters of a device's collector since the server started.
    impl DeviceStatus(self) {
        /// Connection state of the device.
        state: DeviceState = self.0.state.into();
        /// Description of the current error; null if there is none.
        last_error: Option<&str> = self.0.last_error.as_deref();
        /// Time of the last response; null if there has been none since the server started.
        last_seen: Option<DateTime> = self.0.last_seen.map(DateTime);
        /// Seconds that the device's clock is ahead, negative behind; null unless it is off by more than a minute.
        clock_offset: Option<f64> = self.0.clock_offset_s;
        /// Number of requests that the device answered.
        reads: BigInt = BigInt::saturating(self.0.reads);
        /// Number of failed requests by kind of failure.
        errors: ErrorCounts = ErrorCounts(self.0.errors);
        /// Number of readings stored for the device's streams.
        readings: BigInt = BigInt::saturating(self.0.readings);
        /// Number of reconnections after a lost connection.
        reconnects: BigInt = BigInt::saturating(self.0.reconnects);
        /// Number of polls skipped because the previous one took longer than the interval.
        skipped: BigInt = BigInt::saturating(self.0.skipped);
        /// Median round-trip time of recent requests, milliseconds; null before the first.
        latency_p50_ms: Option<f64> = self.0.latency.p50_ms;
        /// 99th percentile of the round-trip time of recent requests, milliseconds; null before the first.
        latency_p99_ms: Option<f64> = self.0.latency.p99_ms;
        /// Median delay of recent polls behind schedule, milliseconds; null before the first.
        lateness_p50_ms: Option<f64> = self.0.lateness.p50_ms;
        /// 99th percentile of the delay of recent polls behind schedule, milliseconds; null before the first.
        lateness_p99_ms: Option<f64> = self.0.lateness.p99_ms;
    }
}

/// Number of failed requests by kind.
pub struct ErrorCounts(pub device::ErrorCounts);

object! {
    #[Object]
    /// Number of failed requests by kind.
    impl ErrorCounts(self) {
        /// Requests that the device did not answer within its `timeout`.
        timeout: BigInt = BigInt::saturating(self.0.timeout);
        /// Connections that could not be established, or that the device closed.
        refused: BigInt = BigInt::saturating(self.0.refused);
        /// Responses that violate the protocol, and exceptions returned by the device.
        protocol: BigInt = BigInt::saturating(self.0.protocol);
        /// Failures of any other kind.
        other: BigInt = BigInt::saturating(self.0.other);
    }
}

input_objects! {
    /// Device settings besides name and protocol. Omitted fields keep their value on update and get their default on
    /// creation.
    pub struct DeviceSettings {
        /// Host name or address; at most 255 characters.
        host: MaybeUndefined<String>,
        /// TCP port; null means the default of the protocol.
        port: MaybeUndefined<i32>,
        /// Modbus unit id, MELSEC station or FEnet slot; 0 to 255, default 1.
        unit: MaybeUndefined<i32>,
        /// User name for the login at the device; at most 1,000 characters, default empty.
        username: MaybeUndefined<String>,
        /// Password for `username`; it is stored and never returned.
        #[graphql(secret)]
        password: MaybeUndefined<String>,
        /// Timeout of a request to the device, 0.1 to 60 seconds; default 3.
        timeout: MaybeUndefined<f64>,
        /// Seconds between polls, 0.1 to 86,400; null disables polling, default 1.
        poll_interval: MaybeUndefined<f64>,
        /// Word order of numbers in the registers; default `little`. S7 has one order and ignores it.
        byteorder: MaybeUndefined<ByteOrder>,
        /// Whether the device is polled; default true.
        enabled: MaybeUndefined<bool>,
        /// Settings of the protocol and any user-defined data, as one JSON object that replaces the previous one.
        metadata: MaybeUndefined<Value>,
        /// Id or row number of the product; null for the default product of the organization.
        product: MaybeUndefined<ID>,
        /// Id or row number of the gateway through which the device is connected; null for none.
        parent_device: MaybeUndefined<ID>,
        /// Name of the user who owns the device; null for none.
        owner: MaybeUndefined<String>,
    }

    /// Input for a new device. Omitted fields get their defaults.
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
    pub struct UpdateDeviceInput {
        /// Name of the device, 1 to 100 characters, unique in the organization.
        name: MaybeUndefined<String>,
        /// Communication protocol of the device.
        protocol: MaybeUndefined<Protocol>,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: DeviceSettings,
    }
}

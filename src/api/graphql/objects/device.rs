//! A device in the graph.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use serde_json::Value;

use super::stream::{self, Stream};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{ByteOrder, DeviceState, ListOrder, Protocol, RegisterOrder, StreamType};
use crate::api::graphql::ids::Noun;
use crate::api::graphql::loaders::StreamsOf;
use crate::api::graphql::paging::{self, Listed, Page};
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::api::rest::io;
use crate::api::rest::query::Query;
use crate::domain::device;
use crate::domain::stream::StreamKind;

/// What asking a device costs, in field values: it is slow, and one device is asked one thing at a time.
pub const REGISTER_COST: usize = 1000;

/// A PLC, a server or another source of values.
pub struct Device(pub Arc<device::Device>);

/// A PLC, a server or another source of values.
#[Object]
impl Device {
    /// Global id, unique among objects of all types: `node(id:)` finds the device by it.
    pub async fn id(&self) -> ID {
        Noun::Device.id(self.0.id.0)
    }

    /// The number that REST and SQL show.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// A UUID given when the device was made; it never changes.
    async fn uuid(&self) -> String {
        self.0.uuid.to_string()
    }

    /// 1 to 100 characters, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// How it is spoken to.
    async fn protocol(&self) -> Protocol {
        self.0.spec.protocol.into()
    }

    /// Host name or address; empty where the protocol has none.
    async fn host(&self) -> &str {
        &self.0.spec.host
    }

    /// TCP port; null is the protocol's own.
    async fn port(&self) -> Option<u16> {
        self.0.spec.port
    }

    /// Modbus unit id, MELSEC station, FEnet slot.
    async fn unit(&self) -> u8 {
        self.0.spec.unit
    }

    /// What the server logs in with at the device; empty where it does not. The password is never shown.
    async fn username(&self) -> &str {
        &self.0.spec.username
    }

    /// Seconds that a request may take.
    async fn timeout(&self) -> f64 {
        self.0.spec.timeout_s
    }

    /// Seconds between polls; null is not polled.
    async fn poll_interval(&self) -> Option<f64> {
        self.0.spec.poll_interval_s
    }

    /// Order of the words of numbers in its registers, for streams that do not say their own.
    async fn byteorder(&self) -> ByteOrder {
        self.0.spec.byteorder.into()
    }

    /// Whether it is polled; false stops its collector and keeps what it has measured.
    async fn enabled(&self) -> bool {
        self.0.spec.enabled
    }

    /// Settings of the protocol, and whatever the owner keeps here.
    async fn metadata(&self) -> Value {
        Value::Object(self.0.spec.metadata.clone())
    }

    /// What the collector knows of it, since the start of the server.
    async fn status(&self, ctx: &Context<'_>) -> DeviceStatus {
        app(ctx).status_of(&self.0).into()
    }

    /// What one register holds now, asked of the device: of one that this version speaks to, that is enabled, and that the
    /// caller may see whole. An enabled stream of the same register gets it as a reading. Null for what is no finite number.
    #[graphql(complexity = "REGISTER_COST")]
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As the device's protocol names it, such as `hr:0`, `40001` or `%MW0`.")]
        name: String,
        #[graphql(
            name = "type",
            desc = "What the register holds: a number or a bit; unless said `bit` for what is one, on FEnet what its size letter says, else `uint16`."
        )]
        kind: Option<StreamType>,
        #[graphql(desc = "Of the words of a number; `little` unless said.")] byteorder: Option<RegisterOrder>,
    ) -> Result<Option<Value>> {
        let value = io::get(app(ctx), caller(ctx), self.0.id, name, how(kind, byteorder)).await?;
        Ok(Some(value).filter(|value| !value.is_null()))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its settings last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Its streams, those that the caller sees.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn streams(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many nodes from the beginning, or behind `after`: at most 1,000; 100 unless this or `last` is said."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "The cursor behind which the page begins, such as `pageInfo.endCursor` of the one before."
        )]
        after: Option<String>,
        #[graphql(
            desc = "How many nodes from the end, or in front of `before`: at most 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "The cursor in front of which the page ends, such as `pageInfo.startCursor` of the one behind."
        )]
        before: Option<String>,
        #[graphql(default, desc = "What the list is ordered by, ascending.")] order_by: ListOrder,
    ) -> Result<Listed<Stream>> {
        let page = Page { first, after, last, before };
        stream::of(ctx, StreamsOf(self.0.id), page, order_by).await
    }
}

/// How a register is read or written, as REST's query says it.
pub fn how(kind: Option<StreamType>, order: Option<RegisterOrder>) -> Query<'static> {
    let kind = kind.map(|kind| StreamKind::from(kind).name());
    Query::of([("type", kind), ("byteorder", order.map(RegisterOrder::name))])
}

/// A device's collector in numbers, since the start of the server.
#[derive(SimpleObject)]
pub struct DeviceStatus {
    /// What its collector is doing, and whether the device answers.
    state: DeviceState,
    /// Why the last request failed, in words; null when nothing is wrong.
    last_error: Option<String>,
    /// When it last answered; null when it has not since the start of the server.
    last_seen: Option<DateTime>,
    /// Requests that the device answered.
    reads: BigInt,
    /// Requests that failed, by the kind of failure.
    errors: ErrorCounts,
    /// Readings of its streams that were stored.
    readings: BigInt,
    /// How often the connection was made again after it had been lost.
    reconnects: BigInt,
    /// Polls left out because the one before took longer than the interval.
    skipped: BigInt,
    /// Median round trip of the last requests, milliseconds; null before the first.
    latency_p50_ms: Option<f64>,
    /// Round trip that 99 of 100 of the last requests did not exceed, milliseconds; null before the first.
    latency_p99_ms: Option<f64>,
    /// Median delay of the last polls behind their time, milliseconds; null before the first.
    lateness_p50_ms: Option<f64>,
    /// Delay behind their time that 99 of 100 of the last polls did not exceed, milliseconds; null before the first.
    lateness_p99_ms: Option<f64>,
}

/// Failed requests by kind.
#[derive(SimpleObject)]
pub struct ErrorCounts {
    /// Requests that the device did not answer within its `timeout`.
    timeout: BigInt,
    /// Connections that could not be made, or that the device closed.
    refused: BigInt,
    /// Answers that the protocol does not allow, and exceptions that the device answered with.
    protocol: BigInt,
    /// Failures of any other kind.
    other: BigInt,
}

impl From<device::DeviceStatus> for DeviceStatus {
    fn from(status: device::DeviceStatus) -> Self {
        let count = |n: u64| BigInt(i64::try_from(n).unwrap_or(i64::MAX));
        let errors = status.errors;
        Self {
            state: status.state.into(),
            last_error: status.last_error,
            last_seen: status.last_seen.map(DateTime),
            reads: count(status.reads),
            errors: ErrorCounts {
                timeout: count(errors.timeout),
                refused: count(errors.refused),
                protocol: count(errors.protocol),
                other: count(errors.other),
            },
            readings: count(status.readings),
            reconnects: count(status.reconnects),
            skipped: count(status.skipped),
            latency_p50_ms: status.latency.p50_ms,
            latency_p99_ms: status.latency.p99_ms,
            lateness_p50_ms: status.lateness.p50_ms,
            lateness_p99_ms: status.lateness.p99_ms,
        }
    }
}

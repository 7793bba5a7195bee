//! Bodies of successful responses. Times are whole seconds since 1970.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::api::error::content_type_header;
use crate::api::openapi::doc::JSON;
use crate::app::opensynaptic::{Packet, PacketDevice, PacketPage, PacketPaging, PacketSensor};
use crate::domain::integer::MAX_EXACT_FLOAT;
use crate::domain::message::MessageSensor;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Result};

/// `GET /health`.
#[derive(Debug, Serialize)]
pub struct HealthView {
    ok: bool,
    service: &'static str,
}

/// The vendor's words for a time past 64 bits.
const OUT_OF_RANGE: &str = "Python int too large to convert to SQLite INTEGER";

/// The only health there is: the process responds.
pub const HEALTH: HealthView = HealthView { ok: true, service: "web_user" };

/// `GET /api/data/devices`.
#[derive(Debug, Serialize)]
pub struct DevicesView<'a> {
    ok: bool,
    devices: Vec<DeviceView<'a>>,
    total: u64,
    limit: u32,
    offset: u64,
}

#[derive(Debug, Serialize)]
struct DeviceView<'a> {
    device_id: &'a str,
    last_seen: i64,
    packet_count: u64,
}

impl<'a> DevicesView<'a> {
    /// Builds the body of a page. `total` counts the devices of all pages; times are whole seconds since 1970.
    pub fn new(page: &'a PacketPage<PacketDevice>, paging: PacketPaging) -> Self {
        let device = |row: &'a PacketDevice| DeviceView {
            device_id: &row.device.aliases.external_id,
            last_seen: seconds(row.messages.last_seen),
            packet_count: row.messages.messages,
        };
        let devices = page.rows.iter().map(device).collect();
        DevicesView { ok: true, devices, total: page.total, limit: paging.limit, offset: paging.offset }
    }
}

/// `GET /api/data/packets`.
#[derive(Debug, Serialize)]
pub struct PacketsView<'a> {
    ok: bool,
    packets: Vec<PacketView<'a>>,
    total: u64,
    limit: u32,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl<'a> PacketsView<'a> {
    /// # Errors
    /// `Unavailable` when a stored payload is no JSON.
    pub fn new(page: &'a PacketPage<Packet>, paging: PacketPaging) -> Result<Self> {
        let packets = page.rows.iter().map(PacketView::new).collect::<Result<_>>()?;
        Ok(PacketsView { packets, total: page.total, error: None, ..PacketsView::out_of_range(paging) })
    }

    /// The vendor's answer to a time that its database cannot hold.
    pub fn out_of_range(PacketPaging { limit, offset }: PacketPaging) -> Self {
        PacketsView { ok: true, packets: Vec::new(), total: 0, limit, offset, error: Some(OUT_OF_RANGE) }
    }
}

#[derive(Debug, Serialize)]
struct PacketView<'a> {
    packet_uuid: Uuid,
    device_id: &'a str,
    device_status: &'a str,
    timestamp_raw: i64,
    payload_json: Box<RawValue>,
    created_at: i64,
}

impl<'a> PacketView<'a> {
    fn new(packet: &'a Packet) -> Result<Self> {
        let Packet { device, message } = packet;
        let device_id = device.aliases.external_id.as_str();
        let damaged = |e| Error::unavailable("the payload of a stored message is no JSON").with_source(e);
        Ok(PacketView {
            packet_uuid: message.uuid(),
            device_id,
            device_status: message.status(),
            timestamp_raw: seconds(message.ts),
            payload_json: RawValue::from_string(message.fact_payload(device_id)).map_err(damaged)?,
            created_at: seconds(message.received_at()),
        })
    }
}

/// `GET /api/data/packets/{uuid}`.
#[derive(Debug, Serialize)]
pub struct PacketWithSensorsView<'a> {
    ok: bool,
    packet: PacketView<'a>,
    sensors: Vec<SensorView<'a>>,
}

impl<'a> PacketWithSensorsView<'a> {
    /// # Errors
    /// `Unavailable` when the stored payload is no JSON.
    pub fn new(packet: &'a Packet) -> Result<Self> {
        let sensors = packet.message.sensors.iter().map(SensorView::new).collect();
        Ok(PacketWithSensorsView { ok: true, packet: PacketView::new(packet)?, sensors })
    }
}

#[derive(Debug, Serialize)]
struct SensorView<'a> {
    sensor_index: u32,
    sensor_id: &'a str,
    sensor_status: &'a str,
    normalized_value: Option<Number>,
    normalized_unit: Option<&'a str>,
}

impl<'a> SensorView<'a> {
    fn new(sensor: &'a MessageSensor) -> Self {
        SensorView {
            sensor_index: sensor.index,
            sensor_id: &sensor.id,
            sensor_status: &sensor.status,
            normalized_value: sensor.value.as_ref().map(float),
            normalized_unit: sensor.unit.as_deref(),
        }
    }
}

/// `GET /api/data/sensors`.
#[derive(Debug, Serialize)]
pub struct SensorsView<'a> {
    ok: bool,
    sensors: Vec<SensorOfPacketView<'a>>,
    total: u64,
    limit: u32,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct SensorOfPacketView<'a> {
    packet_uuid: Uuid,
    #[serde(flatten)]
    sensor: SensorView<'a>,
    device_id: &'a str,
    timestamp_raw: i64,
}

impl<'a> SensorsView<'a> {
    /// Builds the body of a page. `total` counts the sensors of all pages; times are whole seconds since 1970.
    pub fn new(page: &'a PacketPage<PacketSensor>, paging: PacketPaging) -> Self {
        let sensor = |row: &'a PacketSensor| SensorOfPacketView {
            packet_uuid: row.row.uuid,
            sensor: SensorView::new(&row.row.sensor),
            device_id: &row.device.aliases.external_id,
            timestamp_raw: seconds(row.row.ts),
        };
        let sensors = page.rows.iter().map(sensor).collect();
        SensorsView { sensors, total: page.total, error: None, ..SensorsView::out_of_range(paging) }
    }

    /// The vendor's answer to a time that its database cannot hold.
    pub fn out_of_range(PacketPaging { limit, offset }: PacketPaging) -> Self {
        SensorsView { ok: true, sensors: Vec::new(), total: 0, limit, offset, error: Some(OUT_OF_RANGE) }
    }
}

/// Responds with a body in the vendor's content type.
pub fn respond(body: impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, content_type_header(JSON));
    response
}

fn seconds(ts: Micros) -> i64 {
    ts.0.div_euclid(MICROS_PER_SECOND)
}

/// A value as the vendor's database has it, which knows no integers there. One that an f64 would change stays exact.
fn float(number: &Number) -> Number {
    let exact = number.as_f64().filter(|value| value.abs() < MAX_EXACT_FLOAT);
    exact.and_then(Number::from_f64).unwrap_or_else(|| number.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_floats_unless_that_changes_them() {
        for (number, expected) in [
            ("55", "55.0"),
            ("0", "0.0"),
            ("-7", "-7.0"),
            ("22.5", "22.5"),
            ("9007199254740991", "9007199254740991.0"),
            ("9007199254740993", "9007199254740993"),
            ("-9007199254740993", "-9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let number: Number = serde_json::from_str(number).unwrap();
            assert_eq!(float(&number).to_string(), expected, "{number}");
        }
    }
}

//! Maps devices and streams to and from the fields of an inventory file.

use serde_json::Value;

use super::field_reader::FieldReader;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{StreamKind, StreamSpec};

const ORDERS: [&str; 2] = ["little", "big"];

/// Every field of a device except its name, in the order of export. The password is imported but never exported.
pub const DEVICE_FIELDS: [&str; 11] = [
    "protocol",
    "host",
    "port",
    "unit",
    "username",
    "password",
    "timeout",
    "poll_interval",
    "byteorder",
    "enabled",
    "metadata",
];

/// Every field of a stream except its name, in the order of export.
pub const STREAM_FIELDS: [&str; 13] = [
    "path",
    "type",
    "group",
    "access_mode",
    "poll_interval",
    "unit",
    "scale",
    "offset",
    "byteorder",
    "enabled",
    "deadband",
    "statistics_interval",
    "metadata",
];

/// Returns a device with every field at its default.
pub fn blank_device(name: &str) -> DeviceSpec {
    DeviceSpec::new(name, Protocol::Virtual)
}

/// Reads all fields of a device. The password is returned instead of set, if it is given.
pub fn read_device(fields: &mut FieldReader, spec: &mut DeviceSpec) -> Option<String> {
    let mut password = None;
    fields.text("name", &mut spec.name);
    fields.choice("protocol", &Protocol::ALL.map(Protocol::name), &mut spec.protocol);
    fields.text("host", &mut spec.host);
    fields.integer_or_null("port", 1..=u16::MAX, &mut spec.port);
    fields.integer("unit", 0..=u8::MAX, &mut spec.unit);
    fields.text("username", &mut spec.username);
    fields.secret("password", &mut password);
    fields.number("timeout", &mut spec.timeout_s);
    fields.number_or_null("poll_interval", &mut spec.poll_interval_s);
    fields.choice("byteorder", &ORDERS, &mut spec.byteorder);
    fields.boolean("enabled", &mut spec.enabled);
    fields.object("metadata", &mut spec.metadata);
    password
}

/// Reads all fields of a stream. The group is returned by name instead of set.
pub fn read_stream(fields: &mut FieldReader, spec: &mut StreamSpec) -> Option<String> {
    let mut group = None;
    fields.text("name", &mut spec.name);
    fields.text("path", &mut spec.path);
    fields.choice("type", &StreamKind::ALL.map(StreamKind::name), &mut spec.kind);
    fields.text_or_null("group", &mut group);
    fields.choice("access_mode", &["r", "rw"], &mut spec.access_mode);
    fields.number_or_null("poll_interval", &mut spec.poll_interval_s);
    fields.text("unit", &mut spec.unit);
    fields.number("scale", &mut spec.scale);
    fields.number("offset", &mut spec.offset);
    fields.choice_or_null("byteorder", &ORDERS, &mut spec.byteorder);
    fields.boolean("enabled", &mut spec.enabled);
    fields.number_or_null("deadband", &mut spec.deadband);
    fields.integer_or_null("statistics_interval", 1..=86_400, &mut spec.statistics_interval_s);
    fields.object("metadata", &mut spec.metadata);
    group
}

/// Returns the fields of a device except its name, with their values. The password is always null.
pub fn device_values(spec: &DeviceSpec) -> [(&'static str, Value); 11] {
    let values = [
        spec.protocol.name().into(),
        spec.host.as_str().into(),
        spec.port.into(),
        spec.unit.into(),
        spec.username.as_str().into(),
        Value::Null,
        number(spec.timeout_s),
        spec.poll_interval_s.map_or(Value::Null, number),
        spec.byteorder.name().into(),
        spec.enabled.into(),
        Value::Object(spec.metadata.clone()),
    ];
    zip(DEVICE_FIELDS, values)
}

/// Returns the fields of a stream except its name, with their values; `group` is the name of its group.
pub fn stream_values(spec: &StreamSpec, group: Option<&str>) -> [(&'static str, Value); 13] {
    let values = [
        spec.path.as_str().into(),
        spec.kind.name().into(),
        group.into(),
        spec.access_mode.name().into(),
        spec.poll_interval_s.map_or(Value::Null, number),
        spec.unit.as_str().into(),
        number(spec.scale),
        number(spec.offset),
        spec.byteorder.map(|order| order.name()).into(),
        spec.enabled.into(),
        spec.deadband.map_or(Value::Null, number),
        spec.statistics_interval_s.into(),
        Value::Object(spec.metadata.clone()),
    ];
    zip(STREAM_FIELDS, values)
}

fn zip<const N: usize>(names: [&'static str; N], values: [Value; N]) -> [(&'static str, Value); N] {
    let mut names = names.into_iter();
    values.map(|value| (names.next().expect("there are as many"), value))
}

/// Writes whole numbers without a decimal point, as people do.
fn number(number: f64) -> Value {
    let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
    if is_whole { Value::from(number as i64) } else { Value::from(number) }
}

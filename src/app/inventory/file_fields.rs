//! Devices and streams as the fields of an inventory file, in the order of export.

use std::sync::LazyLock;

use serde_json::Value;

use crate::app::fields::noun::Noun;
use crate::app::fields::shown::{ShownField, ShownRow};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::StreamSpec;

/// Fields that are not written as such: the name identifies a row, and a stream is written below its device.
const IDENTITY: [&str; 2] = ["name", "device"];

/// Fields of a row with their values.
pub type NamedValues = Vec<(&'static str, Value)>;

/// Names of the fields of a file.
pub struct FileColumns {
    /// Fields of a device, except its name.
    pub device: Vec<&'static str>,
    /// Fields of a device that are exported: a password is imported but never exported.
    pub exported_device: Vec<&'static str>,
    /// Fields of a stream, except its name and its device.
    pub stream: Vec<&'static str>,
}

impl FileColumns {
    /// The names of all fields, from the lists in `app::fields`.
    pub fn all() -> FileColumns {
        let (device, stream) = (DeviceSpec::blank().values(), StreamSpec::blank().values());
        FileColumns {
            device: names(device.0.iter()),
            exported_device: names(device.0.iter().filter(|field| field.value.is_some())),
            stream: names(stream.0.iter()),
        }
    }
}

fn names<'a>(fields: impl Iterator<Item = &'a ShownField>) -> Vec<&'static str> {
    fields.map(|field| field.name).filter(|name| !IDENTITY.contains(name)).collect()
}

/// The fields of a device with every field at its default.
pub static DEVICE_DEFAULTS: LazyLock<NamedValues> =
    LazyLock::new(|| device_fields(&DeviceSpec::blank(), DeviceNames::default()));

/// The fields of a stream with every field at its default.
pub static STREAM_DEFAULTS: LazyLock<NamedValues> =
    LazyLock::new(|| stream_fields(&StreamSpec::blank(), None));

/// Names of the rows that a device refers to.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeviceNames<'a> {
    pub product: Option<&'a str>,
    pub parent_device: Option<&'a str>,
}

/// Returns the fields of a device except its name, with their values. A password is always null.
pub fn device_fields(spec: &DeviceSpec, names: DeviceNames<'_>) -> NamedValues {
    let mut fields = file_values(spec.values());
    for (name, value) in &mut fields {
        match *name {
            "product" => *value = names.product.into(),
            "parent_device" => *value = names.parent_device.into(),
            _ => {}
        }
    }
    fields
}

/// Returns the fields of a stream except its name and its device, with their values; `group` is the name of its group.
pub fn stream_fields(spec: &StreamSpec, group: Option<&str>) -> NamedValues {
    let mut fields = file_values(spec.values());
    for (_, value) in fields.iter_mut().filter(|(name, _)| *name == "group") {
        *value = group.into();
    }
    fields
}

fn file_values(row: ShownRow) -> NamedValues {
    let fields = row.0.into_iter().filter(|field| !IDENTITY.contains(&field.name));
    fields
        .map(|field| (field.name, field.value.map_or(Value::Null, |value| plain_number(value.into()))))
        .collect()
}

/// Writes whole numbers without a decimal point, as people do.
fn plain_number(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() < 1e15 => {
            Value::from(number as i64)
        }
        _ => value,
    }
}

//! Devices and their streams as one whole, known by their names: what a file of configuration says.

use super::device::DeviceSpec;
use super::stream::StreamSpec;

/// Devices in the order of their file. Names of devices are unique in it, names of streams within their device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    pub devices: Vec<DeviceEntry>,
}

/// A device as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceEntry {
    pub name: String,
    /// All of it but the password. `None` names a device that exists and stays as it is.
    pub spec: Option<DeviceSpec>,
    /// `None` keeps the one there is.
    pub password: Option<String>,
    pub streams: Vec<StreamEntry>,
}

/// A stream as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEntry {
    /// All of it; `device` and `group` are found by name and are nothing here.
    pub spec: StreamSpec,
    /// Made when there is none of this name.
    pub group: Option<String>,
}

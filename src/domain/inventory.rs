//! Inventory: devices and their streams as one document, identified by name, as an inventory file describes them.

use super::device::DeviceSpec;
use super::stream::StreamSpec;

/// Devices in file order. Device names are unique in the document; stream names are unique per device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    /// Devices with their streams.
    pub devices: Vec<DeviceEntry>,
}

/// Desired state of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceEntry {
    /// Name that identifies the device in its organization.
    pub name: String,
    /// Every setting except the password. `product` and `parent_device` are ignored here: they are resolved by name.
    /// `None` refers to an existing device and leaves it unchanged.
    pub spec: Option<DeviceSpec>,
    /// `None` keeps the stored password.
    pub password: Option<String>,
    /// Name of the device's product, which must exist; `None` is the organization's product `Default`.
    pub product: Option<String>,
    /// Name of the gateway, which must exist or be in this inventory.
    pub parent_device: Option<String>,
    /// Streams of the device, in file order.
    pub streams: Vec<StreamEntry>,
}

/// Desired state of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEntry {
    /// Every setting. `device` and `group` are ignored here: they are resolved by name.
    pub spec: StreamSpec,
    /// Name of the stream's group, which is created if it does not exist.
    pub group: Option<String>,
}

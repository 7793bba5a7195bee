//! Protocols, as the collectors use them. `registry` lists the implementations.

use std::sync::Arc;

use super::address::DeviceAddress;
use super::client::DeviceEndpoint;
use super::codec::WordOrder;
use super::connection_usage::{MAX_PAUSE_AFTER_CONNECT_S, MAX_PAUSE_BETWEEN_REQUESTS_S};
use super::point::DevicePoint;
use super::shared_connection::SharedConnection;
use super::source::DeviceSource;
use super::status_cell::DeviceStatusCell;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::ports::HttpClient;
use crate::domain::stream::{ByteOrder, Stream, StreamKind, StreamSpec};
use crate::domain::{Clock, Error, FieldError, Result};

/// Everything that a polling source needs besides the device's settings.
pub struct SourceContext {
    pub connection: Arc<SharedConnection>,
    pub status: Arc<DeviceStatusCell>,
    pub clock: Arc<dyn Clock>,
    pub web: Arc<dyn HttpClient>,
}

/// A device setting that an address on the command line may contain (`one_shot`), by its name in the metadata.
pub type UrlSetting = (&'static str, SettingValues);

/// Valid values of a setting.
pub enum SettingValues {
    OneOf(&'static [&'static str]),
    NumberOf(&'static [u32]),
    UpTo(u64),
    /// A number of seconds, fractions included.
    SecondsUpTo(u32),
    Boolean,
}

/// Settings of a connection (`connection_usage`) that an address may contain.
pub const PAUSE_AFTER_CONNECT: UrlSetting =
    ("pause_after_connect", SettingValues::SecondsUpTo(MAX_PAUSE_AFTER_CONNECT_S));
/// Pause from an answer to the next request, for devices that need it.
pub const PAUSE_BETWEEN_REQUESTS: UrlSetting =
    ("pause_between_requests", SettingValues::SecondsUpTo(MAX_PAUSE_BETWEEN_REQUESTS_S));

/// A protocol that devices are collected by.
///
/// A protocol whose devices are read and written by address implements `endpoint` and `parse_address`
/// (`Protocol::has_registers`); the others leave them. A protocol with numbered registers implements
/// `registers::protocol::RegisterProtocol` instead.
pub trait DeviceProtocol: Sync {
    /// The protocol's name in the catalog.
    fn protocol(&self) -> Protocol;

    /// Makes the polling source of a device. Opens no connection yet.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>>;

    /// Whether the device is polled, or connected to, with these streams. Otherwise its values arrive by other ways.
    fn is_polled(&self, _device: &DeviceSpec, _streams: &[Arc<Stream>]) -> bool {
        true
    }

    /// Checks the address of a stream; a protocol without addresses accepts any text. The error is for the field
    /// `path`.
    fn check_path(&self, path: &str) -> Result<(), FieldError> {
        if !self.protocol().has_registers() {
            return Ok(());
        }
        let parsed = self.parse_address(&DeviceSpec::new("", self.protocol()), path);
        parsed.map(drop).map_err(|error| FieldError::new("path", error))
    }

    /// Checks the type of the values of a stream at an address. The error is for the field `type`; a wrong address is
    /// no error here.
    fn check_kind(&self, _path: &str, _kind: StreamKind) -> Result<(), FieldError> {
        Ok(())
    }

    /// Checks the word order that the metadata of a stream names, where values have one. The error is for the field
    /// `metadata`.
    fn check_word_order(&self, _device: &DeviceSpec, _stream: &StreamSpec) -> Result<(), FieldError> {
        Ok(())
    }

    /// Checks the settings that only polling reads.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    fn check_polling(&self, _device: &DeviceSpec) -> Result<()> {
        Ok(())
    }

    /// Builds the endpoint from a device's settings.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Err(no_connection(device.protocol))
    }

    /// Parses an address that a user wrote for a device. The error quotes it (`address::invalid_register_message`) and
    /// shows the valid forms.
    fn parse_address(&self, device: &DeviceSpec, _text: &str) -> Result<DeviceAddress, String> {
        Err(no_registers(device.protocol))
    }

    /// Settings that `PROTOCOL://HOST/REGISTER` may contain; `None` where there are no such addresses.
    fn url_settings(&self) -> Option<&'static [UrlSetting]> {
        None
    }

    /// The node with which a browse of a device begins; `None` for a protocol that is not browsed.
    fn browse_root(&self) -> Option<&'static str> {
        None
    }

    /// Settings that `PROTOCOL+serial:///dev/PORT/REGISTER` may contain; `None` where devices are at no serial port.
    fn serial_url_settings(&self) -> Option<&'static [UrlSetting]> {
        None
    }

    /// Order of the bytes of a register on the wire.
    fn wire_order(&self) -> ByteOrder {
        ByteOrder::Little
    }

    /// Default word order (endianness): that of a number where no `wordorder` is given. A protocol whose devices have one
    /// order ignores the byte order of device and stream.
    fn word_order(&self, byteorder: ByteOrder) -> WordOrder {
        byteorder.into()
    }
}

/// Error for a device that is not connected to by an endpoint.
pub fn no_connection(protocol: Protocol) -> Error {
    Error::field("protocol", format!("Devices of protocol \"{protocol}\" cannot be connected to."))
}

/// Message for a device without addresses.
pub fn no_registers(protocol: Protocol) -> String {
    format!("a device of protocol \"{protocol}\" has no registers")
}

/// Returns the point of a stream. The error is a message.
pub fn stream_point(
    protocol: &dyn DeviceProtocol,
    device: &DeviceSpec,
    stream: &StreamSpec,
) -> Result<DevicePoint, String> {
    let address = protocol.parse_address(device, &stream.path)?;
    address.point(stream.kind, stream_word_order(protocol, device, stream)?)
}

/// Returns the word order of a stream: `metadata.wordorder`, else that of the protocol for the stream's byte order or
/// else the device's. The error is a message.
pub fn stream_word_order(
    protocol: &dyn DeviceProtocol,
    device: &DeviceSpec,
    stream: &StreamSpec,
) -> Result<WordOrder, String> {
    match stream.metadata.get("wordorder").filter(|setting| !setting.is_null()) {
        None => Ok(protocol.word_order(stream.byteorder.unwrap_or(device.byteorder))),
        Some(setting) => {
            let name = setting.as_str().ok_or_else(|| format!("wordorder {setting} is not a text"))?;
            name.parse().map_err(|error: Error| error.to_string())
        }
    }
}

//! What a protocol with numbered registers implements. The blanket implementations below make a `DeviceProtocol` and
//! a `DeviceEndpoint` of it, so that such protocols differ in their settings, addresses and frames alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::source::{self, RegisterSource};
use crate::collect::address::DeviceAddress;
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, is_equal};
use crate::collect::codec::WordOrder;
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::{DeviceProtocol, SourceContext, UrlSetting};
use crate::collect::source::{DeviceSource, GroupedSource};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::{FieldError, Result};

/// A protocol whose devices have numbered registers.
pub trait RegisterProtocol: Sync + 'static {
    /// Address and settings of one device.
    type Endpoint: RegisterEndpoint;

    /// The protocol's name in the catalog.
    const PROTOCOL: Protocol;
    /// Settings that `PROTOCOL://HOST/REGISTER` may contain.
    const URL_SETTINGS: &'static [UrlSetting];
    /// Settings that `PROTOCOL+serial:///dev/PORT/REGISTER` may contain; `None` where devices are at no serial port.
    const SERIAL_URL_SETTINGS: Option<&'static [UrlSetting]> = None;
    /// Order of the bytes of a register on the wire.
    const WIRE_ORDER: ByteOrder = ByteOrder::Little;
    /// The word order of all devices; `None` where it depends on the device.
    const WORD_ORDER: Option<WordOrder> = None;

    /// Parses an address that a user wrote for a device; promises what [`DeviceProtocol::parse_address`] promises.
    fn parse_register(device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String>;
}

/// Address and protocol settings of a device with numbered registers, checked.
#[async_trait]
pub trait RegisterEndpoint: PartialEq + Send + Sync + Sized + 'static {
    type Client: DeviceClient;

    /// Builds the endpoint from a device's settings.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    fn from_spec(device: &DeviceSpec) -> Result<Self>;

    /// Time limit for connecting and for each request.
    fn timeout(&self) -> Duration;

    /// Pauses and use of the connection.
    fn usage(&self) -> ConnectionUsage;

    /// Opens a connection within the timeout.
    async fn connect(&self, context: &ConnectContext) -> Result<Self::Client, DeviceFault>;
}

impl<P: RegisterProtocol> DeviceProtocol for P {
    fn protocol(&self) -> Protocol {
        P::PROTOCOL
    }

    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        Ok(Box::new(GroupedSource::new(RegisterSource::new(self, device, context)?)))
    }

    fn check_kind(&self, kind: StreamKind) -> Result<(), FieldError> {
        if kind.is_register_kind() {
            return Ok(());
        }
        let valid = StreamKind::ALL.into_iter().filter(|kind| kind.is_register_kind()).map(StreamKind::name);
        let valid = valid.collect::<Vec<_>>().join(", ");
        Err(FieldError::new("type", format!("A register holds no value of type {kind}: use one of {valid}.")))
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        source::max_gap(device).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(P::Endpoint::from_spec(device)?))
    }

    fn parse_address(&self, device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        P::parse_register(device, text)
    }

    fn url_settings(&self) -> Option<&'static [UrlSetting]> {
        Some(P::URL_SETTINGS)
    }

    fn serial_url_settings(&self) -> Option<&'static [UrlSetting]> {
        P::SERIAL_URL_SETTINGS
    }

    fn wire_order(&self) -> ByteOrder {
        P::WIRE_ORDER
    }

    fn word_order(&self, byteorder: ByteOrder) -> WordOrder {
        P::WORD_ORDER.unwrap_or(byteorder.into())
    }
}

#[async_trait]
impl<E: RegisterEndpoint> DeviceEndpoint for E {
    fn timeout(&self) -> Duration {
        RegisterEndpoint::timeout(self)
    }

    fn usage(&self) -> ConnectionUsage {
        RegisterEndpoint::usage(self)
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(RegisterEndpoint::connect(self, context).await?))
    }
}

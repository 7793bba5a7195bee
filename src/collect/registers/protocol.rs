//! Traits of a protocol with numbered registers. The blanket implementations below make a `DeviceProtocol` and
//! a `DeviceEndpoint` of it, so that such protocols differ in their settings, addresses and frames alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::named_register::NamedRegister;
use super::point::RegisterPoint;
use super::poll_group::StreamRegisters;
use super::source::{self, RegisterSource};
use super::value_type::RegisterType;
use crate::collect::address::{DeviceAddress, invalid_register_message};
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, is_equal};
use crate::collect::codec::WordOrder;
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::{DeviceProtocol, SourceContext, UrlSetting, stream_word_order};
use crate::collect::source::{DeviceSource, GroupedSource};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamKind, StreamSpec};
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

    /// Parses a register that a user wrote for a device, without a type after it; promises what
    /// [`DeviceProtocol::parse_address`] promises.
    fn parse_register(device: &DeviceSpec, text: &str) -> Result<NamedRegister, String>;

    /// Returns the register as holding values of a type that is written after it.
    ///
    /// # Errors
    /// A message: the register cannot hold them.
    fn with_type(register: NamedRegister, value_type: RegisterType) -> Result<NamedRegister, String> {
        register.with_type(value_type)
    }
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

impl<P: RegisterProtocol> StreamRegisters for P {
    fn point(&self, device: &DeviceSpec, stream: &StreamSpec) -> Result<RegisterPoint, String> {
        let register = parse_with_type::<P>(device, &stream.path)?;
        let point = register.point(stream.kind, stream_word_order(self, device, stream)?);
        point.map_err(|fault| fault.describe(stream.kind, &register))
    }
}

impl<P: RegisterProtocol> DeviceProtocol for P {
    fn protocol(&self) -> Protocol {
        P::PROTOCOL
    }

    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        Ok(Box::new(GroupedSource::new(RegisterSource::new(self, device, context)?)))
    }

    fn check_kind(&self, path: &str, kind: StreamKind) -> Result<(), FieldError> {
        match parse_with_type::<P>(&DeviceSpec::new("", P::PROTOCOL), path) {
            Ok(register) => register.check_kind(kind).map_err(|why| FieldError::new("type", why)),
            // What is wrong with the path is said under its own field.
            Err(_) => Ok(()),
        }
    }

    fn check_word_order(&self, device: &DeviceSpec, stream: &StreamSpec) -> Result<(), FieldError> {
        let order = stream_word_order(self, device, stream);
        order.map(drop).map_err(|why| FieldError::new("metadata", why))
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        source::max_gap(device).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(P::Endpoint::from_spec(device)?))
    }

    fn parse_address(&self, device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        parse_with_type::<P>(device, text).map(DeviceAddress::Register)
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

/// Parses a register and what may follow it: a type, and the number of elements of an array: `hr:100:bcd16[10]`.
fn parse_with_type<P: RegisterProtocol>(device: &DeviceSpec, text: &str) -> Result<NamedRegister, String> {
    let Some((place, count)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
        return parse_one::<P>(device, text);
    };
    let quoted = |text: &str| invalid_register_message(text, "");
    let register = parse_one::<P>(device, place);
    let register = register.map_err(|why| why.replacen(&quoted(place), &quoted(text), 1))?;
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    let count = count.parse().ok().filter(|count: &u16| is_number && *count > 0).ok_or_else(|| {
        invalid_register_message(
            text,
            format_args!("In brackets is the number of values that follow each other: {place}[10]."),
        )
    })?;
    register.array(count).map_err(|why| invalid_register_message(text, why))
}

/// Parses a register and the type that may follow it: `hr:100:bcd16`.
fn parse_one<P: RegisterProtocol>(device: &DeviceSpec, text: &str) -> Result<NamedRegister, String> {
    let begins_a_name = |name: &&str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let Some((place, name)) = text.rsplit_once(':').filter(|(_, name)| begins_a_name(name)) else {
        return P::parse_register(device, text);
    };
    let Ok(register) = P::parse_register(device, place) else { return P::parse_register(device, text) };
    let value_type = RegisterType::parse(P::PROTOCOL, name).ok_or_else(|| {
        let valid = RegisterType::names(P::PROTOCOL);
        invalid_register_message(text, format_args!("`{name}` is no type of a register: use one of {valid}."))
    })?;
    P::with_type(register, value_type).map_err(|why| invalid_register_message(text, why))
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

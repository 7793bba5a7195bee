//! One-off read of a register from its address alone, without a device or stream; nothing is stored.
//!
//! `PROTOCOL://HOST[:PORT]/REGISTER?type=fp32&byteorder=big&unit=1` for Modbus, MELSEC, FEnet or S7. `wordorder` instead
//! of `byteorder` names one of the four orders; other parameters are the protocol's settings, such as
//! `framing=rtu_over_tcp`, `frame=4E`, `cpu=XGI` or `slot=2`. Defaults are those of a device; without a type a register is read
//! as a bit, uint16, or the type of its size letter. `modbus+serial:///dev/PORT/REGISTER?baud=9600` is a device at a
//! serial port.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use url::Url;

use super::address::DeviceAddress;
use super::client::ConnectContext;
use super::codec::{self, WordOrder};
use super::device_value::DeviceValue;
use super::networks::AllowedNetworks;
use super::opcua::pki::Pki;
use super::point::{DevicePoint, PointData};
use super::protocol::{DeviceProtocol, SettingValues};
use super::register_values::value_as;
use super::registers::RegisterData;
use super::registry;
use super::serial::{AllowedSerialPorts, SerialAddress};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::time::SystemClock;
use crate::domain::{Error, Kind, Result};

/// Result of a one-off read.
#[derive(Debug, Clone, PartialEq)]
pub struct OneShotRead {
    /// The canonical form of the register.
    pub register: String,
    pub kind: StreamKind,
    /// In the requested word order.
    pub value: DeviceValue,
    /// As received from the device: the bytes of the registers, or 0 or 1 for a single bit each.
    pub raw: Vec<u8>,
    /// The value in every word order in which there is one; empty for single bits and bytes, which have none.
    pub orders: Vec<(WordOrder, DeviceValue)>,
}

/// Reads once; connecting and reading may each take `timeout`. The error for a wrong part of the address lists the
/// valid forms.
pub async fn read(address: &str, timeout: Duration) -> Result<OneShotRead> {
    let request = parse(address, timeout)?;
    let endpoint = request.protocol.endpoint(&request.device)?;
    let means = ConnectContext {
        pki: Pki::disabled(),
        clock: Arc::new(SystemClock),
        networks: AllowedNetworks::default(),
        serial_ports: AllowedSerialPorts::AnyTerminal,
        org: None,
        silence: Arc::default(),
    };
    let mut client = endpoint.connect(&means).await?;
    let answered = client.read(&request.point(request.order)?).await?;
    let sample = request.point(request.order)?.decode(&answered);
    let sample = sample.map_err(|why| Error::new(Kind::DeviceFault, format!("Device error: {why}.")))?;
    let in_order = |order| Some((order, value_as(&request.register, request.kind, order, &answered)?));
    let PointData::Registers(_, data) = &answered else {
        return Err(Error::internal("the answer holds no registers"));
    };
    let orders = match data {
        RegisterData::Bits(bits) if bits.len() == 1 => Vec::new(),
        RegisterData::Bytes(bytes) if bytes.len() == 1 => Vec::new(),
        RegisterData::Bits(_) | RegisterData::Bytes(_) | RegisterData::Words(_) => {
            WordOrder::ALL.into_iter().filter_map(in_order).collect()
        }
    };
    let raw = match data {
        RegisterData::Bits(bits) => bits.iter().map(|bit| u8::from(*bit)).collect(),
        RegisterData::Bytes(bytes) => bytes.clone(),
        RegisterData::Words(words) => match request.protocol.wire_order() {
            ByteOrder::Big => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
            ByteOrder::Little => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        },
    };
    let (register, kind) = (request.register.to_string(), request.kind);
    Ok(OneShotRead { register, kind, value: sample.value, raw, orders })
}

/// Parsed form of an address.
struct ReadRequest {
    protocol: &'static dyn DeviceProtocol,
    /// With the settings from the address's parameters.
    device: DeviceSpec,
    register: DeviceAddress,
    kind: StreamKind,
    order: WordOrder,
}

impl ReadRequest {
    fn point(&self, order: WordOrder) -> Result<DevicePoint> {
        self.register.point(self.kind, order).map_err(Error::invalid)
    }
}

const FORM: &str = "write PROTOCOL://HOST[:PORT]/REGISTER, for example modbus://127.0.0.1:502/hr:100?type=fp32, \
                    melsec://127.0.0.1:5007/D100?type=int16&frame=3E, fenet://127.0.0.1:2004/%25DW100 or \
                    s7://127.0.0.1:102/DB1.DBD0?type=fp32&rack=0&slot=1";
const SERIAL_FORM: &str = "write PROTOCOL+serial:///dev/PORT/REGISTER, for example modbus+serial:///dev/ttyUSB0/hr:100?unit=1&baud=9600";
/// Ending of a scheme whose addresses begin with a serial port.
const SERIAL_SCHEME: &str = "+serial";

fn parse(address: &str, timeout: Duration) -> Result<ReadRequest> {
    let url = Url::parse(address)
        .map_err(|error| Error::invalid(format!("`{address}` is no address ({error}): {FORM}")))?;
    let (protocol, mut device, register) = match url.scheme().strip_suffix(SERIAL_SCHEME) {
        None => network_device(&url)?,
        Some(name) => serial_device(&url, name)?,
    };
    device.timeout_s = timeout.as_secs_f64();
    let (mut kind, mut order) = (None, protocol.word_order(ByteOrder::default()));
    for (key, setting) in url.query_pairs() {
        match &*key {
            "type" => kind = Some(parse_kind(&setting)?),
            "byteorder" => order = parse_byteorder(&setting)?,
            "wordorder" => order = parse_wordorder(&setting)?,
            _ => set(protocol, &mut device, &key, &setting)?,
        }
    }
    let register = protocol.parse_address(&device, &register).map_err(Error::invalid)?;
    let kind = kind.unwrap_or(register.default_kind());
    let request = ReadRequest { protocol, device, kind, register, order };
    request.point(request.order)?;
    Ok(request)
}

/// Protocol, device and register of an address with a host.
fn network_device(url: &Url) -> Result<(&'static dyn DeviceProtocol, DeviceSpec, String)> {
    let protocol: Option<Protocol> = url.scheme().parse().ok();
    let protocol = protocol.and_then(registry::find).filter(|known| known.url_settings().is_some());
    let protocol = protocol.ok_or_else(|| {
        Error::invalid(format!("`{}://` addresses are not read by this version: {FORM}", url.scheme()))
    })?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::invalid(format!("`{url}` names no host: {FORM}")))?;
    if url.port() == Some(0) {
        return Err(Error::invalid(format!("port 0 cannot be connected to: {FORM}")));
    }
    let mut device = DeviceSpec::new("", protocol.protocol());
    device.host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    device.port = url.port();
    Ok((protocol, device, percent_decode(url.path().trim_start_matches('/'))))
}

/// Protocol, device and register of an address with a serial port: the register is what follows the last slash.
fn serial_device(url: &Url, name: &str) -> Result<(&'static dyn DeviceProtocol, DeviceSpec, String)> {
    let protocol: Option<Protocol> = name.parse().ok();
    let protocol = protocol.and_then(registry::find).filter(|known| known.serial_url_settings().is_some());
    let protocol = protocol.ok_or_else(|| {
        Error::invalid(format!("`{}://` addresses are not read by this version: {SERIAL_FORM}", url.scheme()))
    })?;
    let place = url.path().rsplit_once('/').filter(|_| url.host_str().unwrap_or_default().is_empty());
    let (port, register) = place
        .filter(|(port, _)| port.starts_with("/dev/"))
        .ok_or_else(|| Error::invalid(format!("`{url}` names no serial port: {SERIAL_FORM}")))?;
    let mut device = DeviceSpec::new("", protocol.protocol());
    device.host = percent_decode(port);
    Ok((protocol, device, percent_decode(register)))
}

fn parse_kind(text: &str) -> Result<StreamKind> {
    let kind: Option<StreamKind> = text.parse().ok().filter(|kind| codec::word_count(*kind).is_some());
    kind.ok_or_else(|| one_of("type", text, numeric_kinds()))
}

fn parse_byteorder(text: &str) -> Result<WordOrder> {
    let order: Option<ByteOrder> = text.parse().ok();
    order.map(WordOrder::from).ok_or_else(|| one_of("byteorder", text, ["little", "big"]))
}

fn parse_wordorder(text: &str) -> Result<WordOrder> {
    let order = text.parse().ok();
    order.ok_or_else(|| one_of("wordorder", text, WordOrder::ALL.map(WordOrder::name)))
}

/// Applies a parameter that is a setting of the device.
fn set(protocol: &dyn DeviceProtocol, device: &mut DeviceSpec, key: &str, text: &str) -> Result<()> {
    if key == "unit" {
        let unit = text.parse();
        device.unit =
            unit.map_err(|_| Error::invalid(format!("unit `{text}` is not a number from 0 to 255")))?;
        return Ok(());
    }
    let known = if SerialAddress::is_path(&device.host) {
        protocol.serial_url_settings()
    } else {
        protocol.url_settings()
    };
    let known = known.unwrap_or_default();
    let Some((_, valid)) = known.iter().find(|(name, _)| *name == key) else {
        let names = ["type", "unit", "byteorder", "wordorder"].into_iter();
        return Err(one_of("parameter", key, names.chain(known.iter().map(|(name, _)| *name))));
    };
    let setting: Json = match valid {
        SettingValues::OneOf(words) if words.contains(&text) => text.into(),
        SettingValues::OneOf(words) => return Err(one_of(key, text, words.iter().copied())),
        SettingValues::NumberOf(numbers) => {
            let number = text.parse().ok().filter(|number: &u32| numbers.contains(number));
            let valid = || numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            number.ok_or_else(|| Error::invalid(format!("{key} `{text}` is not one of {}", valid())))?.into()
        }
        SettingValues::UpTo(max) => {
            let number: Option<u64> = text.parse().ok().filter(|number| number <= max);
            let wrong = || Error::invalid(format!("{key} `{text}` is not a number from 0 to {max}"));
            number.ok_or_else(wrong)?.into()
        }
        SettingValues::SecondsUpTo(max) => {
            let seconds: Option<f64> =
                text.parse().ok().filter(|seconds| (0.0..=f64::from(*max)).contains(seconds));
            let wrong =
                || Error::invalid(format!("{key} `{text}` is not a number of seconds from 0 to {max}"));
            seconds.ok_or_else(wrong)?.into()
        }
        SettingValues::Boolean => {
            let flag: Option<bool> = text.parse().ok();
            flag.ok_or_else(|| one_of(key, text, ["true", "false"]))?.into()
        }
    };
    device.metadata.insert(key.to_owned(), setting);
    Ok(())
}

fn numeric_kinds() -> impl Iterator<Item = &'static str> {
    StreamKind::ALL.into_iter().filter(|kind| kind.is_register_kind()).map(StreamKind::name)
}

fn one_of(what: &str, input: &str, valid: impl IntoIterator<Item = &'static str>) -> Error {
    let valid = valid.into_iter().collect::<Vec<_>>().join(", ");
    Error::invalid(format!("{what} `{input}` is not one of {valid}"))
}

/// Decodes `%25DB200` and leaves `%DB200`, which people type, as it is: `%DB` is no percent-encoded UTF-8.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|pair| {
            let pair =
                std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(pair, 16).ok()
        });
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
#[path = "one_shot_tests.rs"]
mod tests;

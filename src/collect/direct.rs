//! One direct read of one register from its address alone: no device, no stream, nothing stored.
//!
//! `PROTOCOL://HOST[:PORT]/REGISTER?type=fp32&byteorder=big&unit=1` of Modbus, MELSEC or FEnet; `wordorder` instead of
//! `byteorder` names one of the four orders; other parameters are the protocol's settings, such as `framing=rtu_over_tcp`,
//! `frame=4E` or `cpu=XGI`. Defaults are those of a device; without a type a register is what it is by itself: a bit,
//! uint16, or what a size letter says.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use url::Url;

use super::address::Address;
use super::client::{Client, Endpoint, Means};
use super::codec::{self, WordOrder};
use super::content::Content;
use super::networks::Networks;
use super::opcua::pki::Pki;
use super::point::{Answered, Point};
use super::registers::Data;
use super::spoken::Spoken;
use super::value::Value;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::time::SystemClock;
use crate::domain::{Error, Result};

/// What a register holds.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectRead {
    /// The canonical form of the register.
    pub register: String,
    pub kind: StreamKind,
    /// In the order asked for.
    pub value: Value,
    /// As they came from the device: the bytes of the registers, or 0 or 1 for a single bit each.
    pub raw: Vec<u8>,
    /// The value in every word order; empty for single bits, which have none.
    pub orders: Vec<(WordOrder, Value)>,
}

/// Reads once; connecting and reading may each take `timeout`. Every bad part of the address is an error that says
/// what would be valid.
pub async fn read(address: &str, timeout: Duration) -> Result<DirectRead> {
    let asked = parse(address, timeout)?;
    let endpoint = Endpoint::of(&asked.device)?;
    let means = Means { pki: Pki::nowhere(), clock: Arc::new(SystemClock), networks: Networks::default() };
    let mut client = Client::connect(&endpoint, &means).await?;
    let point = asked.point(asked.order)?;
    let answered = client.read(&point).await?;
    let value = |point: Point| match point.decode(&answered).map(|sample| sample.content) {
        Ok(Content::Number(value)) => Ok(value),
        Ok(Content::Text(_)) => Err(Error::internal("a register holds no text")),
        Err(why) => Err(Error::internal(why)),
    };
    let Answered::Registers(_, data) = &answered else {
        return Err(Error::internal("the answer holds no registers"));
    };
    let orders = match data {
        Data::Bits(bits) if bits.len() == 1 => Vec::new(),
        Data::Bits(_) | Data::Bytes(_) | Data::Words(_) => WordOrder::ALL
            .into_iter()
            .map(|order| Ok((order, value(asked.point(order)?)?)))
            .collect::<Result<_>>()?,
    };
    let raw = match data {
        Data::Bits(bits) => bits.iter().map(|bit| u8::from(*bit)).collect(),
        Data::Bytes(bytes) => bytes.clone(),
        // Modbus alone sends the high byte of a word first.
        Data::Words(words) if asked.device.protocol == Protocol::Modbus => {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        }
        Data::Words(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
    };
    let (register, kind) = (asked.register.to_string(), asked.kind);
    Ok(DirectRead { register, kind, value: value(point)?, raw, orders })
}

/// What an address asks for.
#[derive(Debug)]
struct Asked {
    /// With the settings that the address names.
    device: DeviceSpec,
    register: Address,
    kind: StreamKind,
    order: WordOrder,
}

impl Asked {
    fn point(&self, order: WordOrder) -> Result<Point> {
        self.register.point(self.kind, order).map_err(Error::invalid)
    }
}

const FORM: &str = "write PROTOCOL://HOST[:PORT]/REGISTER, for example modbus://127.0.0.1:502/hr:100?type=fp32, \
                    melsec://127.0.0.1:5007/D100?type=int16&frame=3E or fenet://127.0.0.1:2004/%25DW100";

/// What a parameter may be.
enum Valid {
    OneOf(&'static [&'static str]),
    UpTo(u64),
    TrueOrFalse,
}

/// Settings of a protocol that an address can name.
fn settings(spoken: Spoken) -> &'static [(&'static str, Valid)] {
    match spoken {
        Spoken::Modbus => &[("framing", Valid::OneOf(&["tcp", "rtu_over_tcp"]))],
        Spoken::Melsec => &[
            ("frame", Valid::OneOf(&["3E", "4E"])),
            ("encoding", Valid::OneOf(&["binary", "ascii"])),
            ("transport", Valid::OneOf(&["tcp", "udp"])),
            ("series", Valid::OneOf(&["q", "iqr"])),
            ("xy_radix", Valid::OneOf(&["hex", "oct"])),
            ("network", Valid::UpTo(0xFF)),
            ("pc", Valid::UpTo(0xFF)),
            ("module_io", Valid::UpTo(0xFFFF)),
        ],
        Spoken::Fenet => &[
            ("cpu", Valid::OneOf(&["XGK", "XGI", "XGR", "XGB", "XGB-IEC"])),
            ("base", Valid::UpTo(15)),
            ("echoes_invoke_id", Valid::TrueOrFalse),
        ],
        Spoken::Opcua => &[],
    }
}

fn parse(address: &str, timeout: Duration) -> Result<Asked> {
    let url = Url::parse(address)
        .map_err(|error| Error::invalid(format!("`{address}` is no address ({error}): {FORM}")))?;
    let protocol: Option<Protocol> = url.scheme().parse().ok();
    let protocol = protocol.filter(|protocol| protocol.has_registers() && *protocol != Protocol::Opcua);
    let protocol = protocol.ok_or_else(|| {
        Error::invalid(format!("`{}://` addresses are not read by this version: {FORM}", url.scheme()))
    })?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::invalid(format!("`{address}` names no host: {FORM}")))?;
    if url.port() == Some(0) {
        return Err(Error::invalid(format!("port 0 cannot be connected to: {FORM}")));
    }
    let mut device = DeviceSpec::new("", protocol);
    device.host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    (device.port, device.timeout_s) = (url.port(), timeout.as_secs_f64());
    let (mut kind, mut order) = (None, ByteOrder::default().into());
    for (key, setting) in url.query_pairs() {
        match &*key {
            "type" => kind = Some(parse_kind(&setting)?),
            "byteorder" => order = parse_byteorder(&setting)?,
            "wordorder" => order = parse_wordorder(&setting)?,
            _ => set(&mut device, &key, &setting)?,
        }
    }
    let path = url.path().trim_start_matches('/');
    // `%DB200` is what people type; only `%25DB200` is an escape.
    let is_plain = protocol == Protocol::Fenet && !path.starts_with("%25");
    let register = if is_plain { path.to_owned() } else { percent_decode(path) };
    let register = Address::parse(&device, &register).map_err(Error::invalid)?;
    let asked = Asked { device, kind: kind.unwrap_or(register.default_kind()), register, order };
    asked.point(asked.order)?;
    Ok(asked)
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

/// A parameter that is a setting of the device.
fn set(device: &mut DeviceSpec, key: &str, text: &str) -> Result<()> {
    if key == "unit" {
        let unit = text.parse();
        device.unit =
            unit.map_err(|_| Error::invalid(format!("unit `{text}` is not a number from 0 to 255")))?;
        return Ok(());
    }
    let known = Spoken::of(device.protocol).map_or(&[][..], settings);
    let Some((_, valid)) = known.iter().find(|(name, _)| *name == key) else {
        let names = ["type", "unit", "byteorder", "wordorder"].into_iter();
        return Err(one_of("parameter", key, names.chain(known.iter().map(|(name, _)| *name))));
    };
    let setting: Json = match valid {
        Valid::OneOf(words) if words.contains(&text) => text.into(),
        Valid::OneOf(words) => return Err(one_of(key, text, words.iter().copied())),
        Valid::UpTo(max) => {
            let number: Option<u64> = text.parse().ok().filter(|number| number <= max);
            let wrong = || Error::invalid(format!("{key} `{text}` is not a number from 0 to {max}"));
            number.ok_or_else(wrong)?.into()
        }
        Valid::TrueOrFalse => {
            let flag: Option<bool> = text.parse().ok();
            flag.ok_or_else(|| one_of(key, text, ["true", "false"]))?.into()
        }
    };
    device.metadata.insert(key.to_owned(), setting);
    Ok(())
}

fn numeric_kinds() -> impl Iterator<Item = &'static str> {
    StreamKind::ALL.into_iter().filter(|kind| kind.is_numeric()).map(StreamKind::name)
}

fn one_of(what: &str, given: &str, valid: impl IntoIterator<Item = &'static str>) -> Error {
    let valid = valid.into_iter().collect::<Vec<_>>().join(", ");
    Error::invalid(format!("{what} `{given}` is not one of {valid}"))
}

/// Decodes `%25MW0` and leaves `%MW0`, which is what people type, as it is.
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
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[path = "direct_tests.rs"]
mod tests;

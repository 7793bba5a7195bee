//! One direct read of one register from its address alone: no device, no stream, nothing stored.
//!
//! `modbus://HOST[:PORT]/REGISTER?type=fp32&unit=1&byteorder=big&framing=rtu_over_tcp`; `wordorder` instead of
//! `byteorder` names one of the four orders. Defaults: port 502, type uint16 (bit for coils and inputs), unit 1,
//! byteorder little, framing tcp.

use std::time::Duration;

use url::Url;

use super::address::Address;
use super::client::{Client, Endpoint};
use super::codec::{self, WordOrder};
use super::io;
use super::point::{Answered, Point};
use super::registers::Data;
use super::value::Value;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::{Error, Result};

/// What a register holds.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectRead {
    /// The canonical form of the register.
    pub register: String,
    pub kind: StreamKind,
    /// In the order asked for.
    pub value: Value,
    /// As they came from the device: the bytes of the registers, or 0 or 1 for a coil or input.
    pub raw: Vec<u8>,
    /// The value in every word order; empty for single bits, which have none.
    pub orders: Vec<(WordOrder, Value)>,
}

/// Reads once; connecting and reading may each take `timeout`. Every bad part of the address is an error that says
/// what would be valid.
pub async fn read(address: &str, timeout: Duration) -> Result<DirectRead> {
    let asked = parse(address, timeout)?;
    let endpoint = Endpoint::of(&asked.device)?;
    let mut client = Client::connect(&endpoint).await?;
    let point = asked.point(asked.order)?;
    let answered = client.read(&point).await?;
    let value = |point: Point| {
        point.decode(&answered).ok_or_else(|| Error::internal("the answer does not hold the value"))
    };
    let Answered::Registers(_, data) = &answered;
    let orders = match data {
        Data::Bits(_) => Vec::new(),
        Data::Words(_) => WordOrder::ALL
            .into_iter()
            .map(|order| Ok((order, value(asked.point(order)?)?)))
            .collect::<Result<_>>()?,
    };
    let raw = match data {
        Data::Bits(bits) => bits.iter().map(|bit| u8::from(*bit)).collect(),
        Data::Words(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
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

const FORM: &str = "write modbus://HOST[:PORT]/REGISTER, for example modbus://127.0.0.1:502/hr:100?type=fp32";

/// Settings of a protocol that an address can name, each with what it may be.
fn settings(protocol: Protocol) -> &'static [(&'static str, &'static [&'static str])] {
    match protocol {
        Protocol::Modbus => &[("framing", &["tcp", "rtu_over_tcp"])],
        _ => &[],
    }
}

fn parse(address: &str, timeout: Duration) -> Result<Asked> {
    let url = Url::parse(address)
        .map_err(|error| Error::invalid(format!("`{address}` is no address ({error}): {FORM}")))?;
    let protocol: Option<Protocol> = url.scheme().parse().ok().filter(|protocol| io::supports(*protocol));
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
    let register = percent_decode(url.path().trim_start_matches('/'));
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
    let known = settings(device.protocol);
    let Some((_, valid)) = known.iter().find(|(name, _)| *name == key) else {
        let names = ["type", "unit", "byteorder", "wordorder"].into_iter();
        return Err(one_of("parameter", key, names.chain(known.iter().map(|(name, _)| *name))));
    };
    if !valid.contains(&text) {
        return Err(one_of(key, text, valid.iter().copied()));
    }
    device.metadata.insert(key.to_owned(), text.into());
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

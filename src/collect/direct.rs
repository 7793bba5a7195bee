//! One direct read of one register from its address alone: no device, no stream, nothing stored.
//!
//! `modbus://HOST[:PORT]/REGISTER?type=fp32&unit=1&byteorder=big&framing=rtu_over_tcp`; `wordorder` instead of
//! `byteorder` names one of the four orders. Defaults: port 502, type uint16 (bit for coils and inputs), unit 1,
//! byteorder little, framing tcp.

use std::time::Duration;

use url::Url;

use super::codec::{self, WordOrder};
use super::modbus::address::Address;
use super::modbus::client::{Client, Data, Endpoint, Framing};
use super::modbus::point::Point;
use super::value::Value;
use crate::domain::device::Protocol;
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
    let request = parse(address, timeout)?;
    let mut client = Client::connect(&request.endpoint).await?;
    let point = request.point(request.order)?;
    let data = client.read(point.span).await?;
    let value = |point: Point| {
        point.decode(point.span, &data).ok_or_else(|| Error::internal("the answer does not hold the value"))
    };
    let orders = match data {
        Data::Bits(_) => Vec::new(),
        Data::Words(_) => WordOrder::ALL
            .into_iter()
            .map(|order| Ok((order, value(request.point(order)?)?)))
            .collect::<Result<_>>()?,
    };
    let raw = match &data {
        Data::Bits(bits) => bits.iter().map(|bit| u8::from(*bit)).collect(),
        Data::Words(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
    };
    let (register, kind) = (request.register.to_string(), request.kind);
    Ok(DirectRead { register, kind, value: value(point)?, raw, orders })
}

/// What an address asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    endpoint: Endpoint,
    register: Address,
    kind: StreamKind,
    order: WordOrder,
}

impl Asked {
    fn point(&self, order: WordOrder) -> Result<Point> {
        Point::new(self.register, self.kind, order).map_err(Error::invalid)
    }
}

const FORM: &str = "write modbus://HOST[:PORT]/REGISTER, for example modbus://127.0.0.1:502/hr:100?type=fp32";

fn parse(address: &str, timeout: Duration) -> Result<Asked> {
    let url = Url::parse(address)
        .map_err(|error| Error::invalid(format!("`{address}` is no address ({error}): {FORM}")))?;
    if url.scheme() != Protocol::Modbus.name() {
        let message = format!("`{}://` addresses are not read by this version: {FORM}", url.scheme());
        return Err(Error::invalid(message));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::invalid(format!("`{address}` names no host: {FORM}")))?;
    let port = url.port().or(Protocol::Modbus.default_port()).filter(|port| *port != 0);
    let port = port.ok_or_else(|| Error::invalid(format!("port 0 cannot be connected to: {FORM}")))?;
    let path = percent_decode(url.path().trim_start_matches('/'));
    let register: Address = path.parse().map_err(|error| Error::invalid(format!("{error}")))?;

    let kind =
        if register.space.is_bits() || register.bit.is_some() { StreamKind::Bit } else { StreamKind::Uint16 };
    let endpoint = Endpoint {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port,
        unit: 1,
        framing: Framing::default(),
        writes_lists: false,
        timeout,
    };
    let mut asked = Asked { endpoint, register, kind, order: ByteOrder::default().into() };
    for (key, setting) in url.query_pairs() {
        set(&mut asked, &key, &setting)?;
    }
    asked.point(asked.order)?;
    Ok(asked)
}

fn set(asked: &mut Asked, key: &str, setting: &str) -> Result<()> {
    match key {
        "type" => {
            let kind: Option<StreamKind> =
                setting.parse().ok().filter(|kind| codec::word_count(*kind).is_some());
            asked.kind = kind.ok_or_else(|| one_of("type", setting, numeric_kinds()))?;
        }
        "unit" => {
            asked.endpoint.unit = setting
                .parse()
                .map_err(|_| Error::invalid(format!("unit `{setting}` is not a number from 0 to 255")))?;
        }
        "byteorder" => {
            let order: Option<ByteOrder> = setting.parse().ok();
            asked.order = order.ok_or_else(|| one_of("byteorder", setting, ["little", "big"]))?.into();
        }
        "wordorder" => {
            let order = setting.parse().ok();
            asked.order =
                order.ok_or_else(|| one_of("wordorder", setting, WordOrder::ALL.map(WordOrder::name)))?;
        }
        "framing" => {
            let framing = setting.parse().ok();
            asked.endpoint.framing =
                framing.ok_or_else(|| one_of("framing", setting, ["tcp", "rtu_over_tcp"]))?;
        }
        _ => return Err(one_of("parameter", key, ["type", "unit", "byteorder", "wordorder", "framing"])),
    }
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

//! One connection to one MELSEC CPU.
//!
//! In a frame of 3E nothing tells a late answer from the next one, so the channel is closed after every doubt; a frame
//! of 4E carries a serial number, which is checked too.

use std::time::Duration;

use super::address::Address;
use super::device::Radix;
use super::end_code::refused;
use super::frame::{Answer, Command, Encoding, Format, Frame, Head, Layout, Route};
use crate::collect::channel::{Channel, Framing, Peer, Transport};
use crate::collect::fault::{Code, Fault, Meaning};
use crate::collect::networks::Networks;
use crate::collect::registers::{Cell, Change, Data, Space, Span, Unit};
use crate::collect::settings::Settings;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// The module I/O numbers of CPUs; all others are modules, behind which stations can be.
const CPUS: std::ops::RangeInclusive<u16> = 0x03D0..=0x03FF;

/// Where a device is and how it is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub peer: Peer,
    pub format: Format,
}

impl Endpoint {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec) -> Result<Endpoint> {
        let settings = Settings(&spec.metadata);
        let frame = settings.choice("frame", &[("3E", Frame::E3), ("4E", Frame::E4)])?;
        let encoding =
            settings.choice("encoding", &[("binary", Encoding::Binary), ("ascii", Encoding::Ascii)])?;
        let layout = settings.choice("series", &[("q", Layout::Ql), ("iqr", Layout::Iqr)])?;
        let transport = settings.choice("transport", &[("tcp", Transport::Tcp), ("udp", Transport::Udp)])?;
        if xy_radix(spec)? == Radix::Octal && encoding == Encoding::Ascii {
            return Err(Error::field("xy_radix", "\"oct\" is for the encoding \"binary\"."));
        }
        let module_io = settings.number("module_io", 0xFFFF)?.unwrap_or(Route::OWN.module_io);
        let route = Route {
            network: settings.number("network", 0xFF)?.unwrap_or(Route::OWN.network),
            pc: settings.number("pc", 0xFF)?.unwrap_or(Route::OWN.pc),
            module_io,
            // A CPU has no stations behind it, and every device has a unit, 1 unless somebody says otherwise.
            station: if CPUS.contains(&module_io) { Route::OWN.station } else { spec.unit },
        };
        let peer = Peer::of(spec, transport)?;
        // At our timeout the device gives up too.
        let timer = peer.timeout.as_millis() / Duration::from_millis(250).as_millis();
        let timer = u16::try_from(timer).unwrap_or(u16::MAX).max(1);
        Ok(Endpoint { peer, format: Format { frame, encoding, layout, route, timer } })
    }
}

/// How a device's X and Y are counted.
pub fn xy_radix(spec: &DeviceSpec) -> Result<Radix> {
    Settings(&spec.metadata).choice("xy_radix", &[("hex", Radix::Hexadecimal), ("oct", Radix::Octal)])
}

/// Reads what a user wrote for a device.
pub fn parse_address(spec: &DeviceSpec, text: &str) -> Result<Address, String> {
    let radix = xy_radix(spec).map_err(|error| error.to_string())?;
    Address::parse(text, radix).map_err(|error| error.to_string())
}

/// A session with one device; one request at a time.
pub struct Client {
    endpoint: Endpoint,
    channel: Channel,
    serial: u16,
}

/// What is awaited.
struct Awaited {
    format: Format,
    serial: u16,
}

impl Framing for Awaited {
    fn header_len(&self) -> usize {
        self.format.header_len()
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        self.format.body_len(self.serial, header).map_err(|broken| broken.to_string())
    }
}

impl Client {
    /// Over UDP nothing is known of the device until it has answered, so it is asked for its model.
    pub async fn connect(endpoint: &Endpoint, networks: &Networks) -> Result<Client, Fault> {
        let channel = Channel::connect(&endpoint.peer, networks).await?;
        let mut client = Client { endpoint: endpoint.clone(), channel, serial: 0 };
        if endpoint.peer.transport == Transport::Udp {
            match client.call(&Command::ReadModel).await {
                Ok(_) | Err(Fault::Refused { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(client)
    }

    pub fn is_usable(&self, endpoint: &Endpoint) -> bool {
        self.channel.is_open() && self.endpoint == *endpoint
    }

    pub fn has_sent(&self) -> bool {
        self.channel.has_sent()
    }

    pub fn has_answered(&self) -> bool {
        self.channel.has_answered()
    }

    pub async fn read(&mut self, span: Span) -> Result<Data, Fault> {
        let head = self.head(Cell { space: span.space, offset: span.start })?;
        let command = match head.device.unit() {
            Unit::Bit => Command::ReadBits(head, span.len),
            Unit::Wide(_) => Command::ReadRandom(Vec::new(), vec![head]),
            Unit::Byte | Unit::Word => Command::ReadWords(head, span.len),
        };
        match self.call(&command).await? {
            Answer::Words(words) => Ok(Data::Words(words)),
            Answer::Bits(bits) => Ok(Data::Bits(bits)),
            Answer::Random(_, dwords) => Ok(Data::Words(dwords.into_iter().flat_map(halves).collect())),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Several spans of words in one random read; no more than `MAX_SCATTERED` words.
    pub async fn read_together(&mut self, spans: &[Span]) -> Result<Vec<Data>, Fault> {
        let mut heads = Vec::new();
        for span in spans {
            let first = self.head(Cell { space: span.space, offset: span.start })?;
            heads.extend((0..u32::from(span.len)).map(|n| Head { number: first.number + n, ..first }));
        }
        match self.call(&Command::ReadRandom(heads, Vec::new())).await? {
            Answer::Random(words, _) => {
                let mut words = words.into_iter();
                let cut = |span: &Span| Data::Words(words.by_ref().take(span.len.into()).collect());
                Ok(spans.iter().map(cut).collect())
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// A bit of a word is written by reading the word and writing it back: the protocol has no other way, and what the
    /// CPU changes in between is lost.
    pub async fn write(&mut self, change: &Change) -> Result<(), Fault> {
        let command = match change {
            Change::Bits(cell, bits) => Command::WriteBits(self.head(*cell)?, bits.clone()),
            Change::Words(cell, words) => {
                let head = self.head(*cell)?;
                match (head.device.unit(), &words[..]) {
                    (Unit::Wide(_), [low, high]) => {
                        let dword = u32::from(*high) << 16 | u32::from(*low);
                        Command::WriteRandom(Vec::new(), vec![(head, dword)])
                    }
                    _ => Command::WriteWords(head, words.clone()),
                }
            }
            Change::Bytes(..) => return Err(foreign()),
            Change::Masked { cell, mask, bits } => {
                let head = self.head(*cell)?;
                let Answer::Words(words) = self.call(&Command::ReadWords(head, 1)).await? else {
                    return Err(self.channel.malformed("the answer holds no word".to_owned()));
                };
                Command::WriteWords(head, words.iter().map(|word| word & !mask | bits & mask).collect())
            }
        };
        match self.call(&command).await? {
            Answer::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    async fn call(&mut self, command: &Command) -> Result<Answer, Fault> {
        self.serial = self.serial.wrapping_add(1);
        let awaited = Awaited { format: self.endpoint.format, serial: self.serial };
        let request = awaited.format.encode(self.serial, command);
        let frame = self.channel.ask(&request, &awaited).await?;
        let body = frame.get(awaited.header_len()..).unwrap_or_default();
        match awaited.format.parse(command, body) {
            Ok(Answer::Refused(end_code)) => Err(refused(end_code)),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(self.channel.malformed(broken.to_string())),
        }
    }

    /// A cell as the wire has it.
    fn head(&self, cell: Cell) -> Result<Head, Fault> {
        let Space::Melsec(device) = cell.space else { return Err(foreign()) };
        if device.is_iqr_only() && self.endpoint.format.layout == Layout::Ql {
            return Err(only_iqr());
        }
        Ok(Head { device, number: cell.offset })
    }

    fn unexpected(&mut self, answer: &Answer) -> Fault {
        self.channel.malformed(format!("the answer is to another command: {answer:?}"))
    }
}

fn halves(dword: u32) -> [u16; 2] {
    [dword as u16, (dword >> 16) as u16]
}

/// What a CPU says of a device that it does not have.
const NO_SUCH_DEVICE: u16 = 0x4030;

fn foreign() -> Fault {
    refused(NO_SUCH_DEVICE)
}

fn only_iqr() -> Fault {
    let words = "only the series \"iqr\" has such a device";
    Fault::Refused { code: Code::Melsec(NO_SUCH_DEVICE), words, meaning: Meaning::NoSuchRegister }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

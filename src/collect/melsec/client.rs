//! MELSEC client: one connection to one CPU.
//!
//! A 3E frame cannot tell a late response from the next one, so the socket is closed after every doubt, and silence is
//! awaited where responses have come twice. A 4E frame carries a serial number: responses with an earlier one are skipped.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::MelsecAddress;
use super::device::{MelsecDevice, Radix};
use super::end_code::{end_code, refused};
use super::format::{DeviceLayout, Encoding, FrameVersion, MelsecFormat, Route};
use super::frame::{HeadDevice, MelsecCommand, MelsecResponse};
use crate::collect::client::{ConnectContext, DeviceClient, RangeOutcomes};
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::{DeviceFault, RefusalKind};
use crate::collect::peer::{Peer, Transport};
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::registers::{CellUnit, RegisterAddress, RegisterData, RegisterRange, RegisterWrite};
use crate::collect::request_number::RequestNumber;
use crate::collect::request_socket::{RequestSocket, ResponseFraming};
use crate::collect::settings::ProtocolSettings;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// Module I/O numbers of CPUs; all others are modules, which can have stations behind them.
const CPUS: std::ops::RangeInclusive<u16> = 0x03D0..=0x03FF;

/// Advice for a device whose responses come twice.
const NUMBERED_FRAMES: &str = "frames with serial numbers would tell them apart; set `frame` to \"4E\"";

/// Characters of a model's name, which has spaces at its end.
const MODEL_NAME_LEN: usize = 16;

/// Address and protocol settings of a CPU.
#[derive(Debug, Clone, PartialEq)]
pub struct MelsecEndpoint {
    pub peer: Peer,
    pub format: MelsecFormat,
}

#[async_trait]
impl RegisterEndpoint for MelsecEndpoint {
    type Client = MelsecClient;

    fn from_spec(spec: &DeviceSpec) -> Result<MelsecEndpoint> {
        let settings = ProtocolSettings(&spec.metadata);
        let frame = settings.choice("frame", &[("3E", FrameVersion::E3), ("4E", FrameVersion::E4)])?;
        let encoding =
            settings.choice("encoding", &[("binary", Encoding::Binary), ("ascii", Encoding::Ascii)])?;
        let layout = settings.choice("series", &[("q", DeviceLayout::Ql), ("iqr", DeviceLayout::Iqr)])?;
        let transport = settings.choice("transport", &[("tcp", Transport::Tcp), ("udp", Transport::Udp)])?;
        if xy_radix(spec)? == Radix::Octal && encoding == Encoding::Ascii {
            return Err(Error::field("xy_radix", "\"oct\" requires the encoding \"binary\"."));
        }
        let module_io = settings.number("module_io", 0xFFFF)?.unwrap_or(Route::OWN.module_io);
        let route = Route {
            network: settings.number("network", 0xFF)?.unwrap_or(Route::OWN.network),
            pc: settings.number("pc", 0xFF)?.unwrap_or(Route::OWN.pc),
            module_io,
            // A CPU has no stations behind it, but every device has a unit (by default 1), so the unit is ignored
            // here.
            station: if CPUS.contains(&module_io) { Route::OWN.station } else { spec.unit },
        };
        let peer = Peer::from_spec(spec, transport)?;
        // The device gives up when this client's timeout ends.
        let timer = peer.timeout.as_millis() / Duration::from_millis(250).as_millis();
        let timer = u16::try_from(timer).unwrap_or(u16::MAX).max(1);
        Ok(MelsecEndpoint { peer, format: MelsecFormat { frame, encoding, layout, route, timer } })
    }

    fn timeout(&self) -> Duration {
        self.peer.timeout
    }

    fn usage(&self) -> ConnectionUsage {
        self.peer.usage
    }

    async fn connect(&self, context: &ConnectContext) -> Result<MelsecClient, DeviceFault> {
        MelsecClient::connect(self, context).await
    }
}

/// Radix of X and Y on a device.
pub fn xy_radix(spec: &DeviceSpec) -> Result<Radix> {
    ProtocolSettings(&spec.metadata).choice("xy_radix", &[("hex", Radix::Hexadecimal), ("oct", Radix::Octal)])
}

/// Parses an address that a user wrote for a device.
pub fn parse_address(spec: &DeviceSpec, text: &str) -> Result<MelsecAddress, String> {
    let radix = xy_radix(spec).map_err(|error| error.to_string())?;
    MelsecAddress::parse(text, radix).map_err(|error| error.to_string())
}

/// A session with one CPU, which carries one request at a time.
pub struct MelsecClient {
    format: MelsecFormat,
    socket: RequestSocket,
    serial: RequestNumber,
}

/// Expected response to the current request.
struct MelsecResponseFraming<'a> {
    format: MelsecFormat,
    serial: RequestNumber,
    command: &'a MelsecCommand,
}

impl MelsecResponseFraming<'_> {
    /// Serial number of a response to an earlier request.
    fn earlier_serial(&self, header: &[u8]) -> Option<u16> {
        self.format.serial(header).filter(|serial| self.serial.is_earlier(*serial))
    }
}

impl ResponseFraming for MelsecResponseFraming<'_> {
    fn header_len(&self) -> usize {
        self.format.header_len()
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        let serial = self.earlier_serial(header).unwrap_or(self.serial.current());
        self.format.body_len(serial, header).map_err(|broken| broken.to_string())
    }

    fn is_numbered(&self) -> bool {
        self.format.frame == FrameVersion::E4
    }

    fn holds_values(&self, frame: &[u8]) -> bool {
        let body = frame.get(self.header_len()..).unwrap_or_default();
        match self.format.parse(self.command, body) {
            Ok(MelsecResponse::Done | MelsecResponse::Refused(_)) | Err(_) => false,
            Ok(_) => true,
        }
    }

    fn is_earlier(&self, frame: &[u8]) -> bool {
        self.earlier_serial(frame).is_some()
    }

    fn is_answer(&self, frame: &[u8]) -> bool {
        let body = frame.get(self.header_len()..).unwrap_or_default();
        self.format.parse(self.command, body).is_ok()
    }
}

impl MelsecClient {
    /// Connects. Over UDP that proves nothing until the device answers, so its model is read.
    pub async fn connect(
        endpoint: &MelsecEndpoint,
        context: &ConnectContext,
    ) -> Result<MelsecClient, DeviceFault> {
        let socket = RequestSocket::connect(&endpoint.peer, &context.networks).await?;
        let socket = socket.with_silence(Arc::clone(&context.silence), NUMBERED_FRAMES);
        let mut client = MelsecClient { format: endpoint.format, socket, serial: RequestNumber::default() };
        if endpoint.peer.transport == Transport::Udp {
            match client.call(&MelsecCommand::ReadModel).await {
                Ok(_) | Err(DeviceFault::Refused { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(client)
    }

    /// Reads the name of the CPU's model (command 0101: name and code).
    pub async fn model(&mut self) -> Result<String, DeviceFault> {
        match self.call(&MelsecCommand::ReadModel).await? {
            MelsecResponse::Model(bytes) => {
                let name = bytes.get(..MODEL_NAME_LEN).unwrap_or(&bytes);
                Ok(String::from_utf8_lossy(name).trim().to_owned())
            }
            _ => Err(self.socket.malformed("the answer holds no model".to_owned())),
        }
    }

    async fn call(&mut self, command: &MelsecCommand) -> Result<MelsecResponse, DeviceFault> {
        let serial = self.serial.advance();
        let awaited = MelsecResponseFraming { format: self.format, serial: self.serial, command };
        let request = awaited.format.encode(serial, command);
        let frame = self.socket.request(&request, &awaited).await?;
        let body = frame.get(awaited.header_len()..).unwrap_or_default();
        match awaited.format.parse(command, body) {
            Ok(MelsecResponse::Refused(end_code)) => Err(refused(end_code)),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(self.socket.malformed(broken.to_string())),
        }
    }

    /// Address of a cell on the wire.
    fn head(&self, cell: RegisterAddress) -> Result<HeadDevice, DeviceFault> {
        let device = MelsecDevice::from_register_space(cell.space).ok_or_else(no_such_device_fault)?;
        if device.is_iqr_only() && self.format.layout == DeviceLayout::Ql {
            return Err(only_iqr());
        }
        Ok(HeadDevice { device, number: cell.offset })
    }

    fn unexpected(&mut self, answer: &MelsecResponse) -> DeviceFault {
        self.socket.malformed(format!("the answer is to another command: {answer:?}"))
    }
}

#[async_trait]
impl DeviceClient for MelsecClient {
    fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    fn has_sent(&self) -> bool {
        self.socket.has_sent()
    }

    fn has_answered(&self) -> bool {
        self.socket.has_answered()
    }

    async fn read_registers(&mut self, span: RegisterRange) -> Result<RegisterData, DeviceFault> {
        let head = self.head(RegisterAddress { space: span.space, offset: span.start })?;
        let command = match head.device.unit() {
            CellUnit::Bit => MelsecCommand::ReadBits(head, span.len),
            CellUnit::Wide(_) => MelsecCommand::ReadRandom(Vec::new(), vec![head]),
            CellUnit::Byte | CellUnit::Word => MelsecCommand::ReadWords(head, span.len),
        };
        match self.call(&command).await? {
            MelsecResponse::Words(words) => Ok(RegisterData::Words(words)),
            MelsecResponse::Bits(bits) => Ok(RegisterData::Bits(bits)),
            MelsecResponse::Random(_, dwords) => {
                Ok(RegisterData::Words(dwords.into_iter().flat_map(halves).collect()))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Reads several spans of words in one random read; at most as many words as the space allows.
    async fn read_scattered(&mut self, spans: &[RegisterRange]) -> Result<RangeOutcomes, DeviceFault> {
        let mut heads = Vec::new();
        for span in spans {
            let first = self.head(RegisterAddress { space: span.space, offset: span.start })?;
            heads.extend((0..u32::from(span.len)).map(|n| HeadDevice { number: first.number + n, ..first }));
        }
        match self.call(&MelsecCommand::ReadRandom(heads, Vec::new())).await? {
            MelsecResponse::Random(words, _) => {
                let mut words = words.into_iter();
                let cut = |span: &RegisterRange| {
                    Ok(RegisterData::Words(words.by_ref().take(span.len.into()).collect()))
                };
                Ok(spans.iter().map(cut).collect())
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Writes a value. A bit of a word is written by reading the word and writing it back: the protocol has no other
    /// way, and a change by the CPU in between is lost.
    async fn write_registers(&mut self, change: &RegisterWrite) -> Result<(), DeviceFault> {
        let command = match change {
            RegisterWrite::Bits(cell, bits) => MelsecCommand::WriteBits(self.head(*cell)?, bits.clone()),
            RegisterWrite::Words(cell, words) => {
                let head = self.head(*cell)?;
                match (head.device.unit(), &words[..]) {
                    (CellUnit::Wide(_), [low, high]) => {
                        let dword = u32::from(*high) << 16 | u32::from(*low);
                        MelsecCommand::WriteRandom(Vec::new(), vec![(head, dword)])
                    }
                    _ => MelsecCommand::WriteWords(head, words.clone()),
                }
            }
            RegisterWrite::Bytes(..) => return Err(no_such_device_fault()),
            RegisterWrite::Masked { cell, mask, bits } => {
                let head = self.head(*cell)?;
                let MelsecResponse::Words(words) = self.call(&MelsecCommand::ReadWords(head, 1)).await?
                else {
                    return Err(self.socket.malformed("the answer holds no word".to_owned()));
                };
                MelsecCommand::WriteWords(head, words.iter().map(|word| word & !mask | bits & mask).collect())
            }
        };
        match self.call(&command).await? {
            MelsecResponse::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }
}

fn halves(dword: u32) -> [u16; 2] {
    [dword as u16, (dword >> 16) as u16]
}

/// End code for a device that the CPU does not have.
const NO_SUCH_DEVICE: u16 = 0x4030;

fn no_such_device_fault() -> DeviceFault {
    refused(NO_SUCH_DEVICE)
}

fn only_iqr() -> DeviceFault {
    let words = "only the series \"iqr\" has such a device";
    DeviceFault::Refused { code: end_code(NO_SUCH_DEVICE), words, meaning: RefusalKind::NoSuchRegister }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

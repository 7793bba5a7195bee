//! FEnet client: one connection to one XGT CPU.
//!
//! Numbers are read and written as a run of bytes in one request, so that a value may begin at any word; bits and
//! variables of modules are addressed by name.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::variable;
use super::frame::{self, FenetCommand, FenetFormat, FenetResponse, HEADER_LEN};
use super::nak::{NO_SUCH_AREA, refused};
use super::space::{FenetSpace, VariableSize};
use crate::collect::client::{ConnectContext, DeviceClient, RangeOutcomes};
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::peer::{Peer, Transport};
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::registers::{
    CellUnit, RegisterAddress, RegisterData, RegisterRange, RegisterSpace, RegisterWrite,
};
use crate::collect::request_number::RequestNumber;
use crate::collect::request_socket::{RequestSocket, ResponseFraming};
use crate::collect::settings::ProtocolSettings;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// Highest slot of a base, and highest base.
const MAX_PLACE: u8 = 15;

/// Advice for a server whose answers come twice.
const NUMBERED_ANSWERS: &str = "invoke ids would tell them apart; `echoes_invoke_id` is false";

/// Address and protocol settings of a CPU.
#[derive(Debug, Clone, PartialEq)]
pub struct FenetEndpoint {
    pub peer: Peer,
    pub format: FenetFormat,
}

#[async_trait]
impl RegisterEndpoint for FenetEndpoint {
    type Client = FenetClient;

    fn from_spec(spec: &DeviceSpec) -> Result<FenetEndpoint> {
        let settings = ProtocolSettings(&spec.metadata);
        let cpus = [("XGK", 0xA0), ("XGI", 0xA4), ("XGR", 0xA8), ("XGB", 0xB0), ("XGB-IEC", 0xB4)];
        let cpu = settings.choice("cpu", &cpus)?;
        let base: u8 = settings.number("base", MAX_PLACE.into())?.unwrap_or_default();
        if spec.unit > MAX_PLACE {
            return Err(Error::field("unit", format!("The slot is a number from 0 to {MAX_PLACE}.")));
        }
        let echoes_invoke_id = settings.boolean("echoes_invoke_id", true)?;
        let format = FenetFormat { cpu, position: base << 4 | spec.unit, echoes_invoke_id };
        Ok(FenetEndpoint { peer: Peer::from_spec(spec, Transport::Tcp)?, format })
    }

    fn timeout(&self) -> Duration {
        self.peer.timeout
    }

    fn usage(&self) -> ConnectionUsage {
        self.peer.usage
    }

    async fn connect(&self, context: &ConnectContext) -> Result<FenetClient, DeviceFault> {
        FenetClient::connect(self, context).await
    }
}

/// A session with one CPU, which carries one request at a time.
pub struct FenetClient {
    format: FenetFormat,
    socket: RequestSocket,
    invoke: RequestNumber,
}

/// Expected response to the current request.
struct FenetResponseFraming<'a> {
    format: FenetFormat,
    invoke: RequestNumber,
    command: &'a FenetCommand,
}

impl FenetResponseFraming<'_> {
    /// Invoke id of a response to an earlier request.
    fn earlier_invoke(&self, header: &[u8]) -> Option<u16> {
        let invoke = frame::invoke_id(header).filter(|_| self.format.echoes_invoke_id);
        invoke.filter(|invoke| self.invoke.is_earlier(*invoke))
    }
}

impl ResponseFraming for FenetResponseFraming<'_> {
    fn header_len(&self) -> usize {
        HEADER_LEN
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        let invoke = self.earlier_invoke(header).unwrap_or(self.invoke.current());
        self.format.body_len(invoke, header).map_err(|broken| broken.to_string())
    }

    fn is_numbered(&self) -> bool {
        self.format.echoes_invoke_id
    }

    fn holds_values(&self, response: &[u8]) -> bool {
        let body = response.get(HEADER_LEN..).unwrap_or_default();
        matches!(frame::parse(self.command, body), Ok(FenetResponse::Blocks(_)))
    }

    fn is_earlier(&self, response: &[u8]) -> bool {
        self.earlier_invoke(response).is_some()
    }

    fn is_answer(&self, response: &[u8]) -> bool {
        frame::parse(self.command, response.get(HEADER_LEN..).unwrap_or_default()).is_ok()
    }
}

impl FenetClient {
    /// Opens the connection to the CPU. FEnet has no handshake, so nothing is sent before the first request.
    pub async fn connect(
        endpoint: &FenetEndpoint,
        context: &ConnectContext,
    ) -> Result<FenetClient, DeviceFault> {
        let socket = RequestSocket::connect(&endpoint.peer, &context.networks).await?;
        let socket = socket.with_silence(Arc::clone(&context.silence), NUMBERED_ANSWERS);
        Ok(FenetClient { format: endpoint.format, socket, invoke: RequestNumber::default() })
    }

    /// Writes one byte of a module, or a run of bytes of an area.
    fn whole(&self, cell: RegisterAddress, bytes: Vec<u8>) -> Result<FenetCommand, DeviceFault> {
        let name = name(cell, VariableSize::Byte)?;
        Ok(match FenetSpace::from_register_space(cell.space) {
            Some(FenetSpace::Module { .. }) => FenetCommand::Write(VariableSize::Byte, vec![(name, bytes)]),
            _ => FenetCommand::WriteBytes(name, bytes),
        })
    }

    async fn blocks(&mut self, command: &FenetCommand) -> Result<Vec<Vec<u8>>, DeviceFault> {
        match self.call(command).await? {
            FenetResponse::Blocks(blocks) => Ok(blocks),
            FenetResponse::Done | FenetResponse::Refused(_) => Err(self.unexpected()),
        }
    }

    async fn call(&mut self, command: &FenetCommand) -> Result<FenetResponse, DeviceFault> {
        let invoke = self.invoke.advance();
        let awaited = FenetResponseFraming { format: self.format, invoke: self.invoke, command };
        let request = awaited.format.encode(invoke, command);
        let answer = self.socket.request(&request, &awaited).await?;
        match frame::parse(command, answer.get(HEADER_LEN..).unwrap_or_default()) {
            Ok(FenetResponse::Refused(code)) => Err(refused(code)),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(self.socket.malformed(broken.to_string())),
        }
    }

    /// Converts the bytes of a span to its space's unit.
    fn data(&mut self, span: RegisterRange, bytes: Vec<u8>) -> Result<RegisterData, DeviceFault> {
        match (span.space.unit, &bytes[..]) {
            (CellUnit::Byte, _) => Ok(RegisterData::Bytes(bytes)),
            (CellUnit::Bit, [0]) => Ok(RegisterData::Bits(vec![false])),
            (CellUnit::Bit, [1]) => Ok(RegisterData::Bits(vec![true])),
            (CellUnit::Bit, _) => Err(self.unexpected()),
            (CellUnit::Word | CellUnit::Wide(_), _) => {
                let words = bytes.chunks_exact(2).map(|pair| u16::from(pair[1]) << 8 | u16::from(pair[0]));
                Ok(RegisterData::Words(words.collect()))
            }
        }
    }

    fn unexpected(&mut self) -> DeviceFault {
        self.socket.malformed("the answer does not hold what was asked for".to_owned())
    }
}

#[async_trait]
impl DeviceClient for FenetClient {
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
        let command = match FenetSpace::from_register_space(span.space) {
            Some(FenetSpace::Bytes(_)) => {
                FenetCommand::ReadBytes(name(span.first(), VariableSize::Byte)?, span.len)
            }
            _ => {
                let size = size_of(span.space)?;
                FenetCommand::Read(size, vec![name(span.first(), size)?])
            }
        };
        let block = self.blocks(&command).await?.into_iter().next().unwrap_or_default();
        self.data(span, block)
    }

    /// Reads several spans in one request, all words or all single bits; at most 16 variables.
    async fn read_scattered(&mut self, spans: &[RegisterRange]) -> Result<RangeOutcomes, DeviceFault> {
        let is_bits = spans.iter().all(|span| span.space.unit == CellUnit::Bit);
        let (size, step) = if is_bits { (VariableSize::Bit, 1) } else { (VariableSize::Word, 2) };
        let mut names = Vec::new();
        for span in spans {
            let cells = (span.start..span.end()).step_by(step);
            for offset in cells {
                names.push(name(RegisterAddress { offset, ..span.first() }, size)?);
            }
        }
        let mut blocks = self.blocks(&FenetCommand::Read(size, names)).await?.into_iter();
        let mut all = Vec::new();
        for span in spans {
            let variables = usize::from(span.len).div_ceil(step);
            let bytes: Vec<u8> = blocks.by_ref().take(variables).flatten().collect();
            all.push(Ok(self.data(*span, bytes)?));
        }
        Ok(all)
    }

    /// Writes a value. A bit of a word in an area without named bits is written by reading the word and writing it
    /// back: the protocol has no other way, and a change by the CPU in between is lost.
    async fn write_registers(&mut self, change: &RegisterWrite) -> Result<(), DeviceFault> {
        let command = match change {
            RegisterWrite::Bytes(cell, bytes) => self.whole(*cell, bytes.clone())?,
            RegisterWrite::Words(cell, words) => {
                let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                let size = size_of(cell.space)?;
                FenetCommand::Write(size, vec![(name(*cell, size)?, bytes)])
            }
            RegisterWrite::Bits(cell, bits) => {
                let name = name(*cell, VariableSize::Bit)?;
                FenetCommand::Write(
                    VariableSize::Bit,
                    vec![(name, bits.iter().map(|on| u8::from(*on)).collect())],
                )
            }
            RegisterWrite::Masked { cell, mask, bits } => {
                let data = self
                    .read_registers(RegisterRange { space: cell.space, start: cell.offset, len: 2 })
                    .await?;
                let RegisterData::Bytes(bytes) = data else { return Err(refused(NO_SUCH_AREA)) };
                let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u16::from(*byte));
                self.whole(*cell, (word & !mask | bits & mask).to_le_bytes().to_vec())?
            }
        };
        match self.call(&command).await? {
            FenetResponse::Done => Ok(()),
            FenetResponse::Blocks(_) | FenetResponse::Refused(_) => Err(self.unexpected()),
        }
    }
}

/// Size of a space whose variables are read one at a time.
fn size_of(space: RegisterSpace) -> Result<VariableSize, DeviceFault> {
    match FenetSpace::from_register_space(space) {
        Some(FenetSpace::Bits(_)) => Ok(VariableSize::Bit),
        Some(FenetSpace::Module { size, .. }) => Ok(size),
        Some(FenetSpace::Bytes(_)) | None => Err(refused(NO_SUCH_AREA)),
    }
}

fn name(cell: RegisterAddress, size: VariableSize) -> Result<String, DeviceFault> {
    variable(cell, size).ok_or_else(|| refused(NO_SUCH_AREA))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

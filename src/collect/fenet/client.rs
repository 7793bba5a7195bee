//! One connection to one XGT CPU.
//!
//! Numbers are read and written as bytes from their first one on, in one request, so that a value may begin at any word;
//! bits and variables of modules by their names.

use super::address::{Size, Space, variable};
use super::frame::{self, Answer, Command, Format, HEADER_LEN};
use super::nak::{NO_SUCH_AREA, refused};
use crate::collect::channel::{Channel, Framing, Peer, Transport};
use crate::collect::fault::Fault;
use crate::collect::networks::Networks;
use crate::collect::registers::{self, Cell, Change, Data, Span, Unit};
use crate::collect::settings::Settings;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// Slots of a base, and bases.
const MAX_PLACE: u8 = 15;

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
        let cpus = [("XGK", 0xA0), ("XGI", 0xA4), ("XGR", 0xA8), ("XGB", 0xB0), ("XGB-IEC", 0xB4)];
        let cpu = settings.choice("cpu", &cpus)?;
        let base: u8 = settings.number("base", MAX_PLACE.into())?.unwrap_or_default();
        if spec.unit > MAX_PLACE {
            return Err(Error::field("unit", format!("The slot is a number from 0 to {MAX_PLACE}.")));
        }
        let echoes_invoke_id = settings.boolean("echoes_invoke_id", true)?;
        let format = Format { cpu, position: base << 4 | spec.unit, echoes_invoke_id };
        Ok(Endpoint { peer: Peer::of(spec, Transport::Tcp)?, format })
    }
}

/// A session with one device; one request at a time.
pub struct Client {
    endpoint: Endpoint,
    channel: Channel,
    invoke: u16,
}

/// What is awaited.
struct Awaited {
    format: Format,
    invoke: u16,
}

impl Framing for Awaited {
    fn header_len(&self) -> usize {
        HEADER_LEN
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        self.format.body_len(self.invoke, header).map_err(|broken| broken.to_string())
    }
}

impl Client {
    pub async fn connect(endpoint: &Endpoint, networks: &Networks) -> Result<Client, Fault> {
        let channel = Channel::connect(&endpoint.peer, networks).await?;
        Ok(Client { endpoint: endpoint.clone(), channel, invoke: 0 })
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
        let command = match span.space {
            registers::Space::Fenet(Space::Bytes(_)) => {
                Command::ReadBytes(name(span.first(), Size::Byte)?, span.len)
            }
            space => {
                let size = size_of(space)?;
                Command::Read(size, vec![name(span.first(), size)?])
            }
        };
        let block = self.blocks(&command).await?.into_iter().next().unwrap_or_default();
        self.data(span, block)
    }

    /// Several spans in one request, each as words or each a bit; no more than 16 variables.
    pub async fn read_together(&mut self, spans: &[Span]) -> Result<Vec<Data>, Fault> {
        let is_bits = spans.iter().all(|span| span.space.unit() == Unit::Bit);
        let (size, step) = if is_bits { (Size::Bit, 1) } else { (Size::Word, 2) };
        let mut names = Vec::new();
        for span in spans {
            let cells = (span.start..span.end()).step_by(step);
            for offset in cells {
                names.push(name(Cell { offset, ..span.first() }, size)?);
            }
        }
        let mut blocks = self.blocks(&Command::Read(size, names)).await?.into_iter();
        let mut all = Vec::new();
        for span in spans {
            let variables = usize::from(span.len).div_ceil(step);
            let bytes: Vec<u8> = blocks.by_ref().take(variables).flatten().collect();
            all.push(self.data(*span, bytes)?);
        }
        Ok(all)
    }

    /// A bit of a word of an area without bits is written by reading the word and writing it back: the protocol has no
    /// other way, and what the CPU changes in between is lost.
    pub async fn write(&mut self, change: &Change) -> Result<(), Fault> {
        let command = match change {
            Change::Bytes(cell, bytes) => self.whole(*cell, bytes.clone())?,
            Change::Words(cell, words) => {
                let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                let size = size_of(cell.space)?;
                Command::Write(size, vec![(name(*cell, size)?, bytes)])
            }
            Change::Bits(cell, bits) => {
                let name = name(*cell, Size::Bit)?;
                Command::Write(Size::Bit, vec![(name, bits.iter().map(|on| u8::from(*on)).collect())])
            }
            Change::Masked { cell, mask, bits } => {
                let data = self.read(Span { space: cell.space, start: cell.offset, len: 2 }).await?;
                let Data::Bytes(bytes) = data else { return Err(refused(NO_SUCH_AREA)) };
                let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u16::from(*byte));
                self.whole(*cell, (word & !mask | bits & mask).to_le_bytes().to_vec())?
            }
        };
        match self.call(&command).await? {
            Answer::Done => Ok(()),
            Answer::Blocks(_) | Answer::Refused(_) => Err(self.unexpected()),
        }
    }

    /// One byte of a module, or as many as there are from a byte on.
    fn whole(&self, cell: Cell, bytes: Vec<u8>) -> Result<Command, Fault> {
        let name = name(cell, Size::Byte)?;
        Ok(match cell.space {
            registers::Space::Fenet(Space::Module { .. }) => Command::Write(Size::Byte, vec![(name, bytes)]),
            _ => Command::WriteBytes(name, bytes),
        })
    }

    async fn blocks(&mut self, command: &Command) -> Result<Vec<Vec<u8>>, Fault> {
        match self.call(command).await? {
            Answer::Blocks(blocks) => Ok(blocks),
            Answer::Done | Answer::Refused(_) => Err(self.unexpected()),
        }
    }

    async fn call(&mut self, command: &Command) -> Result<Answer, Fault> {
        self.invoke = self.invoke.wrapping_add(1);
        let awaited = Awaited { format: self.endpoint.format, invoke: self.invoke };
        let request = awaited.format.encode(self.invoke, command);
        let answer = self.channel.ask(&request, &awaited).await?;
        match frame::parse(command, answer.get(HEADER_LEN..).unwrap_or_default()) {
            Ok(Answer::Refused(code)) => Err(refused(code)),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(self.channel.malformed(broken.to_string())),
        }
    }

    /// The bytes of a span as its space has them.
    fn data(&mut self, span: Span, bytes: Vec<u8>) -> Result<Data, Fault> {
        match (span.space.unit(), &bytes[..]) {
            (Unit::Byte, _) => Ok(Data::Bytes(bytes)),
            (Unit::Bit, [0]) => Ok(Data::Bits(vec![false])),
            (Unit::Bit, [1]) => Ok(Data::Bits(vec![true])),
            (Unit::Bit, _) => Err(self.unexpected()),
            (Unit::Word | Unit::Wide(_), _) => {
                let words = bytes.chunks_exact(2).map(|pair| u16::from(pair[1]) << 8 | u16::from(pair[0]));
                Ok(Data::Words(words.collect()))
            }
        }
    }

    fn unexpected(&mut self) -> Fault {
        self.channel.malformed("the answer does not hold what was asked for".to_owned())
    }
}

/// The size of a space whose variables are read one at a time.
fn size_of(space: registers::Space) -> Result<Size, Fault> {
    match space {
        registers::Space::Fenet(Space::Bits(_)) => Ok(Size::Bit),
        registers::Space::Fenet(Space::Module { size, .. }) => Ok(size),
        _ => Err(refused(NO_SUCH_AREA)),
    }
}

fn name(cell: Cell, size: Size) -> Result<String, Fault> {
    variable(cell, size).ok_or_else(|| refused(NO_SUCH_AREA))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
